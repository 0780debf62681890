#!/usr/bin/env python3
"""Packs a folder of training images into WebP tiles of a limited total size, to be copied to another machine.

Every round takes one random tile of every image, so a small pack still holds something of each.
"""
import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from data import image_paths, read_image


def tiles(paths, side, random):
    """Endless (image path, tile): rounds over the images in random order."""
    while True:
        for i in random.permutation(len(paths)):
            image = read_image(paths[i])
            y, x = (random.integers(0, max(1, size - side + 1)) for size in image.shape[:2])
            yield paths[i], image[y:y + side, x:x + side]


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("images", help="folder of images, searched recursively")
    p.add_argument("output", help="folder for the tiles")
    p.add_argument("--megabytes", type=float, default=40, help="maximum total size in 10^6 bytes")
    p.add_argument("--rounds", type=int, default=4, help="maximum tiles per image")
    p.add_argument("--side", type=int, default=384, help="maximum width and height of a tile")
    p.add_argument("--quality", type=int, default=92, help="WebP quality; 100 is lossless")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    paths, total = image_paths(args.images), 0
    Path(args.output).mkdir(parents=True, exist_ok=True)
    for number, (path, tile) in zip(
            range(args.rounds * len(paths)), tiles(paths, args.side, np.random.default_rng(args.seed))):
        file = io.BytesIO()
        Image.fromarray(tile).save(file, "WEBP", quality=args.quality, lossless=args.quality == 100, method=6)
        if total + file.tell() > args.megabytes * 1e6:
            break
        total += file.tell()
        (Path(args.output) / f"{number:05d}_{path.stem}.webp").write_bytes(file.getvalue())
    else:
        number += 1
    print(f"{args.output}: {number} tiles of {len(paths)} images, {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
