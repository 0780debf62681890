"""The loop from noise to a picture. A schedule is numbers; the loop is one."""
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
    """The timesteps of a respaced schedule, last first: evenly from T-1 to 0."""
    return torch.linspace(timesteps - 1, 0, count).round().long().tolist()


def transitions(text, timesteps):
    """The (timestep, eta) pairs that a sampler's name stands for.

    `ddpm:20` and `ddim:20` are evenly spaced (eta 1 and 0); `69@0.9375,0` lists timesteps, each with the eta of the transition that leaves it.
    """
    if ":" in text:
        kind, count = text.split(":")
        return [(t, {"ddpm": 1.0, "ddim": 0.0}[kind]) for t in visited(int(count), timesteps)]
    return [(int(t), float(eta or 0)) for t, _, eta in (part.partition("@") for part in text.split(","))]


def schedule(transitions, kept):
    """The steps of DDIM (eq. 12 and 16; eta 1 is DDPM) over (timestep, eta) pairs; `kept` is abar at every timestep."""
    kept = kept.double()
    steps = []
    for (t, eta), after in zip(transitions, transitions[1:] + [None]):
        now, then = kept[t].item(), kept[after[0]].item() if after is not None else 1.0
        sigma = eta * ((1 - now / then) * (1 - then) / (1 - now)) ** 0.5
        b = (max(0.0, 1 - then - sigma ** 2) / (1 - now)) ** 0.5      # the noise direction, from the clamped x0
        steps.append(Step(t, now ** -0.5, (1 / now - 1) ** 0.5, then ** 0.5 - now ** 0.5 * b, b, sigma))
    return steps


def run(model, steps, cond, normal):
    """The sampler loop: x_0 [n,3,H,W] from the conditioning. `normal()` draws noise of that shape; gradients flow through every step."""
    x = normal()
    for step in steps:
        noise = model.denoise_fn(x, torch.full((len(x),), step.timestep, device=x.device), cond).float()
        x0 = (step.p * x - step.q * noise).clamp(-1, 1)
        x = step.a * x0 + step.b * x + (step.sigma * normal() if step.sigma else 0)
    return x


def upscale(model, lr_u8, sampler="ddpm:20", seed=0, between=lambda: None, fidelity=0.0):
    """[h,w,3] u8 -> [h*scale,w*scale,3] u8. `between` is called before every upscale.

    `fidelity` is the sigma in HR pixels below which the encoder's image replaces the sample's low frequencies; 0 keeps the sample.
    """
    residual, lr_up, encoder_image = sample(model, lr_u8, sampler, seed, between)
    height, width = (size * model.config.scale for size in lr_u8.shape[:2])
    image = lr_up + residual.clamp(-1, 1) / RESIDUAL_GAIN
    if fidelity:
        image = with_fidelity(image, encoder_image.clamp(-1, 1), fidelity)
    return to_u8(image[0, :, :height, :width]).permute(1, 2, 0).cpu().numpy()


@torch.inference_mode()
def sample(model, lr_u8, sampler, seed, between=lambda: None):
    """The residual x_0, lr_up and the encoder's image, [1,3,H,W] each, of the padded image."""
    device = model.betas.device
    lr, lr_up = (x[None].to(device, memory_format=torch.channels_last)
                 for x in network_inputs(padded(lr_u8, model.config), model.config.scale))
    generator = torch.Generator().manual_seed(seed)
    normal = lambda: torch.randn(lr_up.shape, generator=generator).to(device)
    between()
    maps = model.rrdb(lr)
    steps = schedule(transitions(sampler, model.config.timesteps), model.alphas_cumprod)
    return run(model, steps, model.denoise_fn.condition(maps, lr_up), normal), lr_up, model.rrdb.picture(maps[-1])


def padded(lr_u8, config):
    """Right and bottom mirrored (... b a | a b ...) to what the U-Net can halve."""
    need = [-size * config.scale % config.multiple // config.scale for size in lr_u8.shape[:2]]
    return np.pad(lr_u8, ((0, need[0]), (0, need[1]), (0, 0)), mode="symmetric")
