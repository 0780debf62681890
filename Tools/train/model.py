"""SRDiff: an RRDB encoder and a U-Net that predicts noise. Tensor names are those of the published checkpoints.

Images inside the network are NCHW in -1...1. `lr` is the low-resolution image, `lr_up` its bicubic upsample.
The diffused quantity is the residual clamp((hr - lr_up) * RESIDUAL_GAIN, -1, 1).
"""
import math
import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

RESIDUAL_GAIN = 2.0


@dataclass(frozen=True)
class Config:
    """Everything a checkpoint's shapes say about its network; `Config.of(tensors)` reads it back."""
    dim: int = 32
    mults: tuple = (1, 2, 2, 4)
    blocks: int = 8
    features: int = 32
    scale: int = 4
    timesteps: int = 100
    up_input: bool = False
    attention: bool = False

    @staticmethod
    def of(tensors):
        levels = sorted({int(m[1]) for m in (re.match(r"denoise_fn\.downs\.(\d+)\.", n) for n in tensors) if m})
        dim = tensors["denoise_fn.mlp.2.weight"].shape[0]
        blocks = {int(m[1]) for m in (re.match(r"rrdb\.RRDB_trunk\.(\d+)\.", n) for n in tensors) if m}
        return Config(
            dim=dim,
            mults=tuple(tensors[f"denoise_fn.downs.{i}.0.mlp.1.weight"].shape[0] // dim for i in levels),
            blocks=len(blocks),
            features=tensors["rrdb.conv_first.weight"].shape[0],
            scale=tensors["denoise_fn.cond_proj.weight"].shape[2] // 2,
            timesteps=len(tensors["betas"]),
            up_input="denoise_fn.up_proj.1.weight" in tensors,
            attention="denoise_fn.mid_attn.fn.g" in tensors)

    @property
    def multiple(self):
        """Height and width inside the U-Net are multiples of this."""
        return 2 ** (len(self.mults) - 1)


# --- encoder ---------------------------------------------------------------------------------------------------------

def conv3x3(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DenseBlock(nn.Module):
    def __init__(self, features):
        super().__init__()
        growth = features // 2
        for i in range(4):
            setattr(self, f"conv{i + 1}", conv3x3(features + i * growth, growth))
        self.conv5 = conv3x3(features + 4 * growth, features)

    def forward(self, x):
        seen = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat((seen, F.leaky_relu(conv(seen), 0.2)), 1)
        return x + 0.2 * self.conv5(seen)


class RRDB(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.RDB1, self.RDB2, self.RDB3 = DenseBlock(features), DenseBlock(features), DenseBlock(features)

    def forward(self, x):
        return x + 0.2 * self.RDB3(self.RDB2(self.RDB1(x)))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        f = config.features
        self.scale = config.scale
        self.conv_first = conv3x3(3, f)
        self.RRDB_trunk = nn.ModuleList(RRDB(f) for _ in range(config.blocks))
        self.trunk_conv = conv3x3(f, f)
        for i in range(int(math.log2(config.scale))):
            setattr(self, f"upconv{i + 1}", conv3x3(f, f))
        self.HRconv = conv3x3(f, f)
        self.conv_last = conv3x3(f, 3)

    def forward(self, lr):
        """[n,3,h,w] -> the B+1 feature maps, [n,F,h,w] each."""
        first = x = self.conv_first(lr / 2 + 0.5)
        maps = []
        for block in self.RRDB_trunk:
            x = block(x)
            maps.append(x)
        return maps + [first + self.trunk_conv(x)]

    def image(self, last):
        """The encoder's image from its last feature map, in about -1...1.

        It is not clamped, because it is trained with L1.
        """
        x = last
        for i in range(int(math.log2(self.scale))):
            x = F.leaky_relu(getattr(self, f"upconv{i + 1}")(F.interpolate(x, scale_factor=2)), 0.2)
        return self.conv_last(F.leaky_relu(self.HRconv(x), 0.2)) * 2 - 1


def conditioning(maps):
    """Every third map from index 2."""
    return torch.cat(maps[2::3], 1)


# --- noise predictor -------------------------------------------------------------------------------------------------

def reflected_conv3x3(inputs, outputs, stride=1):
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, stride))


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.block = nn.Sequential(*reflected_conv3x3(inputs, outputs), nn.Mish())

    def forward(self, x):
        return self.block(x)


class ResBlock(nn.Module):
    def __init__(self, inputs, outputs, time):
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(time, outputs))
        self.block1 = Block(inputs, outputs)
        self.block2 = Block(outputs, outputs)
        self.res_conv = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, time):
        h = self.block1(x) + self.mlp(time)[:, :, None, None]
        return self.block2(h) + self.res_conv(x)


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = reflected_conv3x3(channels, channels, stride=2)

    def forward(self, x):
        return self.conv(x)


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Sequential(nn.ConvTranspose2d(channels, channels, 4, 2, 1))

    def forward(self, x):
        return self.conv(x)


class LinearAttention(nn.Module):
    heads, width = 4, 32

    def __init__(self, channels):
        super().__init__()
        self.to_qkv = nn.Conv2d(channels, 3 * self.heads * self.width, 1, bias=False)
        self.to_out = nn.Conv2d(self.heads * self.width, channels, 1)

    def forward(self, x):
        n, _, h, w = x.shape
        q, k, v = self.to_qkv(x).reshape(n, 3, self.heads, self.width, h * w).unbind(1)
        context = k.softmax(-1) @ v.transpose(-1, -2)                 # [n, heads, 32, 32]
        return self.to_out((context.transpose(-1, -2) @ q).reshape(n, -1, h, w))


class Gain(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn, self.g = fn, nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.fn(x) * self.g


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x) + x


class TimeEmbedding(nn.Module):
    """[n] integer timesteps -> [n, dim]: sines, then cosines."""

    def __init__(self, dim):
        super().__init__()
        half = dim // 2
        self.register_buffer("rates", torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1))), persistent=False)

    def forward(self, t):
        angles = t[:, None].float() * self.rates
        return torch.cat((angles.sin(), angles.cos()), -1)


class UNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, s = config.dim, config.scale
        dims = [3] + [d * m for m in config.mults]
        deepest = dims[-1]
        self.time = TimeEmbedding(d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.Mish(), nn.Linear(4 * d, d))
        self.cond_proj = nn.ConvTranspose2d(config.features * ((config.blocks + 1) // 3), d, 2 * s, s, s // 2)
        if config.up_input:
            self.up_proj = reflected_conv3x3(3, d)
        self.downs = nn.ModuleList(
            nn.ModuleList([ResBlock(a, b, d), ResBlock(b, b, d)] + ([Downsample(b)] if i + 2 < len(dims) else []))
            for i, (a, b) in enumerate(zip(dims, dims[1:])))
        self.mid_block1 = ResBlock(deepest, deepest, d)
        if config.attention:
            self.mid_attn = Residual(Gain(LinearAttention(deepest)))
        self.mid_block2 = ResBlock(deepest, deepest, d)
        self.ups = nn.ModuleList(
            nn.ModuleList([ResBlock(2 * b, a, d), ResBlock(a, a, d), Upsample(a)])
            for a, b in reversed(list(zip(dims[1:], dims[2:]))))
        self.final_conv = nn.Sequential(Block(d, d), nn.Conv2d(d, 3, 1))

    def condition(self, maps, lr_up):
        """What level 0 adds: [n,d,H,W]. It does not depend on the step."""
        cond = self.cond_proj(conditioning(maps))
        return cond + self.up_proj(lr_up) if hasattr(self, "up_proj") else cond

    def forward(self, x, t, cond):
        """x_t [n,3,H,W], t [n], cond [n,d,H,W] -> predicted noise [n,3,H,W]."""
        time = self.mlp(self.time(t))
        skips = []
        for level, (first, second, *down) in enumerate(self.downs):
            x = second(first(x, time), time)
            if level == 0:
                x = x + cond
            skips.append(x)
            for layer in down:
                x = layer(x)
        x = self.mid_block1(x, time)
        if hasattr(self, "mid_attn"):
            x = self.mid_attn(x)
        x = self.mid_block2(x, time)
        for first, second, up in self.ups:
            x = up(second(first(torch.cat((x, skips.pop()), 1), time), time))
        return self.final_conv(x)


# --- diffusion -------------------------------------------------------------------------------------------------------

def cosine_betas(timesteps):
    points = torch.linspace(0, timesteps + 1, timesteps + 1, dtype=torch.float64)
    kept = torch.cos((points / (timesteps + 1) + 0.008) / 1.008 * math.pi / 2) ** 2
    return (1 - kept[1:] / kept[:-1]).clamp(max=0.999)


def diffusion_buffers(betas):
    """The eleven float32 buffers that a published checkpoint carries, from float64 betas."""
    kept = torch.cumprod(1 - betas, 0)
    before = torch.cat((torch.ones(1, dtype=betas.dtype), kept[:-1]))
    variance = betas * (1 - before) / (1 - kept)
    values = {
        "betas": betas,
        "alphas_cumprod": kept,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": kept.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - kept).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - kept).log(),
        "sqrt_recip_alphas_cumprod": kept.rsqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / kept - 1).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(min=1e-20).log(),
        "posterior_mean_coef1": betas * before.sqrt() / (1 - kept),
        "posterior_mean_coef2": (1 - before) * (1 - betas).sqrt() / (1 - kept)}
    return {name: value.float() for name, value in values.items()}


class SRDiff(nn.Module):
    def __init__(self, config=Config()):
        super().__init__()
        self.config = config
        self.rrdb = Encoder(config)
        self.denoise_fn = UNet(config)
        for name, value in diffusion_buffers(cosine_betas(config.timesteps)).items():
            self.register_buffer(name, value)

    def noised(self, residual, t, noise):
        """x_t = sqrt(abar) x_0 + sqrt(1 - abar) noise."""
        return (self.sqrt_alphas_cumprod[t][:, None, None, None] * residual
                + self.sqrt_one_minus_alphas_cumprod[t][:, None, None, None] * noise)
