#!/usr/bin/env python3
"""Train SRDiff. One file resumes a run; Ctrl-C saves and leaves."""
import argparse
import csv
import math
import os
import signal
import sys
import time

import torch
import torch.nn.functional as F

import few
from checkpoint import load_model, save_resumable
from data import Crops, pictures
from degrade import DEGRADATIONS
from metrics import LPIPS
from model import RESIDUAL_GAIN, Config, SRDiff
from sampler import visited
from validate import evaluate

LOG = ["iteration", "seconds", "loss", "noise_l1", "picture_l1", "gradient_norm", "learning_rate", "samples_per_second", *few.LOG]


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--data", required=True, help="folder of training pictures, searched recursively")
    p.add_argument("--run", required=True, help="folder of this run: resume.pt, loss.csv, validation.csv")
    p.add_argument("--start", help="checkpoint whose weights a new run starts from; ignored once resume.pt exists")
    p.add_argument("--stage", choices=["encoder", "noise", "joint", "few"], default="joint",
                   help="encoder: L1 on its own image; noise: L1 on noise, encoder fixed; joint: both learn from the noise; "
                        "few: the final image of the --sampler that will be shipped")
    p.add_argument("--degrade", choices=list(DEGRADATIONS), default="none",
                   help="what happens to the low-resolution images; photo: other filters, blur, noise, JPEG")
    p.add_argument("--few", type=int, metavar="STEPS", help="fine-tune: draw only the timesteps that a STEPS-step sampler visits")
    p.add_argument("--weighting", choices=["uniform", "velocity"], default="velocity",
                   help="of the noise loss over timesteps; velocity: 1/sqrt(abar), at most 5, as if predicting v")
    p.add_argument("--picture-loss", type=float, default=1.0, help="joint: weight of the L1 on the encoder's own picture")
    p.add_argument("--crop", type=int, default=96, help="side of an HR crop, a multiple of the scale and of 2^(levels-1)")
    p.add_argument("--batch", type=int, default=8, help="crops an iteration")
    p.add_argument("--draws", type=int, default=2, help="timesteps and noises per crop: they share one encoder pass")
    p.add_argument("--lr", type=float, default=4e-4, help="peak learning rate; falls as a cosine to 0 at the end")
    p.add_argument("--warmup", type=float, default=0.02, help="share of the run in which the rate rises")
    p.add_argument("--clip", type=float, default=2.0, help="largest gradient norm")
    p.add_argument("--ema", type=float, default=0.999)
    end = p.add_mutually_exclusive_group()
    end.add_argument("--iterations", type=int, help="the run ends here (counted over all resumes)")
    end.add_argument("--minutes", type=float, help="the run ends after so much time, pauses included (counted over all resumes)")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, help="CPU threads")
    p.add_argument("--compile", action=argparse.BooleanOptionalAction, default=torch.cuda.is_available())
    p.add_argument("--float32", action="store_true", help="no bfloat16 autocast")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--save-minutes", type=float, default=5)
    p.add_argument("--log-every", type=int, default=50, help="iterations a line of loss.csv averages")
    p.add_argument("--validate", help="folder of HR pictures for the validation line")
    p.add_argument("--validate-minutes", type=float, default=30)
    p.add_argument("--validate-pictures", type=int, default=4)
    p.add_argument("--lpips", help="LPIPS weights (safetensors) for the validation line")
    p.add_argument("--pause-file", help="while this file exists the run sleeps between iterations")
    unrolled = p.add_argument_group("stage few")
    unrolled.add_argument("--sampler", default="69@0.9375,0", help="timesteps, each with the eta of the transition that leaves it")
    unrolled.add_argument("--fidelity", type=float, default=1.5,
                          help="sigma in pixels below which the encoder's image gives the low frequencies; 0 turns it off")
    unrolled.add_argument("--fidelity-part", type=float, default=0.75, help="part of the crops that --fidelity applies to")
    unrolled.add_argument("--discriminator-lr", type=float, default=2e-4)
    unrolled.add_argument("--adversarial-ramp", type=float, default=0.1, help="part of the run in which the adversarial loss rises")
    unrolled.add_argument("--quantized-part", type=float, default=0.1, help="last part of the run, with activations rounded to 8 bits")
    for name, weight, meaning in few.WEIGHTS:
        unrolled.add_argument(f"--{name}-loss", type=float, default=weight, help=f"weight: {meaning}")
    network = p.add_argument_group("the network of a run without --start")
    network.add_argument("--dim", type=int, default=32)
    network.add_argument("--mults", type=lambda text: tuple(map(int, text.split("|"))), default="1|2|2|4")
    for field in ("blocks", "features", "scale", "timesteps"):
        network.add_argument(f"--{field}", type=int, default=getattr(Config, field))
    for field in ("up-input", "attention"):
        network.add_argument(f"--{field}", action="store_true")
    args = p.parse_args(argv)
    if args.stage == "few" and not args.lpips:
        p.error("--stage few needs --lpips: the LPIPS weights are part of its loss")
    if args.iterations is None and args.minutes is None:
        p.error("say when to end: --iterations or --minutes")
    return args


def stratified(count, choices, generator):
    """`count` of `choices`, one from each equal share of them, in random order: less spread than free draws."""
    places = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return choices[(places * len(choices)).long()][torch.randperm(count, generator=generator)]


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
        self.choices = (torch.tensor(visited(args.few, self.model.config.timesteps)) if args.few
                        else torch.arange(self.model.config.timesteps))
        weight = (self.model.alphas_cumprod.rsqrt().clamp(max=5) if args.weighting == "velocity"
                  else torch.ones(self.model.config.timesteps, device=self.device))
        self.weight = weight / weight[self.choices].mean()
        self.generator = torch.Generator().manual_seed(args.seed)
        self.iteration, self.seconds = 0, 0.0
        self.unrolled = few.FewSteps(self.model, args, self.device) if args.stage == "few" else None
        if os.path.exists(self.resume_path):
            self.load()
        self.loss = torch.compile(self.plain_loss) if args.compile else self.plain_loss

    # --- one file ---

    def save(self):
        save_resumable(self.resume_path, {
            "model": self.model.state_dict(), "ema": self.ema, "optimizer": self.optimizer.state_dict(),
            "iteration": self.iteration, "seconds": self.seconds, "stage": self.args.stage,
            **(self.unrolled.state() if self.unrolled else {}),
            "rng": {"noise": self.generator.get_state(), "crops": self.crops.random.bit_generator.state}})

    def load(self):
        state = torch.load(self.resume_path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.ema = state["ema"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.iteration, self.seconds = state["iteration"], state["seconds"]
        if self.unrolled:
            self.unrolled.load(state)
        self.generator.set_state(state["rng"]["noise"].cpu())
        self.crops.random.bit_generator.state = state["rng"]["crops"]

    # --- one iteration ---

    def progress(self):
        """0...1 of the run, by whichever end was asked for."""
        done, total = (self.iteration, self.args.iterations) if self.args.iterations else (self.seconds, self.args.minutes * 60)
        return done / total

    def learning_rate(self):
        p, w = self.progress(), self.args.warmup
        return self.args.lr * (p / w if p < w else 0.5 + 0.5 * math.cos(math.pi * min(1, (p - w) / (1 - w))))

    def plain_loss(self, lr, lr_up, hr, t, noise):
        """(what is minimised, L1 on noise, L1 of the encoder's picture)."""
        args, model, none = self.args, self.model, lr.new_zeros(())
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not args.float32):
            with torch.set_grad_enabled(args.stage != "noise"):
                maps = model.rrdb(lr)
            picture = none
            if args.stage == "encoder" or args.stage == "joint" and args.picture_loss:
                picture = F.l1_loss(model.rrdb.picture(maps[-1]).float(), hr)
            if args.stage == "encoder":
                return picture, none, picture.detach()
            draws = len(t) // len(lr)
            cond = model.denoise_fn.condition(maps, lr_up).repeat(draws, 1, 1, 1)
            residual = ((hr - lr_up) * RESIDUAL_GAIN).clamp(-1, 1).repeat(draws, 1, 1, 1)
            predicted = model.denoise_fn(model.noised(residual, t, noise), t, cond)
        error = (predicted.float() - noise).abs().mean((1, 2, 3))
        return (self.weight[t] * error).mean() + args.picture_loss * picture, error.mean().detach(), picture.detach()

    def step(self):
        args = self.args
        batch = [part.to(self.device, memory_format=torch.channels_last) for part in self.crops.batch(args.batch)]
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        if self.unrolled:
            loss, picture, extra = self.unrolled.loss(*batch, self.progress(), self.generator)
            parts = [extra[few.LOG.index("noise")], picture]
        else:
            t = stratified(args.batch * args.draws, self.choices, self.generator)
            noise = torch.randn(len(t), *batch[2].shape[1:], generator=self.generator)
            loss, *parts = self.loss(*batch, t.to(self.device), noise.to(self.device, memory_format=torch.channels_last))
            extra = [loss.new_zeros(())] * len(few.LOG)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, args.clip)
        self.optimizer.step()
        self.iteration += 1
        decay = min(args.ema, (1 + self.iteration) / (10 + self.iteration))
        with torch.no_grad():
            averaged = [self.ema[name] for name, p in self.model.named_parameters() if p.requires_grad]
            torch._foreach_lerp_(averaged, [p.detach() for p in self.parameters], 1 - decay)
        return torch.stack((loss.detach(), *parts, norm, *extra))

    # --- the run ---

    def validate(self):
        """Quality of the averaged weights, cheap: few pictures, one seed, 20 DDIM steps."""
        averaged = SRDiff(self.model.config)
        averaged.load_state_dict(self.ema)
        averaged = averaged.eval().to(self.device, memory_format=torch.channels_last)
        lpips = LPIPS(self.args.lpips) if self.args.lpips else None
        sampler = self.args.sampler if self.unrolled else "ddim:20"
        return evaluate(averaged, pictures(self.args.validate)[:self.args.validate_pictures], sampler, lpips=lpips,
                        fidelity=self.args.fidelity if self.unrolled else 0.0)[1]

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
        print(f"{'stopped' if stop else 'done'} at iteration {self.iteration}, {self.seconds / 60:.1f} min", file=sys.stderr)

    def log(self, means, rate):
        loss, noise, picture, norm, *extra = means
        row = [self.iteration, f"{self.seconds:.1f}", *(f"{v:.6f}" for v in means[:4]), f"{self.learning_rate():.3e}", f"{rate:.2f}",
               *(f"{v:.6f}" for v in extra)]
        append(os.path.join(self.args.run, "loss.csv"), LOG, row)
        left = self.seconds * (1 / max(self.progress(), 1e-9) - 1)
        print(f"{self.iteration:8d}  loss {loss:.4f}  noise {noise:.4f}  picture {picture:.4f}  |g| {norm:.3f}  "
              + "".join(f"{name} {v:.4f}  " for name, v in zip(few.LOG, extra) if self.unrolled and name != "noise")
              + f"lr {self.learning_rate():.2e}  {rate:.2f} samples/s  {left / 60:.0f} min left", file=sys.stderr, flush=True)

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
    os.makedirs(args.run, exist_ok=True)
    scale = load_model(args.start).config.scale if args.start else args.scale
    crops = Crops(args.data, args.crop, scale, args.seed,
                  lambda done, total: print(f"\rdecoding {done}/{total}", end="", file=sys.stderr, flush=True),
                  DEGRADATIONS[args.degrade])
    print(file=sys.stderr)
    Trainer(args, crops).run()


if __name__ == "__main__":
    main()
