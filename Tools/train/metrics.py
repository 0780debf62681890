"""Image metrics: PSNR, SSIM, LPIPS, LPIPS over shifts, and the spectral grid energy.

Metrics take 8-bit images [H,W,3] unless they say otherwise.
"""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255 ** 2 / error))


def ssim(a, b):
    """SSIM (Wang et al. 2004): Gaussian 11 x 11, sigma 1.5, valid region only; mean over RGB."""
    x, y = (torch.from_numpy(p.astype(np.float64)).permute(2, 0, 1)[:, None] for p in (a, b))
    window = torch.exp(-torch.arange(-5, 6, dtype=torch.float64) ** 2 / (2 * 1.5 ** 2))
    window /= window.sum()
    blur = lambda v: F.conv2d(F.conv2d(v, window[None, None, None]), window[None, None, :, None])
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


class LPIPS:
    """LPIPS v0.1 with AlexNet (Zhang et al. 2018, arXiv 1801.03924).

    `path` is a safetensors file with features.{0,3,6,8,10} and lin{0...4}.
    """
    layers = [(0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)]    # index, stride, padding

    def __init__(self, path, device="cpu"):
        self.weights = {name: value.to(device) for name, value in load_file(path).items()}
        self.shift = torch.tensor([-.030, -.088, -.188], device=device).reshape(1, 3, 1, 1)
        self.scale = torch.tensor([.458, .448, .450], device=device).reshape(1, 3, 1, 1)

    def maps(self, x):
        """The five feature maps of x [n,3,H,W] in -1...1, each normalized over its channels."""
        x = (x - self.shift) / self.scale
        for i, (index, stride, padding) in enumerate(self.layers):
            x = F.max_pool2d(x, 3, 2) if i in (1, 2) else x
            x = F.relu(F.conv2d(x, self.weights[f"features.{index}.weight"], self.weights[f"features.{index}.bias"],
                                stride, padding))
            yield x / (x.square().sum(1, keepdim=True) + 1e-20).sqrt()

    def distance(self, a, b):
        """The mean LPIPS between tensors [n,3,H,W] in -1...1, differentiable."""
        return sum(F.conv2d((x - y).square(), self.weights[f"lin{i}.weight"]).mean()
                   for i, (x, y) in enumerate(zip(self.maps(a), self.maps(b))))

    @torch.inference_mode()
    def __call__(self, a, b):
        return self.distance(*(torch.from_numpy(p.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
                               for p in (a, b))).item()


def lpips_shift(lpips, a, b):
    """LPIPS averaged over four shifts that are not multiples of its stride of 4, and one resize by 1.5.

    An image whose grid is aligned to that stride has a lower LPIPS than `lpips_shift`.
    """
    height, width = a.shape[:2]
    shifted = [lpips(a[y:height - 8 + y, x:width - 8 + x], b[y:height - 8 + y, x:width - 8 + x])
               for y, x in ((1, 2), (2, 3), (3, 1), (2, 2))]
    larger = lambda p: np.asarray(Image.fromarray(p).resize((width * 3 // 2, height * 3 // 2), Image.BICUBIC))
    return float(np.mean(shifted + [lpips(larger(a), larger(b))]))


def grid(result, original):
    """The upsampling grid in dB: energy at periods 2 and 4 px over that of the neighbouring frequencies, minus the same
    of the original.

    NaN for images below 32 px, and for those without any energy there, such as flat ones.
    """
    def peak(image):
        gray = image.astype(float).mean(2)
        height, width = (size // 32 * 32 for size in gray.shape)
        gray = gray[:height, :width]
        window = np.hanning(height)[:, None] * np.hanning(width)
        power = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
        ratios = []
        for axis, size in enumerate((height, width)):
            line = power.mean(1 - axis)
            for k in (size // 4, size // 2):
                near = np.r_[line[k - 6:k - 2], line[k + 3:k + 7]] if k < size // 2 else line[k - 8:k - 2]
                ratios.append(10 * np.log10(line[k - 1:k + 2].mean() / near.mean()))
        return np.mean(ratios)
    if min(result.shape[:2]) < 32:
        return float("nan")
    with np.errstate(all="ignore"):
        return float(peak(result) - peak(original))
