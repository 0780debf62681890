"""PSNR, SSIM and LPIPS between u8 pictures [H,W,3]."""
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255 ** 2 / error))


def ssim(a, b):
    """Wang et al. 2004: Gaussian 11 x 11, sigma 1.5, inside the picture only; mean over RGB."""
    x, y = (torch.from_numpy(p.astype(np.float64)).permute(2, 0, 1)[:, None] for p in (a, b))
    window = torch.exp(-torch.arange(-5, 6, dtype=torch.float64) ** 2 / (2 * 1.5 ** 2))
    window /= window.sum()
    blur = lambda v: F.conv2d(F.conv2d(v, window[None, None, None]), window[None, None, :, None])
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(((2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


class LPIPS:
    """LPIPS v0.1, AlexNet. `path` is a safetensors file with features.{0,3,6,8,10} and lin{0...4}."""
    layers = [(0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)]    # index, stride, padding

    def __init__(self, path):
        self.weights = load_file(path)

    def maps(self, picture):
        x = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
        x = (x - torch.tensor([-.030, -.088, -.188]).reshape(1, 3, 1, 1)) / torch.tensor([.458, .448, .450]).reshape(1, 3, 1, 1)
        for i, (index, stride, padding) in enumerate(self.layers):
            x = F.max_pool2d(x, 3, 2) if i in (1, 2) else x
            x = F.relu(F.conv2d(x, self.weights[f"features.{index}.weight"], self.weights[f"features.{index}.bias"],
                                stride, padding))
            yield x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)

    @torch.inference_mode()
    def __call__(self, a, b):
        return sum(F.conv2d((x - y).square(), self.weights[f"lin{i}.weight"]).mean().item()
                   for i, (x, y) in enumerate(zip(self.maps(a), self.maps(b))))
