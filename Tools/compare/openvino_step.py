#!/usr/bin/env python3
"""One noise prediction by srdiff-bench and by OpenVINO int8, in turn."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))

from runtimes import OpenVINO


def network(hidden, side):
    """The noise predictor, and random inputs of it."""
    import torch
    from model import Config, UNet
    torch.manual_seed(0)
    return UNet(Config(dim=hidden)).eval(), lambda: (
        torch.randn(1, 3, side, side), torch.randint(0, 100, (1,)), torch.randn(1, hidden, side, side))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--hidden", type=int, default=64, choices=(32, 64))
    p.add_argument("--threads", default="1,2")
    p.add_argument("--side", type=int, default=256)
    p.add_argument("--rounds", type=int, default=9, help="each runs both, some steps long")
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--bench", default=os.path.join(here, "..", "..", ".build", "release", "srdiff-bench"))
    args = p.parse_args()

    unet, draw = network(args.hidden, args.side)
    model, inputs = OpenVINO.quantized(unet, draw), [t.numpy() for t in draw()]
    results = []
    for threads in map(int, args.threads.split(",")):
        request = OpenVINO.request(model, threads)
        for _ in range(3):
            request.infer(inputs)
        theirs, ours, ratios = [], [], []
        for round in range(args.rounds):
            times = []
            for _ in range(args.steps):
                start = time.perf_counter()
                request.infer(inputs)
                times.append(1000 * (time.perf_counter() - start))
            command = [
                args.bench, "--random", "paper" if args.hidden == 64 else "edge", "--size", str(args.side), "--threads",
                str(threads), "--steps", str(args.steps), "--repeat", "1", "--format", "json"]
            report = json.loads(
                subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
            theirs.append(statistics.median(times))
            ours.append(report["results"][0]["ms_per_step_median"])
            ratios.append(theirs[-1] / ours[-1])
            share = report["results"][0]["peak_share"]
        results.append({
            "hidden": args.hidden, "threads": threads, "ms_openvino": statistics.median(theirs),
            "ms_srdiff": statistics.median(ours), "ratio_median": statistics.median(ratios), "ratio_min": min(ratios),
            "ratio_max": max(ratios), "peak_share": share})
        line = (
            "hidden {hidden}, {threads} thread(s): OpenVINO {ms_openvino:.1f} ms, ours {ms_srdiff:.1f} ms, "
            "ratio {ratio_median:.2f} ({ratio_min:.2f} to {ratio_max:.2f}), {peak_share:.2f} of peak")
        print(line.format(**results[-1]), file=sys.stderr)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
