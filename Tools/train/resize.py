"""Bicubic resizing equal to MATLAB's imresize."""
from functools import lru_cache

import numpy as np


def keys_cubic(x):
    x = np.abs(x)
    near = 1.5 * x ** 3 - 2.5 * x ** 2 + 1
    far = -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@lru_cache(maxsize=256)
def bicubic_matrix(size, scale):
    """One axis of imresize as a matrix [ceil(size*scale), size] in float64.

    Downscaling stretches the kernel; borders are mirrored.
    """
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
    """Resizes an 8-bit image [H,W,3]; rounds after each axis, rows first, as imresize does."""
    rounded = lambda values: np.clip(np.rint(values), 0, 255)         # ties to even
    rows = rounded(np.tensordot(bicubic_matrix(image.shape[0], scale), image.astype(np.float64), 1))
    both = rounded(np.einsum("xw,hwc->hxc", bicubic_matrix(image.shape[1], scale), rows, optimize=True))
    return both.astype(np.uint8)


def resize_float(image, scale):
    """Resizes an image [H,W,3] in float64, without rounding."""
    rows = np.tensordot(bicubic_matrix(image.shape[0], scale), image.astype(np.float64), 1)
    return np.einsum("xw,hwc->hxc", bicubic_matrix(image.shape[1], scale), rows, optimize=True)
