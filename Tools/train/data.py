"""Images: decoding, network inputs, and random training crops."""
import itertools
import signal
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from degrade import DEGRADATIONS
from resize import resize_float

EXTENSIONS = {".png", ".webp", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff"}


def image_paths(folder):
    """The image files of a folder and its subfolders, sorted."""
    found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not found:
        raise SystemExit(f"{folder}: no images found (expected {', '.join(sorted(EXTENSIONS))})")
    return found


def read_image(path):
    """An 8-bit RGB image [H,W,3]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def chw(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))


def network_inputs(lr_u8, scale):
    """lr [3,h,w] and its bicubic upsample lr_up [3,h*scale,w*scale] in -1...1.

    The published code divides by 256 before upsampling.
    """
    return chw(lr_u8 / 127.5 - 1), chw(2 * resize_float(lr_u8 / 256, scale) - 1)


def contact_sheet(pairs, scale, columns=4, gap=4):
    """An image of (low resolution, original) pairs side by side.

    The low-resolution images are scaled up by repeating pixels.
    """
    tiles = [
        np.pad(
            np.concatenate((lr.repeat(scale, 0).repeat(scale, 1), hr), 1), ((0, gap), (0, gap), (0, 0)),
            constant_values=255)
        for lr, hr in pairs]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)])


def recolored(image, random):
    """The channels in random order, and up to 3 times as saturated: vivid and flat colours, which photographs lack."""
    values = image[..., random.permutation(3)].astype(np.float32)
    gray = values.mean(2, keepdims=True)
    return np.clip(np.rint(gray + random.uniform(1, 3) * (values - gray)), 0, 255).astype(np.uint8)


def to_u8(image):
    """-1...1 as 8-bit values, rounded as in the published code."""
    return ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


class Crops:
    """Batches of random crops from a folder of images, which are decoded once and held in memory as bytes.

    Batch i depends on (seed, i) alone: a resumed run and worker processes see the same crops.
    """

    def __init__(
            self, folder, crop, scale, seed,
            report=lambda done, total: None, degrade=DEGRADATIONS["none"], recolor=0.0):
        paths = image_paths(folder)
        self.images, self.crop, self.scale, self.seed = [], crop, scale, seed
        self.degrade, self.recolor = degrade, recolor
        for i, path in enumerate(paths):
            image = read_image(path)
            if min(image.shape[:2]) >= crop:
                self.images.append(image)
            report(i + 1, len(paths))
        if not self.images:
            raise SystemExit(f"{folder}: no image is at least {crop} x {crop} pixels; use a smaller --crop")
        side = np.sqrt([np.prod(image.shape[:2]) for image in self.images])
        # Large images are drawn more often, but not in proportion to their area.
        self.probability = side / side.sum()

    def pair(self, random):
        """The degraded low-resolution image and the original of one random crop, both 8-bit."""
        image = self.images[random.choice(len(self.images), p=self.probability)]
        y, x = (random.integers(0, size - self.crop + 1) for size in image.shape[:2])
        hr = np.rot90(image[y:y + self.crop, x:x + self.crop], random.integers(4))
        if random.integers(2):
            hr = hr[:, ::-1]
        if self.recolor and random.random() < self.recolor:
            hr = recolored(hr, random)
        hr = np.ascontiguousarray(hr)
        return self.degrade(hr, self.scale, random), hr

    def pairs(self, index, count):
        random = np.random.default_rng([self.seed, index])
        return [self.pair(random) for _ in range(count)]

    def batch(self, index, count):
        """lr [n,3,h,w], lr_up and hr [n,3,H,W] of batch `index`."""
        return [torch.stack(part) for part in zip(*(
            (*network_inputs(lr, self.scale), chw(hr / 127.5 - 1)) for lr, hr in self.pairs(index, count)))]

    def batches(self, start, count, workers=0):
        """Endless batches of `count` crops from index `start` on, made by `workers` processes, or by this one."""
        return iter(DataLoader(Batches(self, count), None, sampler=itertools.count(start), num_workers=workers,
                               worker_init_fn=ignore_interrupts))


def ignore_interrupts(worker):
    """Ctrl-C reaches every process of a terminal; the training process alone decides when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Batches(Dataset):
    """Batch i of `Crops`, as a data set for worker processes."""

    def __init__(self, crops, count):
        self.crops, self.count = crops, count

    def __getitem__(self, index):
        return self.crops.batch(index, self.count)
