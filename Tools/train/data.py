"""Pictures: decoding, MATLAB's bicubic, and random training crops."""
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

PICTURES = {".png", ".webp", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff"}


def pictures(folder):
    found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in PICTURES)
    if not found:
        raise SystemExit(f"no pictures in {folder}")
    return found


def read_picture(path):
    """[H,W,3] u8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# --- MATLAB's imresize -----------------------------------------------------------------------------------------------

def keys_cubic(x):
    x = np.abs(x)
    near = 1.5 * x ** 3 - 2.5 * x ** 2 + 1
    far = -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@lru_cache(maxsize=256)
def bicubic_matrix(size, scale):
    """[ceil(size*scale), size] float64: one axis of imresize. The kernel is stretched when shrinking, borders mirrored."""
    outputs = int(np.ceil(size * scale))
    stretch = max(1.0, 1 / scale)
    centre = (np.arange(outputs) + 0.5) / scale - 0.5
    first = np.floor(centre - 2 * stretch).astype(int)
    taps = first[:, None] + np.arange(int(np.ceil(4 * stretch)) + 2)
    weights = keys_cubic((centre[:, None] - taps) / stretch)
    weights /= weights.sum(1, keepdims=True)
    folded = taps % (2 * size)                                        # ... c b a | a b c ... c | c b a ...
    folded = np.where(folded < size, folded, 2 * size - 1 - folded)
    matrix = np.zeros((outputs, size))
    np.add.at(matrix, (np.arange(outputs)[:, None], folded), weights)
    return matrix


def resize_u8(image, scale):
    """[H,W,3] u8 -> u8, rounded after each axis, rows first."""
    rounded = lambda values: np.clip(np.rint(values), 0, 255)         # ties to even
    rows = rounded(np.tensordot(bicubic_matrix(image.shape[0], scale), image.astype(np.float64), 1))
    both = rounded(np.einsum("xw,hwc->hxc", bicubic_matrix(image.shape[1], scale), rows, optimize=True))
    return both.astype(np.uint8)


def resize_float(image, scale):
    rows = np.tensordot(bicubic_matrix(image.shape[0], scale), image.astype(np.float64), 1)
    return np.einsum("xw,hwc->hxc", bicubic_matrix(image.shape[1], scale), rows, optimize=True)


# --- network inputs --------------------------------------------------------------------------------------------------

def chw(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))


def network_inputs(lr_u8, scale):
    """lr and lr_up, [3,h,w] and [3,h*scale,w*scale]. The division by 256 is the published code's, kept."""
    return chw(lr_u8 / 127.5 - 1), chw(2 * resize_float(lr_u8 / 256, scale) - 1)


def to_u8(picture):
    """[...] -1...1 -> u8, as the published code rounds."""
    return ((picture + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


class Crops:
    """Endless batches of random crops from a folder, decoded once and held in memory as u8."""

    def __init__(self, folder, crop, scale, seed, report=lambda done, total: None, degrade=None):
        paths = pictures(folder)
        self.images, self.crop, self.scale = [], crop, scale
        self.degrade = degrade or (lambda hr, scale, random: resize_u8(hr, 1 / scale))
        for i, path in enumerate(paths):
            image = read_picture(path)
            if min(image.shape[:2]) >= crop:
                self.images.append(image)
            report(i + 1, len(paths))
        if not self.images:
            raise SystemExit(f"no picture of {folder} is as large as a {crop} x {crop} crop")
        area = np.array([np.prod(i.shape[:2]) for i in self.images], dtype=np.float64)
        self.chance = np.sqrt(area) / np.sqrt(area).sum()             # large pictures more often, but not by their area
        self.random = np.random.default_rng(seed)

    def one(self):
        image = self.images[self.random.choice(len(self.images), p=self.chance)]
        y, x = (self.random.integers(0, size - self.crop + 1) for size in image.shape[:2])
        hr = np.rot90(image[y:y + self.crop, x:x + self.crop], self.random.integers(4))
        if self.random.integers(2):
            hr = hr[:, ::-1]
        lr, lr_up = network_inputs(self.degrade(np.ascontiguousarray(hr), self.scale, self.random), self.scale)
        return lr, lr_up, chw(hr / 127.5 - 1)

    def batch(self, count):
        """lr [n,3,h,w], lr_up and hr [n,3,H,W]."""
        return [torch.stack(part) for part in zip(*(self.one() for _ in range(count)))]
