"""The sampler loop, from noise to an image.

A schedule is a list of coefficients, so every sampler runs in the same loop.
"""
from dataclasses import dataclass

import numpy as np
import torch

from data import network_inputs, to_u8
from losses import with_fidelity
from model import RESIDUAL_GAIN


@dataclass(frozen=True)
class Step:
    """x0 = clamp(p x_t - q eps, -1...1);  x' = a x0 + b x_t + sigma z."""
    timestep: int
    p: float
    q: float
    a: float
    b: float
    sigma: float


def visited(count, timesteps):
    """The timesteps of a respaced schedule, evenly from T-1 down to 0."""
    return torch.linspace(timesteps - 1, 0, count).round().long().tolist()


def transitions(text, timesteps):
    """The (timestep, eta) pairs of a sampler's name.

    `ddpm:20` and `ddim:20` are evenly spaced, with eta 1 and 0. `69@0.9375,0` lists timesteps, each with the eta of the
    transition that leaves it.
    """
    kind, separator, count = text.partition(":")
    try:
        if separator:
            found = [(t, {"ddpm": 1.0, "ddim": 0.0}[kind]) for t in visited(int(count), timesteps)]
        else:
            found = [(int(t), float(eta or 0)) for t, _, eta in (part.partition("@") for part in text.split(","))]
    except (KeyError, ValueError):
        found = []
    steps = [t for t, _ in found]
    if not steps or steps[0] >= timesteps or steps[-1] < 0 or any(a <= b for a, b in zip(steps, steps[1:])):
        raise SystemExit(
            f"sampler {text!r}: expected ddpm:STEPS, ddim:STEPS, or falling timesteps below "
            f"{timesteps} such as 69@0.9375,0")
    return found


def schedule(transitions, kept):
    """The steps of DDIM (Song et al. 2021, arXiv 2010.02502, eq. 12 and 16; eta 1 is DDPM).

    `kept` is abar of every timestep.
    """
    kept = kept.double()
    steps = []
    for (t, eta), after in zip(transitions, transitions[1:] + [None]):
        now, then = kept[t].item(), kept[after[0]].item() if after is not None else 1.0
        sigma = eta * ((1 - now / then) * (1 - then) / (1 - now)) ** 0.5
        b = (max(0.0, 1 - then - sigma ** 2) / (1 - now)) ** 0.5      # the noise direction, from the clamped x0
        steps.append(Step(t, now ** -0.5, (1 / now - 1) ** 0.5, then ** 0.5 - now ** 0.5 * b, b, sigma))
    return steps


def run(model, steps, cond, normal):
    """The sampler loop: x_0 [n,3,H,W] from the conditioning.

    `normal()` draws noise of that shape; gradients flow through every step.
    """
    x = normal()
    for step in steps:
        noise = model.denoise_fn(x, torch.full((len(x),), step.timestep, device=x.device), cond).float()
        x0 = (step.p * x - step.q * noise).clamp(-1, 1)
        x = step.a * x0 + step.b * x + (step.sigma * normal() if step.sigma else 0)
    return x


def upscale(model, lr_u8, sampler="ddpm:20", seed=0, fidelity=0.0):
    """Upscales an 8-bit image [h,w,3].

    `fidelity` is the sigma in HR pixels below which the encoder's image replaces the middle frequencies; 0 keeps
    the sample.
    """
    residual, lr_up, encoder_image = sample(model, lr_u8, sampler, seed)
    height, width = (size * model.config.scale for size in lr_u8.shape[:2])
    image = lr_up + residual.clamp(-1, 1) / RESIDUAL_GAIN
    if fidelity:
        image = with_fidelity(image, encoder_image.clamp(-1, 1), fidelity)
    return to_u8(image[0, :, :height, :width]).permute(1, 2, 0).cpu().numpy()


@torch.inference_mode()
def sample(model, lr_u8, sampler, seed):
    """The residual x_0, lr_up and the encoder's image, [1,3,H,W] each, of the padded image."""
    device = model.betas.device
    lr, lr_up = (x[None].to(device, memory_format=torch.channels_last)
                 for x in network_inputs(padded(lr_u8, model.config), model.config.scale))
    generator = torch.Generator().manual_seed(seed)
    normal = lambda: torch.randn(lr_up.shape, generator=generator).to(device)
    maps = model.rrdb(lr)
    steps = schedule(transitions(sampler, model.config.timesteps), model.alphas_cumprod)
    return run(model, steps, model.denoise_fn.condition(maps, lr_up), normal), lr_up, model.rrdb.image(maps[-1])


def padded(lr_u8, config):
    """The image, mirrored at the right and bottom (... b a | a b ...) to a size that the U-Net can halve."""
    need = [-size * config.scale % config.multiple // config.scale for size in lr_u8.shape[:2]]
    return np.pad(lr_u8, ((0, need[0]), (0, need[1]), (0, 0)), mode="symmetric")
