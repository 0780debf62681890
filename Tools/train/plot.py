#!/usr/bin/env python3
"""Plots loss.csv of one run, or of several that follow one another, as SVG."""
import argparse
import csv
from pathlib import Path

from checkpoint import write_aside

WIDTH, HEIGHT, LEFT, BOTTOM, GAP = 640, 200, 56, 24, 26
# Columns of loss.csv and their titles; those that stay 0 are left out.
CURVES = [
    ("noise_l1", "L1 of the noise"), ("encoder_l1", "L1 of the encoder's image (of -1...1)"),
    ("l1", "L1 of the final image (of -1...1)"), ("lpips", "LPIPS of random views"), ("spectral", "Spectral loss"),
    ("grid", "Grid loss"), ("discriminator", "Discriminator's loss")]


def read(paths):
    """The rows of all runs with continuing iterations, and the iteration where each run starts."""
    rows, starts, before = [], [], 0
    for path in paths:
        starts.append(before)
        with open(path) as file:
            for row in csv.DictReader(file):
                rows.append(
                    {key: float(value) for key, value in row.items()} | {"iteration": before + int(row["iteration"])})
        before = rows[-1]["iteration"] if rows else before
    return rows, starts


def smoothed(values, count):
    """Running means of the last `count` values."""
    return [sum(values[max(0, i - count + 1):i + 1]) / (i + 1 - max(0, i - count + 1)) for i in range(len(values))]


def chart(rows, starts, column, title, top, count):
    x_most = rows[-1]["iteration"]
    raw = [row[column] for row in rows]
    mean = smoothed(raw, count)
    low, high = min(raw), max(raw)
    span = (high - low) or 1

    def x(iteration): return LEFT + iteration / x_most * (WIDTH - LEFT - 10)
    def y(value): return top + GAP + (high - value) / span * (HEIGHT - GAP - BOTTOM)

    def line(values, style):
        points = " ".join(f"{x(row['iteration']):.1f},{y(v):.1f}" for row, v in zip(rows, values))
        return f'<polyline points="{points}" fill="none" {style}/>'
    bottom = top + HEIGHT - BOTTOM
    out = [f'<text x="{LEFT}" y="{top + 16}" font-weight="bold">{title}</text>']
    for value in (low, high):
        out.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>')
    for iteration in starts + [x_most]:
        anchor = "end" if iteration == x_most else "middle"
        out.append(
            f'<line x1="{x(iteration):.1f}" x2="{x(iteration):.1f}" y1="{top + GAP}" y2="{bottom}" stroke="#ccc"/>')
        out.append(f'<text x="{x(iteration):.1f}" y="{bottom + 16}" text-anchor="{anchor}">{iteration:.0f}</text>')
    return out + [line(raw, 'stroke="#bcd" stroke-width="1"'), line(mean, 'stroke="#06c" stroke-width="2"')]


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("losses", nargs="+", metavar="loss.csv")
    p.add_argument("-o", "--output", required=True, help="such as curve.svg")
    p.add_argument("--mean", type=int, default=10, help="lines of loss.csv averaged by the thick curve")
    args = p.parse_args(argv)
    rows, starts = read(args.losses)
    if not rows:
        p.error(f"no lines in {', '.join(args.losses)}")
    curves = [curve for curve in CURVES if any(row.get(curve[0]) for row in rows)]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(curves)}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    for i, (column, title) in enumerate(curves):
        parts += chart(rows, starts, column, f"{title}, by iteration", i * HEIGHT, args.mean)
    write_aside(args.output, lambda aside: Path(aside).write_text("\n".join(parts + ["</svg>"]) + "\n"))


if __name__ == "__main__":
    main()
