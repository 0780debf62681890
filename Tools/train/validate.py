#!/usr/bin/env python3
"""Compares a checkpoint with bicubic: PSNR, SSIM, LR-PSNR, LPIPS, LPIPS over shifts and grid energy of the images."""
import argparse
import csv
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from checkpoint import load_model
from degrade import jpeg
from data import image_paths, read_image
from metrics import LPIPS, grid, lpips_shift, psnr, ssim
from resize import resize_float, resize_u8
from sampler import upscale


def cropped(image, scale):
    height, width = (size // scale * scale for size in image.shape[:2])
    return image[:height, :width]


def bicubic(lr, scale):
    return np.rint(resize_float(lr / 255, scale) * 255).clip(0, 255).astype(np.uint8)


def quality(hr, lr, result, scale, lpips=None):
    """All metrics of a result as {name: value}; those based on LPIPS only where its weights are given."""
    values = {"psnr": psnr(hr, result), "ssim": ssim(hr, result), "lr_psnr": psnr(lr, resize_u8(result, 1 / scale))}
    if lpips:
        values |= {"lpips": lpips(hr, result), "lpips_shift": lpips_shift(lpips, hr, result)}
    return values | {"grid": grid(result, hr)}


def degradation(text):
    """The degradation named by a text such as `noise:5+jpeg:60`: a function of an 8-bit image with a fixed seed.

    None for no text.
    """
    if not text:
        return None
    steps = []
    for part in text.split("+"):
        kind, _, value = part.partition(":")
        try:
            steps.append((kind, {"noise": float, "jpeg": int}[kind](value)))
        except (KeyError, ValueError):
            raise SystemExit(f"--degrade {text}: expected noise:SIGMA, jpeg:QUALITY or several joined by +")

    def apply(lr):
        random = np.random.default_rng(0)
        for kind, value in steps:
            if kind == "noise":
                lr = np.clip(np.rint(lr + random.standard_normal(lr.shape) * value), 0, 255).astype(np.uint8)
            else:
                lr = jpeg(lr, value, subsampled=True)
        return lr
    return apply


def mean(rows):
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def evaluate(
        model, paths, sampler, seeds=(0,), lpips=None,
        between=lambda: None, each=lambda *_: None, degrade=None, fidelity=0.0):
    """(quality of bicubic, quality of the model), means over images and seeds.

    `between` is called before every upscale; `each(path, seed, quality, result)` after it, with seed None for bicubic.
    `degrade` is applied to the low-resolution images.
    """
    scale, plain, ours = model.config.scale, [], []
    for path in paths:
        hr = cropped(read_image(path), scale)
        lr = resize_u8(hr, 1 / scale)
        lr = degrade(lr) if degrade else lr
        for seed in (None, *seeds):
            between()
            result = bicubic(lr, scale) if seed is None else upscale(model, lr, sampler, seed, fidelity)
            row = quality(hr, lr, result, scale, lpips)
            (plain if seed is None else ours).append(row)
            each(path, seed, row, result)
    return mean(plain), mean(ours)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("checkpoint", help="a checkpoint; of resume.pt, the averaged weights")
    p.add_argument("folders", nargs="+", help="folders of original images")
    p.add_argument(
        "--samplers", nargs="+", default=["ddpm:20", "ddim:20"],
        help="KIND:STEPS, or timesteps such as 69@0.9375,0, each with the eta of the transition that leaves it")
    p.add_argument(
        "--fidelity", type=float, default=0,
        help="sigma in pixels below which the middle frequencies come from the encoder's image")
    p.add_argument(
        "--degrade", help="jpeg:QUALITY, noise:SIGMA or both joined by +, applied to the low-resolution images")
    p.add_argument("--count", type=int, help="only the first COUNT images of each folder")
    p.add_argument("--seeds", nargs="+", type=int, default=[0])
    p.add_argument("--lpips", help="LPIPS weights (safetensors)")
    p.add_argument("--csv", help="append one row per image and seed")
    p.add_argument("--save", help="folder for the results")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int)
    p.add_argument("--pause-file", help="while this file exists the tool sleeps between images")
    args = p.parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    model = load_model(args.checkpoint).eval().to(args.device, memory_format=torch.channels_last)
    lpips = LPIPS(args.lpips) if args.lpips else None

    def between():
        while args.pause_file and os.path.exists(args.pause_file):
            time.sleep(0.5)

    print("images    sampler   psnr dB    ssim  lr-psnr dB grid dB   lpips   shift")
    for folder in args.folders:
        name = Path(folder).name
        for sampler in args.samplers:
            def each(path, seed, row, result):
                print(f"\r{name} {path.name} {sampler} {seed}   ", end="", file=sys.stderr, flush=True)
                if args.csv:
                    with open(args.csv, "a", newline="") as file:
                        label = "bicubic" if seed is None else sampler
                        csv.writer(file).writerow([args.checkpoint, name, path.stem, label, seed, *row.values()])
                if args.save:
                    os.makedirs(args.save, exist_ok=True)
                    label = "bicubic" if seed is None else f"{sampler}.{seed}".replace(":", "").replace(",", "-")
                    Image.fromarray(result).save(Path(args.save) / f"{name}.{path.stem}.{label}.png")

            plain, ours = evaluate(model, image_paths(folder)[:args.count], sampler, args.seeds, lpips, between, each,
                                   degradation(args.degrade), args.fidelity)
            print("\r", end="", file=sys.stderr)
            for label, row in (("bicubic", plain), (sampler, ours)):
                print(
                    f"{name:9s} {label:8s} {row['psnr']:8.3f} {row['ssim']:7.4f} {row['lr_psnr']:11.2f}"
                    + f" {row['grid']:7.2f}" + (f" {row['lpips']:7.4f} {row['lpips_shift']:7.4f}" if lpips else ""),
                    flush=True)


if __name__ == "__main__":
    main()
