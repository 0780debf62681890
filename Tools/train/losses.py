"""Losses of stage `few` on the final image. Tensors are [n,3,H,W] in -1...1, float32."""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from resize import bicubic_matrix


def blur(x, sigma):
    """Gaussian blur with radius ceil(3 sigma) and replicated borders.

    It is computed in float32 even under autocast: high bands are small differences.
    """
    radius = math.ceil(3 * sigma)
    kernel = torch.exp(-torch.arange(-radius, radius + 1, device=x.device).float() ** 2 / (2 * sigma ** 2))
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
    with torch.autocast(x.device.type, enabled=False):
        x = F.pad(x, (radius,) * 4, mode="replicate")
        x = F.conv2d(x, kernel, groups=x.shape[1])
        return F.conv2d(x, kernel.transpose(2, 3), groups=x.shape[1])


def with_fidelity(sample, encoder_image, sigma):
    """S + G(P - S) - H(P - S), with the sample S and the encoder's image P.

    G is a Gaussian of `sigma` HR pixels and H a wider one. Middle frequencies come from the encoder's image. High ones
    and the mean colour come from the sample: the encoder shifts saturated colours by up to 13 %.
    """
    difference = encoder_image - sample
    return sample + blur(difference, sigma) - blur(difference, max(6, 4 * sigma))


def low_band_l1(a, b, sigma=2.0):
    """L1 between the low bands, which the low-resolution image determines."""
    return F.l1_loss(blur(a, sigma), blur(b, sigma))


def consistency_l1(image, lr):
    """L1 between MATLAB's bicubic downscale of the image and the low-resolution image.

    From Bahat and Michaeli 2020, arXiv 1912.01839.
    """
    (height, width), (h, w) = image.shape[2:], lr.shape[2:]
    matrix = lambda size, count: torch.from_numpy(bicubic_matrix(size, count / size)).to(image.device, torch.float32)
    with torch.autocast(image.device.type, enabled=False):
        return F.l1_loss(matrix(height, h) @ image @ matrix(width, w).T, lr)


def random_view(a, b, generator):
    """Returns one random view of both images: cut at 0...15 px, flipped, transposed, resized by 1, 1.25, 1.5 or 2.

    AlexNet samples its input with stride 4. Without random views a network learns a grid that is aligned to that stride
    and lowers LPIPS.
    """
    draw = lambda n: int(torch.randint(n, (), generator=generator, device=generator.device))
    y, x, scale = draw(16), draw(16), (1, 1.25, 1.5, 2)[draw(4)]
    flips = [axis for axis in (2, 3) if draw(2)]
    transpose = draw(2)

    def view(v):
        v = v[..., y:, x:].flip(flips)
        v = v.transpose(2, 3) if transpose else v
        return v if scale == 1 else F.interpolate(v, scale_factor=scale, mode="bicubic", align_corners=False)
    return view(a), view(b)


# Random views of smaller crops would be too small for AlexNet.
LEAST_CROP = 48


def power(x, window):
    """Unnormalized power spectra [n,3,H,W] of the windowed images without their means."""
    x = x - x.mean((2, 3), keepdim=True)
    return torch.fft.fft2(x * window).abs().square()


def spectral(result, original):
    """(spectral loss, grid loss) of a batch, both in nats.

    The first is |log power ratio| at periods of 2...8 px, in the spirit of the focal frequency loss (Jiang et al. 2021,
    arXiv 2012.12821) but on power alone: a sample need not have the original's phases. The second compares the energy
    at periods 2 and 4 px, where upsampling layers leave a grid, with that of the neighbouring frequencies. Images are
    at least 32 pixels wide and high.
    """
    height, width = result.shape[2:]
    hann = lambda n: torch.hann_window(n, periodic=False, device=result.device)
    window = hann(height)[:, None] * hann(width)
    a, b = power(result, window), power(original, window)
    level = b.mean((1, 2, 3), keepdim=True) + 1e-3 * height * width   # a flat crop counts for little
    a, b = (a / level).mean((0, 1)), (b / level).mean((0, 1))
    # Neighbouring frequencies are averaged: single ones of a sample differ from the original's by chance alone.
    smooth = lambda p: F.avg_pool2d(F.pad(p[None, None], (1,) * 4, mode="circular"), 3, 1)[0, 0]
    frequency = torch.stack(
        torch.meshgrid(torch.fft.fftfreq(height), torch.fft.fftfreq(width), indexing="ij")).abs().amax(0)
    band = (frequency >= 1 / 8).to(result.device)
    ratio = (smooth(a) + 1e-6).log() - (smooth(b) + 1e-6).log()
    grids = []
    for axis, size in enumerate((height, width)):
        for k in (size // 4, size // 2):
            def peak(p):
                line = p.mean(1 - axis)
                near = torch.cat((line[k - 6:k - 2], line[k + 3:k + 7])) if k < size // 2 else line[k - 8:k - 2]
                return (line[k - 1:k + 2].mean() + 1e-7).log() - (near.mean() + 1e-7).log()
            grids.append((peak(a) - peak(b)).abs())
    return ratio[band].abs().mean(), torch.stack(grids).mean()


class Discriminator(nn.Module):
    """Patch discriminator (Isola et al. 2017, arXiv 1611.07004) with spectral norm (Miyato et al. 2018, arXiv
    1802.05957).

    It sees the high band alone, so that it judges texture and leaves colours and shapes to the other losses
    (in the spirit of the wavelet losses of Korkmaz et al. 2024, arXiv 2402.19215).
    """
    sigma = 1.5

    def __init__(self, width=16):
        super().__init__()
        conv = lambda *shape: spectral_norm(nn.Conv2d(*shape))
        self.layers = nn.Sequential(
            conv(3, width, 3, 1, 1), nn.LeakyReLU(0.2), conv(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
            conv(2 * width, 2 * width, 3, 1, 1), nn.LeakyReLU(0.2), conv(2 * width, 4 * width, 4, 2, 1),
            nn.LeakyReLU(0.2), conv(4 * width, 1, 3, 1, 1))

    def forward(self, x):
        return self.layers(4 * (x - blur(x, self.sigma)))             # the high band is a small part of -1...1

    def loss(self, result, original):
        """The discriminator's own hinge loss (Lim and Ye 2017, arXiv 1705.02894)."""
        fake, real = self(torch.cat((result.detach(), original))).float().chunk(2)
        return F.relu(1 + fake).mean() + F.relu(1 - real).mean()


class FakeQuantization:
    """Rounds the input of every int8 convolution to 8 bits over its range, with straight-through gradients (Jacob et
    al. 2018, arXiv 1712.05877).

    As in the runtime, convolutions of an image, the noise predictor's last layer and attention stay in float.
    """
    def __init__(self, model):
        self.enabled = False
        for name, module in model.named_modules():
            is_float = name == "denoise_fn.final_conv.1" or "mid_attn" in name
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) and module.in_channels > 3 and not is_float:
                module.register_forward_pre_hook(self.hook)

    def hook(self, module, inputs):
        return (rounded(inputs[0]),) if self.enabled else None


def rounded(x):
    """x rounded to 256 levels between its extremes, of which one is 0. The gradient is that of x."""
    with torch.no_grad():
        low, high = x.amin().clamp(max=0), x.amax().clamp(min=0)
        scale = ((high - low) / 255).clamp(min=1e-8)
        error = (x / scale).round() * scale - x
    return x + error
