"""The loop from noise to a picture. A schedule is numbers; the loop is one."""
from dataclasses import dataclass

import numpy as np
import torch

from data import network_inputs, to_u8
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


def schedule(kind, count, kept):
    """`kind` ddpm or ddim (eta 0) over `count` timesteps; `kept` is abar at every timestep."""
    kept = kept.double()
    times = visited(count, len(kept))
    steps = []
    for t, after in zip(times, times[1:] + [None]):
        now, then = kept[t].item(), kept[after].item() if after is not None else 1.0
        if kind == "ddpm":                                            # DDPM eq. 7 with the respaced beta
            beta = 1 - now / then
            a, b = beta * then ** 0.5 / (1 - now), (1 - then) * (1 - beta) ** 0.5 / (1 - now)
            sigma = (beta * (1 - then) / (1 - now)) ** 0.5
        else:                                                         # DDIM eq. 12, eps taken anew from the clamped x0
            b = ((1 - then) / (1 - now)) ** 0.5
            a, sigma = then ** 0.5 - now ** 0.5 * b, 0.0
        steps.append(Step(t, now ** -0.5, (1 / now - 1) ** 0.5, a, b, sigma))
    return steps


def upscale(model, lr_u8, kind="ddpm", count=20, seed=0, between=lambda: None):
    """[h,w,3] u8 -> [h*scale,w*scale,3] u8. `between` is called before every step."""
    residual, lr_up = sample(model, lr_u8, kind, count, seed, between)
    height, width = (size * model.config.scale for size in lr_u8.shape[:2])
    picture = lr_up + residual.clamp(-1, 1) / RESIDUAL_GAIN
    return to_u8(picture[0, :, :height, :width]).permute(1, 2, 0).cpu().numpy()


@torch.inference_mode()
def sample(model, lr_u8, kind, count, seed, between=lambda: None):
    """The residual x_0 and lr_up, [1,3,H,W] of the padded picture."""
    device = model.betas.device
    lr, lr_up = (x[None].to(device, memory_format=torch.channels_last)
                 for x in network_inputs(padded(lr_u8, model.config), model.config.scale))
    generator = torch.Generator().manual_seed(seed)
    normal = lambda: torch.randn(lr_up.shape, generator=generator).to(device)
    cond = model.denoise_fn.condition(model.rrdb(lr), lr_up)
    x = normal()
    for step in schedule(kind, count, model.alphas_cumprod):
        between()
        noise = model.denoise_fn(x, torch.tensor([step.timestep], device=device), cond)
        x0 = (step.p * x - step.q * noise).clamp(-1, 1)
        x = step.a * x0 + step.b * x + (step.sigma * normal() if step.sigma else 0)
    return x, lr_up


def padded(lr_u8, config):
    """Right and bottom mirrored (... b a | a b ...) to what the U-Net can halve."""
    need = [-size * config.scale % config.multiple // config.scale for size in lr_u8.shape[:2]]
    return np.pad(lr_u8, ((0, need[0]), (0, need[1]), (0, 0)), mode="symmetric")
