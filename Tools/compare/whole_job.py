#!/usr/bin/env python3
"""The whole job as a user runs it, from exec to PNG, by srdiff-upscale and by a peer through Python, in turn."""
import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))

from runtimes import NCNN, OpenVINO

PEERS = {"openvino": OpenVINO, "ncnn": NCNN}


def export(peer, hidden, side, folder):
    """Two files: image → condition, and one noise prediction, which takes a timestep's sines and cosines."""
    import torch
    from model import Config, SRDiff
    torch.manual_seed(0)
    model = SRDiff(Config(dim=hidden)).eval().requires_grad_(False)

    class Condition(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, low):
            return self.model.denoise_fn.condition(self.model.rrdb(low), None)
    peer.export(
        Condition(), lambda: (torch.rand(1, 3, side // 4, side // 4) * 2 - 1,), os.path.join(folder, "condition"))
    model.denoise_fn.time = torch.nn.Identity()
    peer.export(model.denoise_fn, lambda: (torch.randn(1, 3, side, side), torch.rand(1, hidden) * 2 - 1,
                                           torch.randn(1, hidden, side, side)), os.path.join(folder, "step"))


def job(peer, hidden, folder, image, output, threads, steps):
    """What a user of the peer would write."""
    import numpy
    from PIL import Image
    image = Image.open(image).convert("RGB")
    width, height = image.width * 4, image.height * 4
    low = numpy.ascontiguousarray(numpy.asarray(image, numpy.float32).transpose(2, 0, 1) / 127.5 - 1)
    condition = peer.load(os.path.join(folder, "condition"), threads)(low).copy()
    step = peer.load(os.path.join(folder, "step"), threads)
    rates = numpy.exp(numpy.arange(hidden // 2) * -(math.log(10000) / (hidden // 2 - 1)))
    angles = numpy.linspace(0, 1, 101) / 1.008 + 0.008 / 1.008
    kept = numpy.cos(angles[1:] * numpy.pi / 2) ** 2 + 1e-4
    x = numpy.random.default_rng(0).standard_normal((3, height, width), numpy.float32)
    times = numpy.linspace(99, 0, steps).round().astype(int)
    for t, before in zip(times, list(times[1:]) + [None]):
        noise = step(
            x, numpy.concatenate((numpy.sin(t * rates), numpy.cos(t * rates))).astype(numpy.float32), condition)
        clean = numpy.clip((x - numpy.sqrt(1 - kept[t]) * noise) / numpy.sqrt(kept[t]), -1, 1)
        if before is None:
            x = clean
        else:
            x = (numpy.sqrt(kept[before]) * clean + numpy.sqrt(1 - kept[before]) * noise).astype(numpy.float32)
    bicubic = numpy.asarray(image.resize((width, height), Image.BICUBIC), numpy.float32)
    result = bicubic + x.transpose(1, 2, 0) * 63.75
    Image.fromarray(numpy.clip(numpy.rint(result), 0, 255).astype(numpy.uint8)).save(output)


def timed(command):
    """Seconds, and MiB at most."""
    run = subprocess.run(
        ["/usr/bin/time", "-f", "%e %M", *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True)
    seconds, kibibytes = re.findall(r"([\d.]+) (\d+)$", run.stderr.strip())[0]
    return float(seconds), int(kibibytes) / 1024


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--peer", choices=PEERS, default="openvino")
    p.add_argument("--model", help="int8 model for srdiff-upscale with the same hidden size", required=True)
    p.add_argument("--hidden", type=int, default=32, choices=(32, 64))
    p.add_argument("--image", default=os.path.join(here, "..", "..", "Models", "sample.png"))
    p.add_argument("--threads", default="1,2")
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--upscale", default=os.path.join(here, "..", "..", ".build", "release", "srdiff-upscale"))
    p.add_argument("--job", help=argparse.SUPPRESS)
    args = p.parse_args()
    peer = PEERS[args.peer]()
    if args.job:
        return job(
            peer, args.hidden, args.job, args.image, os.path.join(args.job, "theirs.png"), int(args.threads),
            args.steps)
    from PIL import Image
    with tempfile.TemporaryDirectory() as folder:
        export(peer, args.hidden, Image.open(args.image).width * 4, folder)
        for threads in args.threads.split(","):
            common = ["--threads", threads, "--steps", str(args.steps)]
            theirs = [
                sys.executable, os.path.abspath(__file__), "--peer", args.peer, "--model", "-", "--hidden",
                str(args.hidden), "--image", args.image, "--job", folder, *common]
            ours = [
                args.upscale, args.image, "-o", os.path.join(folder, "ours.png"), "--model", args.model, "--sampler",
                "ddim", "--overwrite", "--quiet", *common]
            rows = [(timed(theirs), timed(ours)) for _ in range(args.rounds)]
            print(f"hidden {args.hidden}, {threads} thread(s)")
            for name, k in ((args.peer, 0), ("ours", 1)):
                seconds = [r[k][0] for r in rows]
                print(f"  {name}: {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), "
                      f"{statistics.median(r[k][1] for r in rows):.0f} MiB")
            print(f"  ratio: {statistics.median(r[0][0] / r[1][0] for r in rows):.2f}")


if __name__ == "__main__":
    main()
