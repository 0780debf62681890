"""Makes the checkpoints of this folder with PyTorch (2.13), and beside each the tensors a reader must find, as safetensors.

    python make.py
"""
import json
import struct
from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(1)


def expect(name, tensors):
    header, data = {}, b""
    for key in sorted(tensors):
        value = tensors[key].detach().float().contiguous()
        raw = value.numpy().tobytes()
        header[key] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(f"{name}.expected.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def save(name, what, expected, **how):
    torch.save(what, name, **how)
    expect(name, expected)


# Every element type; integers are left out.
floats = {"f64": torch.randn(3, 2, dtype=torch.float64), "f32": torch.randn(5), "f16": torch.randn(2, 3).half(),
          "bf16": torch.randn(7).bfloat16(), "half_extremes": torch.tensor([6e-8, 6.1e-5, 65504, -0.0, float("inf")]).half(),
          "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4)}
integers = {"i64": torch.tensor(3), "i32": torch.arange(3, dtype=torch.int32), "i16": torch.ones(2, dtype=torch.int16),
            "i8": torch.ones(2, dtype=torch.int8), "u8": torch.ones(2, dtype=torch.uint8), "bool": torch.tensor([True])}
save("types.pt", {**floats, **integers}, floats)
save("types.legacy.pt", {**floats, **integers}, floats, _use_new_zipfile_serialization=False)
save("protocol4.pt", {"state_dict": floats, "epoch": 7}, floats, pickle_protocol=4)
save("protocol4.legacy.pt", {"state_dict": floats, "epoch": 7}, floats, pickle_protocol=4, _use_new_zipfile_serialization=False)

# Views: several tensors in one storage, any stride.
base = torch.arange(24.0).reshape(4, 6)
views = {"base": base, "transposed": base.t(), "slice": base[1:3, 2:5], "column": base[:, 3], "every_second": base[::2, ::3],
         "expanded": base[:, :1].expand(4, 6), "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
         "one": base[2:3, 4:5], "none": base[2:2]}
save("views.pt", {"model": views}, views)
save("views.legacy.pt", {"model": views}, views, _use_new_zipfile_serialization=False)

# A module's own state dict (with _metadata, hence BUILD), Parameters, batch norm's integer counter, an optimizer's state.
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
net[2](net[1](net[0](torch.randn(2, 3, 6, 4)))[:, :, 0, :1].squeeze(-1)).sum().backward()
optimizer.step()
state = net.state_dict()
checkpoint = {"state_dict": {"model": state}, "epoch": 2, "global_step": 41, "optimizer_states": [optimizer.state_dict()]}
expected = {k: v for k, v in state.items() if v.is_floating_point()}
save("module.legacy.ckpt", checkpoint, expected, _use_new_zipfile_serialization=False)
save("module.ckpt", checkpoint, expected)
parameters = OrderedDict((f"module.{k}", v) for k, v in net.named_parameters())
save("parameters.pt", parameters, {k.removeprefix("module."): v for k, v in parameters.items()})

# Weight norm: over outputs, over a transposed convolution's outputs (dim 1), over everything but a last dimension.
conv = torch.nn.utils.weight_norm(nn.Conv2d(3, 4, 3))
up = torch.nn.utils.weight_norm(nn.ConvTranspose2d(4, 3, 2), dim=1)
last = torch.nn.utils.weight_norm(nn.Linear(5, 2), dim=1)
with torch.no_grad():
    for layer in (conv, up, last):
        layer.weight_g.mul_(1.5)
        layer(torch.zeros({conv: (1, 3, 3, 3), up: (1, 4, 1, 1), last: (1, 5)}[layer]))       # computes .weight
normed, plain = {}, {}
for name, layer in (("conv", conv), ("up", up), ("last", last)):
    normed |= {f"{name}.{k}": v for k, v in layer.state_dict().items()}
    plain |= {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}
save("weightnorm.pt", normed, plain)
