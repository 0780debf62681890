"""Low-resolution training inputs as people own them: resized by some program, noisy, saved as JPEG, perhaps twice.

The order follows Real-ESRGAN's first-order model (Wang et al. 2021, arXiv 2107.10833, sec. 3.1), with milder ranges and
no sharpening of the original. All randomness comes from the NumPy generator that is passed in, so a seed gives the same
images.
"""
import io

import numpy as np
from PIL import Image, ImageFilter

from resize import resize_u8

FILTERS = [Image.BOX, Image.BILINEAR, Image.HAMMING, Image.BICUBIC, Image.LANCZOS]


def jpeg(image, quality, subsampled, phase=(0, 0)):
    """Encodes and decodes an 8-bit image.

    `phase` rows and columns are mirrored in first, so that the 8 x 8 blocks start elsewhere.
    """
    y, x = phase
    padded = np.pad(image, ((y, 0), (x, 0), (0, 0)), mode="symmetric")
    file = io.BytesIO()
    Image.fromarray(padded).save(file, "JPEG", quality=int(quality), subsampling=2 if subsampled else 0)
    return np.asarray(Image.open(file).convert("RGB"))[y:, x:]


def noisy(image, random):
    """Gaussian or Poisson noise, colour or gray. Sigma is up to 10 levels, more often little."""
    height, width, _ = image.shape
    values = image.astype(np.float64)
    channels = 1 if random.random() < 0.4 else 3
    sigma = 10 * random.random() ** 2
    noise = random.standard_normal((height, width, channels)) * sigma
    if random.random() < 0.5:                                         # Poisson: the variance grows with the intensity
        noise = noise * np.sqrt((values.mean(2, keepdims=True) + 8) / 128)
    return np.clip(np.rint(values + noise), 0, 255).astype(np.uint8)


def photo(hr, scale, random):
    """An 8-bit low-resolution image of `hr` [H,W,3] as `--degrade photo` makes it.

    One in five is the clean bicubic downscale.
    """
    if random.random() < 0.2:
        return resize_u8(hr, 1 / scale)
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    image = Image.fromarray(hr)
    if random.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.6)))    # HR pixels: at most 0.4 LR pixels
    if random.random() < 0.4:
        lr = resize_u8(np.asarray(image), 1 / scale)
    else:
        lr = np.asarray(image.resize((width, height), FILTERS[random.integers(len(FILTERS))]))
    if random.random() < 0.6:
        lr = noisy(lr, random)
    if random.random() < 0.85:
        for _ in range(2 if random.random() < 0.2 else 1):
            lr = jpeg(lr, random.integers(40, 96), random.random() < 0.6, random.integers(0, 8, 2))
    return lr


DEGRADATIONS = {"none": lambda hr, scale, random: resize_u8(hr, 1 / scale), "photo": photo}
