#!/usr/bin/env python3
"""The whole job as a user runs it, from exec to PNG, by srdiff-upscale and by OpenVINO int8 through Python, in turn."""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))


def quantized(network, inputs, path):
    import nncf
    import openvino
    example = inputs()
    model = openvino.convert_model(network, example_input=example, input=[tuple(t.shape) for t in example])
    calibration = nncf.Dataset([inputs() for _ in range(4)], lambda item: [t.numpy() for t in item])
    openvino.save_model(nncf.quantize(model, calibration, preset=nncf.QuantizationPreset.MIXED, subset_size=4), path)


def export(hidden, side, folder):
    """Two OpenVINO files: picture → condition, and one noise prediction."""
    import torch
    from model import Config, SRDiff
    torch.manual_seed(0)
    model = SRDiff(Config(dim=hidden)).eval().requires_grad_(False)

    class Condition(torch.nn.Module):
        def forward(self, low):
            return model.denoise_fn.condition(model.rrdb(low), None)
    quantized(Condition(), lambda: (torch.rand(1, 3, side // 4, side // 4) * 2 - 1,), os.path.join(folder, "condition.xml"))
    quantized(model.denoise_fn, lambda: (torch.randn(1, 3, side, side), torch.randint(0, 100, (1,)),
                                         torch.randn(1, hidden, side, side)), os.path.join(folder, "step.xml"))


def job(folder, picture, output, threads, steps):
    """What a user of OpenVINO would write."""
    import numpy
    import openvino
    from PIL import Image
    config = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    if threads == 1:
        config["SNIPPETS_MODE"] = "DISABLE"
    core = openvino.Core()
    image = Image.open(picture).convert("RGB")
    width, height = image.width * 4, image.height * 4
    low = numpy.asarray(image, numpy.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    condition = core.compile_model(os.path.join(folder, "condition.xml"), "CPU", config)([low])[0].copy()
    step = core.compile_model(os.path.join(folder, "step.xml"), "CPU", config).create_infer_request()
    angles = numpy.linspace(0, 1, 101) / 1.008 + 0.008 / 1.008
    kept = numpy.cos(angles[1:] * numpy.pi / 2) ** 2 + 1e-4
    random = numpy.random.default_rng(0)
    x = random.standard_normal((1, 3, height, width), numpy.float32)
    times = numpy.linspace(99, 0, steps).round().astype(int)
    for t, before in zip(times, list(times[1:]) + [None]):
        step.infer([x, numpy.array([t]), condition])
        noise = step.get_output_tensor(0).data
        clean = numpy.clip((x - numpy.sqrt(1 - kept[t]) * noise) / numpy.sqrt(kept[t]), -1, 1)
        if before is None:
            x = clean
        else:
            x = (numpy.sqrt(kept[before]) * clean + numpy.sqrt(1 - kept[before]) * noise).astype(numpy.float32)
    bicubic = numpy.asarray(image.resize((width, height), Image.BICUBIC), numpy.float32)
    result = bicubic + x[0].transpose(1, 2, 0) * 63.75
    Image.fromarray(numpy.clip(numpy.rint(result), 0, 255).astype(numpy.uint8)).save(output)


def timed(command):
    """Seconds, and MiB at most."""
    run = subprocess.run(["/usr/bin/time", "-f", "%e %M", *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds, kibibytes = re.findall(r"([\d.]+) (\d+)$", run.stderr.strip())[0]
    return float(seconds), int(kibibytes) / 1024


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", help="int8 model for srdiff-upscale with the same hidden size", required=True)
    p.add_argument("--hidden", type=int, default=32, choices=(32, 64))
    p.add_argument("--picture", default=os.path.join(here, "..", "..", "Models", "sample.png"))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--upscale", default=os.path.join(here, "..", "..", ".build", "release", "srdiff-upscale"))
    p.add_argument("--job", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.job:
        return job(args.job, args.picture, os.path.join(args.job, "theirs.png"), args.threads, args.steps)
    from PIL import Image
    with tempfile.TemporaryDirectory() as folder:
        export(args.hidden, Image.open(args.picture).width * 4, folder)
        theirs = [sys.executable, os.path.abspath(__file__), "--model", "-", "--hidden", str(args.hidden), "--picture", args.picture,
                  "--threads", str(args.threads), "--steps", str(args.steps), "--job", folder]
        ours = [args.upscale, args.picture, "-o", os.path.join(folder, "ours.png"), "--model", args.model, "--sampler", "ddim",
                "--threads", str(args.threads), "--steps", str(args.steps), "--overwrite", "--quiet"]
        rows = [(timed(theirs), timed(ours)) for _ in range(args.rounds)]
    for name, k in (("OpenVINO", 0), ("ours", 1)):
        print(f"{name}: {statistics.median(r[k][0] for r in rows):.2f} s (from {min(r[k][0] for r in rows):.2f} to "
              f"{max(r[k][0] for r in rows):.2f}), {statistics.median(r[k][1] for r in rows):.0f} MiB")
    print(f"ratio: {statistics.median(r[0][0] / r[1][0] for r in rows):.2f}")


if __name__ == "__main__":
    main()
