#!/usr/bin/env python3
"""Makes the README's figure from the sample image: low resolution, bicubic upsample, encoder's image, result."""
import argparse
import subprocess
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
PANELS = [["--bicubic"], ["--preview"], []]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--upscale", default=str(PACKAGE / ".build/release/srdiff-upscale"), help="the program to run")
    p.add_argument("--side", type=int, default=240, help="side of a panel in pixels")
    p.add_argument("--corner", default="225,70", help="upper left corner of the panels in the result: X,Y")
    p.add_argument("output", nargs="?", default=str(PACKAGE / "Models/figure.png"))
    args = p.parse_args()
    from PIL import Image
    x, y = map(int, args.corner.split(","))
    area, gap = (x, y, x + args.side, y + args.side), 8
    sample = PACKAGE / "Models/sample.png"
    low = Image.open(sample).convert("RGB")
    panels = [low.resize((low.width * 4, low.height * 4), Image.NEAREST)]
    with tempfile.TemporaryDirectory() as folder:
        for i, options in enumerate(PANELS):
            path = f"{folder}/{i}.png"
            subprocess.run([args.upscale, str(sample), "-o", path, "--quiet", *options], check=True)
            panels.append(Image.open(path).convert("RGB"))
    figure = Image.new("RGB", (len(panels) * (args.side + gap) - gap, args.side), "white")
    for i, panel in enumerate(panels): figure.paste(panel.crop(area), (i * (args.side + gap), 0))
    figure.save(args.output, optimize=True)


if __name__ == "__main__":
    main()
