"""Weights in and out: the published containers are read, safetensors and resumable torch files are written."""
import os

import torch
from safetensors.torch import load_file, save_file

from model import Config, SRDiff


def read_tensors(path):
    """Bare {name: float32 tensor} from any published container; weight norm is folded into plain weights."""
    if str(path).endswith(".safetensors"):
        tensors = load_file(path)
    else:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        if "state_dict" in tensors:
            tensors = tensors["state_dict"]["model"]
        elif "ema" in tensors:                                        # our own resumable file: the averaged weights
            tensors = tensors["ema"]
    tensors = {name.removeprefix("module."): value.float() for name, value in tensors.items()}
    for name in [n for n in tensors if n.endswith(".weight_g")]:
        gain, direction = tensors.pop(name), tensors.pop(name[:-1] + "v")
        norm = direction.flatten(1).norm(dim=1).reshape(gain.shape)
        tensors[name.removesuffix("_g")] = direction * (gain / norm)
    return {name: value for name, value in tensors.items() if not name.startswith("ssim_loss.")}


def load_model(path):
    tensors = read_tensors(path)
    model = SRDiff(Config.of(tensors))
    # A file may leave out the schedules that betas decide; the shipped ones do.
    schedules = {name: value for name, value in model.state_dict().items() if "." not in name}
    model.load_state_dict({**schedules, **tensors}, strict=True)
    return model


def write_aside(path, write):
    """`write(file name)` to a neighbour, then rename: a reader sees the old file or the new one, never half of one."""
    aside = f"{path}.partial"
    open(aside, "wb").close()
    mode = os.stat(aside).st_mode          # of any new file; safetensors would make one that nobody else may read
    write(aside)
    os.chmod(aside, mode)
    with open(aside, "rb") as file:
        os.fsync(file.fileno())
    os.replace(aside, path)


def save_resumable(path, state):
    write_aside(path, lambda aside: torch.save(state, aside))


def export(tensors, path, dtype=torch.float32, metadata=None):
    """Bare safetensors. Schedules stay float32: they are few, and sqrt(1 - abar) near 1 needs the bits."""
    def stored(name, value):
        weight = name.startswith(("rrdb.", "denoise_fn."))
        return value.to(dtype if weight else torch.float32).contiguous().clone()
    write_aside(path, lambda aside: save_file({n: stored(n, v) for n, v in tensors.items()}, aside, metadata))
