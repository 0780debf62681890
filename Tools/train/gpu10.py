#!/usr/bin/env python3
"""Runs stage few of train.py for ten minutes on a large GPU; options of train.py replace those of the preset.

    pack.py IMAGES pack --megabytes 30           # on this machine
    gpu10.py --data pack --run run --start edge.safetensors --lpips lpips_alex.safetensors      # on the GPU machine

The pack, the start (16 MB) and the LPIPS weights (10 MB) are below 60 MB. resume.pt is written every minute, so a run
that is cut off loses one minute at most; the same command continues it. bfloat16, channels_last and torch.compile are
the defaults of train.py on CUDA.
"""
import os
import sys

import train

PRESET = [
    "--stage", "few", "--batch", "64", "--crop", "128", "--lr", "4e-4", "--ema", "0.998",
    "--workers", str(max(1, (os.cpu_count() or 2) - 2)), "--save-minutes", "1", "--log-every", "20",
    # Compiling the network again with rounded activations would take most of the last minute.
    "--quantized-part", "0"]
MINUTES = ["--minutes", "9"]             # the tenth is for starting, reading the images and saving


def main(argv):
    if any(option in argv for option in ("-h", "--help")):
        print(__doc__)
    is_timed = any(option.split("=")[0] in ("--iterations", "--minutes") for option in argv)
    train.main([*PRESET, *([] if is_timed else MINUTES), *argv])


if __name__ == "__main__":
    main(sys.argv[1:])
