"""Makes the checkpoints of `wrapped/` with PyTorch (2.13): the same small tensors as training code of different kinds saves them.

    python make_wrapped.py

`wrapped/plain.expected.safetensors` and `wrapped/average.expected.safetensors` are what a reader must find; the suite
WrappedCheckpointTests says which of them, and where there is an error instead.
"""
import argparse
import collections
import datetime
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(2)
folder = pathlib.Path("wrapped")
folder.mkdir(exist_ok=True)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.denoise_fn = Denoiser()
        self.rrdb = nn.Linear(2, 2)
        self.register_buffer("betas", torch.linspace(0.1, 0.4, 3))


class Recipe(collections.OrderedDict):
    """A class of the training program."""


def expect(name, tensors):
    save_file({k: v.detach().clone() for k, v in tensors.items()}, folder / f"{name}.expected.safetensors")


model, average = Model(), Model()
plain, averaged = dict(model.state_dict()), dict(average.state_dict())
parameters = {k: v for k, v in averaged.items() if k != "betas"}


def prefixed(prefix, tensors):
    return {prefix + k: v for k, v in tensors.items()}


def save(value, name, **how):
    torch.save(value, folder / name, **how)


expect("plain", plain)
expect("average", averaged)

# Prefixes.
save(prefixed("_orig_mod.", plain), "torch_compile.pt")
save(prefixed("module._orig_mod.", plain), "ddp_torch_compile.pt")
save({k.replace("denoise_fn.", "denoise_fn._orig_mod."): v for k, v in plain.items()}, "compiled_part.pt")
save({"state_dict": {**prefixed("model.", plain), "loss.vgg.weight": torch.ones(2)}, "epoch": 3,
      "pytorch-lightning_version": "2.4.0"}, "lightning.ckpt")
save({"state_dict": prefixed("net.module.", plain)}, "lightning_net.ckpt")

# Nesting.
save({"params": plain}, "basicsr.pth")
save({"epoch": 5, "model_state_dict": plain, "optimizer_state_dict": {"state": {}, "param_groups": [{"lr": 1e-4}]}}, "tutorial.pt")
save({"trainer": {"networks": {"generator": plain}}}, "nested.pt")

# Averages.
save({"params": plain, "params_ema": averaged}, "basicsr_both.pth")
save({"model": plain, "ema": parameters, "step": 7}, "ema_without_buffers.pt")       # buffers come from the model
save({"state_dict": plain, "ema_state_dict": averaged}, "ema_state_dict.pt")
save({"model": plain, "model_ema": prefixed("module.", averaged)}, "model_ema.pt")
save({"state_dict": {**prefixed("model.", plain), **prefixed("ema_model.", averaged)}}, "lightning_ema.ckpt")
save({"ema": {**prefixed("online_model.", plain), **prefixed("ema_model.", averaged), "step": torch.tensor(3)}}, "ema_pytorch.pt")
swa = torch.optim.swa_utils.AveragedModel(average)
save({"model": plain, "swa_state_dict": swa.state_dict()}, "swa.pt")

# Objects beside the weights.
optimizer = torch.optim.Adam(model.parameters())
objects = {
    "best_psnr": np.float64(28.5), "psnrs": np.array([1.0, 2.0]), "args": argparse.Namespace(lr=1e-4, milestones=[1, 2]),
    "optimizer_states": [optimizer.state_dict()],
    "lr_schedulers": [torch.optim.lr_scheduler.MultiStepLR(optimizer, [10, 20]).state_dict()],
    "date": datetime.datetime(2026, 1, 1), "path": pathlib.PurePosixPath("a/b"), "seen": {1, 2}, "frozen": frozenset([3]),
    "dtype": torch.float32, "device": torch.device("cpu"), "bytes": b"abc", "array": bytearray(b"abc"),
    "count": collections.Counter([10, 20]), "default": collections.defaultdict(list, {"a": [1]}), "range": range(3),
    "slice": slice(1, 2), "complex": 1j, "rng": torch.get_rng_state(), "sparse": torch.eye(2).to_sparse(),
}
save({"state_dict": plain, **objects}, "objects.ckpt")
save({"state_dict": plain, **objects}, "objects.legacy.ckpt", _use_new_zipfile_serialization=False)
save({"state_dict": plain, **objects}, "objects.protocol4.ckpt", pickle_protocol=4)
save({"state_dict": Recipe(plain), "recipe": Recipe(a=1)}, "subclass.ckpt")
annotated = {k: nn.Parameter(v.clone()) for k, v in plain.items()}
for value in annotated.values():
    value.note = "an attribute"
save(annotated, "parameters_with_attributes.pt")
save(model, "whole_module.pt")

# A weight that only its own class could make.
save({**plain, "denoise_fn.conv.weight": torch.eye(2).to_sparse()}, "sparse_weight.pt")
save({**plain, "denoise_fn.conv.weight": torch.complex(torch.ones(2), torch.ones(2))}, "complex_weight.pt")

# Weight norm by parametrization.
normed = nn.ModuleDict({"conv": nn.Conv2d(2, 3, 2), "up": nn.ConvTranspose2d(3, 2, 2)})
expect("parametrization", normed.state_dict())
torch.nn.utils.parametrizations.weight_norm(normed["conv"])
torch.nn.utils.parametrizations.weight_norm(normed["up"], dim=1)
save(normed.state_dict(), "parametrization.pt")
