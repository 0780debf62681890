"""Reads the published containers; writes safetensors and resumable torch files."""
import os

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model import Config, SRDiff


def read_tensors(path):
    """{name: float32 tensor} of any published container. Weight normalization is folded into plain weights."""
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


def read_description(path):
    """The metadata of a safetensors file, or how the weights of resume.pt were trained: {name: text}."""
    if str(path).endswith(".safetensors"):
        with safe_open(path, "pt") as file:
            return file.metadata() or {}
    state = torch.load(path, map_location="cpu", weights_only=True)
    if "ema" not in state:
        return {}
    return state.get("description", {"stage": state["stage"], "iterations": str(state["iteration"])})


def load_model(path):
    """A model with the weights of a checkpoint, in float32."""
    tensors = read_tensors(path)
    model = SRDiff(Config.of(tensors))
    # Files may leave out the noise schedules, which follow from betas; the shipped ones do.
    schedules = {name: value for name, value in model.state_dict().items() if "." not in name}
    model.load_state_dict({**schedules, **tensors}, strict=True)
    return model


def write_aside(path, write):
    """Calls `write(name)` with the name of a temporary file, then renames it.

    A reader sees the old file or the new one, never a part.
    """
    aside = f"{path}.partial"
    open(aside, "wb").close()
    # The mode of any new file: safetensors creates files that only their owner can read.
    mode = os.stat(aside).st_mode
    write(aside)
    os.chmod(aside, mode)
    with open(aside, "rb") as file:
        os.fsync(file.fileno())
    os.replace(aside, path)


def save_resumable(path, state):
    write_aside(path, lambda aside: torch.save(state, aside))


def export(tensors, path, dtype=torch.float32, metadata=None):
    """Writes safetensors.

    Noise schedules stay float32: they are small, and sqrt(1 - abar) near 1 needs the precision.
    """
    def stored(name, value):
        weight = name.startswith(("rrdb.", "denoise_fn."))
        return value.to(dtype if weight else torch.float32).contiguous().clone()
    write_aside(path, lambda aside: save_file({n: stored(n, v) for n, v in tensors.items()}, aside, metadata))
