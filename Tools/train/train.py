#!/usr/bin/env python3
"""Trains SRDiff. The same command resumes a run from its one file; Ctrl-C saves and exits."""
import argparse
import csv
import math
import os
import signal
import sys
import time

import torch
import torch.nn.functional as F
from PIL import Image

import few
from checkpoint import load_model, save_resumable
from data import Crops, contact_sheet, image_paths
from degrade import DEGRADATIONS
from metrics import LPIPS
from model import RESIDUAL_GAIN, Config, SRDiff
from sampler import visited
from validate import degradation, evaluate

LOG = [
    "iteration", "seconds", "loss", "noise_l1", "encoder_l1", "gradient_norm", "learning_rate", "samples_per_second",
    *few.LOG]


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--data", required=True, help="folder of training images, searched recursively")
    p.add_argument("--run", help="folder of this run: resume.pt, loss.csv, validation.csv")
    p.add_argument("--start", help="checkpoint whose weights a new run starts from; ignored once resume.pt exists")
    p.add_argument(
        "--stage", choices=["encoder", "noise", "joint", "few"], default="joint",
        help="encoder: L1 of the encoder's image; noise: L1 on noise with a fixed encoder; joint: L1 on noise for "
            "both; few: losses of the final image of --sampler")
    p.add_argument("--degrade", choices=list(DEGRADATIONS), default="none",
                   help="degradation of the low-resolution images; photo: several filters, blur, noise, JPEG")
    p.add_argument(
        "--recolor", type=float, default=0.0,
        help="fraction of the crops with channels in random order and vivid colours")
    p.add_argument(
        "--show-data", metavar="FILE.png",
        help="write a contact sheet of crops, low resolution next to the original, and exit")
    p.add_argument(
        "--respaced", type=int, metavar="STEPS",
        help="draw only the timesteps that a respaced sampler with STEPS steps visits")
    p.add_argument(
        "--weighting", choices=["uniform", "velocity"], default="velocity",
        help="weighting of the noise loss over timesteps; velocity: 1/sqrt(abar), at most 5, as for v-prediction")
    p.add_argument(
        "--encoder-loss", type=float, default=1.0, help="joint, few: weight of the L1 of the encoder's image")
    p.add_argument(
        "--crop", type=int, default=96, help="side of an HR crop, a multiple of the scale and of 2^(levels-1)")
    p.add_argument("--batch", type=int, default=8, help="crops per iteration")
    p.add_argument(
        "--draws", type=int, default=2,
        help="timesteps and noises per crop, which share one encoder pass (not in stage few)")
    p.add_argument("--lr", type=float, default=4e-4, help="peak learning rate; falls as a cosine to 0 at the end")
    p.add_argument("--warmup", type=float, default=0.02, help="fraction of the run in which the learning rate rises")
    p.add_argument("--clip", type=float, default=2.0, help="maximum gradient norm")
    p.add_argument("--ema", type=float, default=0.999, help="decay of the averaged weights")
    end = p.add_mutually_exclusive_group()
    end.add_argument("--iterations", type=int, help="end of the run, counted over all resumes")
    end.add_argument("--minutes", type=float, help="end of the run, counted over all resumes and including pauses")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, help="CPU threads")
    p.add_argument("--workers", type=int, default=0, help="processes that make crops; 0: the training process itself")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=torch.cuda.is_available())
    p.add_argument("--float32", action="store_true", help="turn off bfloat16 autocast")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--save-minutes", type=float, default=5, help="time between writes of resume.pt")
    p.add_argument("--log-every", type=int, default=50, help="iterations per line of loss.csv")
    p.add_argument("--validate", help="folder of validation images")
    p.add_argument("--validate-minutes", type=float, default=30, help="time between lines of validation.csv")
    p.add_argument("--validate-images", type=int, default=4, help="validate on the first images only")
    p.add_argument("--validate-degrade", help="degradation of the validation images, such as noise:5+jpeg:60")
    p.add_argument("--lpips", help="LPIPS weights (safetensors), for validation and stage few")
    p.add_argument("--pause-file", help="while this file exists the run sleeps between iterations")
    unrolled = p.add_argument_group("stage few")
    unrolled.add_argument(
        "--sampler", default="69@0.9375,0", help="timesteps, each with the eta of the transition that leaves it")
    unrolled.add_argument(
        "--fidelity", type=float, default=1.5,
        help="sigma in pixels below which the middle frequencies come from the encoder's image; 0 turns it off")
    unrolled.add_argument(
        "--fidelity-part", type=float, default=0.75, help="fraction of the crops that --fidelity applies to")
    unrolled.add_argument("--discriminator-lr", type=float, default=2e-4)
    unrolled.add_argument(
        "--adversarial-ramp", type=float, default=0.1, help="fraction of the run in which the adversarial loss rises")
    unrolled.add_argument(
        "--quantized-part", type=float, default=0.1,
        help="last fraction of the run, with activations rounded to 8 bits")
    for name, weight, meaning in few.WEIGHTS:
        unrolled.add_argument(f"--{name}-loss", type=float, default=weight, help=f"weight: {meaning}")
    network = p.add_argument_group("network of a run without --start")
    network.add_argument("--dim", type=int, default=32)
    network.add_argument("--mults", type=lambda text: tuple(map(int, text.split("|"))), default="1|2|2|4")
    for field in ("blocks", "features", "scale", "timesteps"):
        network.add_argument(f"--{field}", type=int, default=getattr(Config, field))
    for field in ("up-input", "attention"):
        network.add_argument(f"--{field}", action="store_true")
    args = p.parse_args(argv)
    if args.show_data:
        return args
    if not args.run:
        p.error("--run is required")
    if args.stage == "few" and not args.lpips:
        p.error("--stage few requires --lpips: LPIPS is one of its losses")
    if args.iterations is None and args.minutes is None:
        p.error("--iterations or --minutes is required")
    return args


def stratified(count, choices, generator):
    """`count` elements of `choices`, one from each of `count` equal intervals, in random order.

    They are spread more evenly than independent draws.
    """
    device = generator.device
    places = (torch.arange(count, device=device) + torch.rand(count, generator=generator, device=device)) / count
    return choices[(places * len(choices)).long()][torch.randperm(count, generator=generator, device=device)]


class Trainer:
    def __init__(self, args, crops):
        self.args, self.crops = args, crops
        self.device = torch.device(args.device)
        self.resume_path = os.path.join(args.run, "resume.pt")
        torch.manual_seed(args.seed)
        fresh = Config(**{field: getattr(args, field) for field in vars(Config())})
        self.model = load_model(args.start) if args.start else SRDiff(fresh)
        self.model.to(self.device, memory_format=torch.channels_last)
        stage = {"encoder": self.model.rrdb, "noise": self.model.denoise_fn}.get(args.stage, self.model)
        self.model.requires_grad_(False)
        self.parameters = list(stage.requires_grad_(True).parameters())
        self.optimizer = torch.optim.Adam(self.parameters, lr=args.lr, betas=(0.9, 0.99), fused=True)
        self.ema = {name: value.clone() for name, value in self.model.state_dict().items()}
        timesteps = (
            visited(args.respaced, self.model.config.timesteps) if args.respaced
            else range(self.model.config.timesteps))
        self.choices = torch.tensor(list(timesteps), device=self.device)
        weight = (self.model.alphas_cumprod.rsqrt().clamp(max=5) if args.weighting == "velocity"
                  else torch.ones(self.model.config.timesteps, device=self.device))
        self.weight = weight / weight[self.choices].mean()
        self.generator = torch.Generator(self.device).manual_seed(args.seed)
        self.iteration, self.seconds = 0, 0.0
        self.unrolled = few.FewSteps(self.model, args, self.device) if args.stage == "few" else None
        if os.path.exists(self.resume_path):
            self.load()
        self.batches = crops.batches(self.iteration, args.batch, args.workers)
        self.loss = torch.compile(self.plain_loss) if args.compile else self.plain_loss
        # The whole stage in one graph would take minutes to compile.
        if args.compile and self.unrolled:
            self.model.rrdb.compile()
            self.model.denoise_fn.compile()

    # --- one file ---

    def save(self):
        save_resumable(self.resume_path, {
            "model": self.model.state_dict(), "ema": self.ema, "optimizer": self.optimizer.state_dict(),
            "iteration": self.iteration, "seconds": self.seconds, "stage": self.args.stage,
            "description": self.description(), **(self.unrolled.state() if self.unrolled else {}),
            "rng": {"noise": self.generator.get_state()}})

    def description(self):
        """How the weights were trained, as strings for the exported file."""
        args = self.args
        facts = {
            "stage": args.stage, "iterations": self.iteration, "crop": args.crop, "batch": args.batch,
            "degradation": args.degrade}
        if self.unrolled:
            facts |= {"sampler": args.sampler, "fidelity": args.fidelity}
        return {name: str(value) for name, value in facts.items()}

    def load(self):
        state = torch.load(self.resume_path, map_location=self.device, weights_only=True)
        if state["stage"] != self.args.stage:
            raise SystemExit(f"{self.resume_path}: a run of stage {state['stage']}, not {self.args.stage}. "
                             f"Start a new --run with --start {self.resume_path}.")
        self.model.load_state_dict(state["model"])
        self.ema = state["ema"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.iteration, self.seconds = state["iteration"], state["seconds"]
        if self.unrolled:
            self.unrolled.load(state)
        noise = state["rng"]["noise"].cpu()
        if len(noise) == len(self.generator.get_state()):             # CPU and CUDA generators differ
            self.generator.set_state(noise)

    # --- one iteration ---

    def progress(self):
        """The completed fraction of the run, of iterations or of time."""
        done, total = (
            (self.iteration, self.args.iterations) if self.args.iterations else (self.seconds, self.args.minutes * 60))
        return done / total

    def learning_rate(self):
        p, w = self.progress(), self.args.warmup
        return self.args.lr * (p / w if p < w else 0.5 + 0.5 * math.cos(math.pi * min(1, (p - w) / (1 - w))))

    def plain_loss(self, lr, lr_up, hr, t, noise):
        """(the loss, L1 on noise, L1 of the encoder's image)."""
        args, model, none = self.args, self.model, lr.new_zeros(())
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not args.float32):
            with torch.set_grad_enabled(args.stage != "noise"):
                maps = model.rrdb(lr)
            encoder = none
            if args.stage == "encoder" or args.stage == "joint" and args.encoder_loss:
                encoder = F.l1_loss(model.rrdb.image(maps[-1]).float(), hr)
            if args.stage == "encoder":
                return encoder, none, encoder.detach()
            draws = len(t) // len(lr)
            cond = model.denoise_fn.condition(maps, lr_up).repeat(draws, 1, 1, 1)
            residual = ((hr - lr_up) * RESIDUAL_GAIN).clamp(-1, 1).repeat(draws, 1, 1, 1)
            predicted = model.denoise_fn(model.noised(residual, t, noise), t, cond)
        error = (predicted.float() - noise).abs().mean((1, 2, 3))
        return (self.weight[t] * error).mean() + args.encoder_loss * encoder, error.mean().detach(), encoder.detach()

    def step(self):
        args = self.args
        batch = [part.to(self.device, memory_format=torch.channels_last) for part in next(self.batches)]
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        if self.unrolled:
            loss, encoder, extra = self.unrolled.loss(*batch, self.progress(), self.generator)
            parts = [extra[few.LOG.index("noise")], encoder]
        else:
            t = stratified(args.batch * args.draws, self.choices, self.generator)
            noise = torch.randn(len(t), *batch[2].shape[1:], generator=self.generator, device=self.device)
            loss, *parts = self.loss(*batch, t, noise.contiguous(memory_format=torch.channels_last))
            extra = [loss.new_zeros(())] * len(few.LOG)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, args.clip, error_if_nonfinite=True)
        self.optimizer.step()
        self.iteration += 1
        decay = min(args.ema, (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            averaged = [self.ema[name] for name, p in self.model.named_parameters() if p.requires_grad]
            torch._foreach_lerp_(averaged, [p.detach() for p in self.parameters], 1 - decay)
        return torch.stack((loss.detach(), *parts, norm, *extra))

    # --- the run ---

    def validate(self):
        """Quality of the averaged weights on a few images with one seed."""
        averaged = SRDiff(self.model.config)
        averaged.load_state_dict(self.ema)
        averaged = averaged.eval().to(self.device, memory_format=torch.channels_last)
        lpips = LPIPS(self.args.lpips) if self.args.lpips else None
        sampler = self.args.sampler if self.unrolled else "ddim:20"
        return evaluate(
            averaged, image_paths(self.args.validate)[:self.args.validate_images], sampler, lpips=lpips,
            degrade=degradation(self.args.validate_degrade), fidelity=self.args.fidelity if self.unrolled else 0.0)[1]

    def run(self):
        args = self.args
        stop = []
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.append(True))
        results, window = [], time.monotonic()
        saved = validated = self.seconds
        clock = time.monotonic()
        while self.progress() < 1 and not stop:
            while args.pause_file and os.path.exists(args.pause_file) and not stop:
                time.sleep(0.5)
            results.append(self.step())
            self.seconds, clock = self.seconds + time.monotonic() - clock, time.monotonic()
            if len(results) == args.log_every or self.progress() >= 1:
                rate = len(results) * args.batch * args.draws / (time.monotonic() - window)
                self.log(torch.stack(results).mean(0).tolist(), rate)
                results, window = [], time.monotonic()
            if self.seconds - saved >= args.save_minutes * 60:
                self.save()
                saved = self.seconds
            if args.validate and self.seconds - validated >= args.validate_minutes * 60:
                self.validation_line()
                validated, window = self.seconds, time.monotonic()
        self.save()
        if args.validate and not stop:
            self.validation_line()
        print(
            f"{'stopped' if stop else 'done'} at iteration {self.iteration}, {self.seconds / 60:.1f} min",
            file=sys.stderr)

    def log(self, means, rate):
        loss, noise, encoder, norm, *extra = means
        row = [
            self.iteration, f"{self.seconds:.1f}", *(f"{v:.6f}" for v in means[:4]), f"{self.learning_rate():.3e}",
            f"{rate:.2f}", *(f"{v:.6f}" for v in extra)]
        append(os.path.join(self.args.run, "loss.csv"), LOG, row)
        left = self.seconds * (1 / max(self.progress(), 1e-9) - 1)
        print(
            f"{self.iteration:8d}  loss {loss:.4f}  noise {noise:.4f}  encoder {encoder:.4f}  |g| {norm:.3f}  "
            + "".join(f"{name} {v:.4f}  " for name, v in zip(few.LOG, extra) if self.unrolled and name != "noise")
            + f"lr {self.learning_rate():.2e}  {rate:.2f} samples/s  {left / 60:.0f} min left",
            file=sys.stderr, flush=True)

    def validation_line(self):
        quality = self.validate()
        append(os.path.join(self.args.run, "validation.csv"), ["iteration", "seconds", *quality],
               [self.iteration, f"{self.seconds:.1f}", *(f"{v:.4f}" for v in quality.values())])
        print("          " + "  ".join(f"{k} {v:.3f}" for k, v in quality.items()), file=sys.stderr, flush=True)


def append(path, header, row):
    new = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(header)
        writer.writerow(row)


def main(argv=None):
    args = arguments(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cudnn.benchmark = True                             # all crops have one size
    torch.set_float32_matmul_precision("high")
    scale = load_model(args.start).config.scale if args.start else args.scale
    crops = Crops(args.data, args.crop, scale, args.seed, decoding, DEGRADATIONS[args.degrade], args.recolor)
    if args.show_data:
        Image.fromarray(contact_sheet(crops.pairs(0, 24), scale)).save(args.show_data)
        return
    os.makedirs(args.run, exist_ok=True)
    Trainer(args, crops).run()


def decoding(done, total):
    """Progress of reading the images: a line in a terminal, or one message in a log."""
    if sys.stderr.isatty() or done == total:
        print(f"\rdecoding {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
