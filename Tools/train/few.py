"""Stage `few`: trains the final image of the shipped model's sampler, with gradients through every step."""
import torch
import torch.nn.functional as F

from losses import (LEAST_CROP, Discriminator, FakeQuantization, consistency_l1, low_band_l1, random_view, spectral,
                    with_fidelity)
from metrics import LPIPS
from model import RESIDUAL_GAIN
from sampler import run, schedule, transitions

# Options of the stage: name, default weight, what it weighs.
WEIGHTS = [
    ("l1", 0.5, "L1 of the final image"),
    ("low-band", 2.0, "L1 of the sample's low band"),
    ("consistency", 0.0, "L1 of the downscaled final image and the low-resolution image; for clean inputs"),
    ("lpips", 1.0, "LPIPS of random views (Zhang et al. 2018, arXiv 1801.03924)"),
    ("spectral", 0.05, "difference of log power spectra at periods of 2 to 8 px"),
    ("grid", 0.05, "energy at periods 2 and 4 px against the neighbouring frequencies"),
    ("adversarial", 0.005, "hinge loss of a high-band patch discriminator"),
    ("noise", 0.1, "L1 on noise at random timesteps, so that samplers with many steps still work"),
]
# The runtime's noise is limited to this range: where it exceeds it, the network leaves dots in flat areas.
NOISE_LIMIT = 2.5
LOG = [name.replace("-", "_") for name, _, _ in WEIGHTS] + ["discriminator"]


class FewSteps:
    """The losses of the stage, and the discriminator with its optimizer."""

    def __init__(self, model, args, device):
        if args.crop < LEAST_CROP:
            raise SystemExit(f"--crop {args.crop}: stage few needs crops of at least {LEAST_CROP} pixels")
        self.model, self.args, self.device = model, args, device
        self.weights = {
            name.replace("-", "_"): getattr(args, f"{name.replace('-', '_')}_loss") for name, _, _ in WEIGHTS}
        self.steps = schedule(transitions(args.sampler, model.config.timesteps), model.alphas_cumprod)
        self.lpips = LPIPS(args.lpips, device)
        self.discriminator = Discriminator().to(device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=args.discriminator_lr, betas=(0.5, 0.99))
        self.quantization = FakeQuantization(model)

    def state(self):
        return {
            "discriminator": self.discriminator.state_dict(), "discriminator_optimizer": self.optimizer.state_dict()}

    def load(self, state):
        if "discriminator" in state:
            self.discriminator.load_state_dict(state["discriminator"])
            self.optimizer.load_state_dict(state["discriminator_optimizer"])

    def loss(self, lr, lr_up, hr, progress, generator):
        """(what is minimized, L1 of the encoder's image, each loss of LOG): tensors without dimensions."""
        args, model = self.args, self.model
        self.quantization.enabled = progress >= 1 - args.quantized_part

        def normal():
            noise = torch.randn(hr.shape, generator=generator, device=self.device).clamp(-NOISE_LIMIT, NOISE_LIMIT)
            return noise.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not args.float32):
            maps = model.rrdb(lr)
            encoder_image = model.rrdb.image(maps[-1]).float()
            cond = model.denoise_fn.condition(maps, lr_up)
            x0 = run(model, self.steps, cond, normal)
            parts = {"noise": self.noise_loss(lr_up, hr, cond, generator) if args.noise_loss else lr.new_zeros(())}
        sample = lr_up + x0.float().clamp(-1, 1) / RESIDUAL_GAIN
        # Some crops keep the sample's own low frequencies, so that fidelity 0 stays good.
        mixed = torch.rand((len(hr), 1, 1, 1), generator=generator, device=self.device) < args.fidelity_part
        final = (
            torch.where(mixed, with_fidelity(sample, encoder_image, args.fidelity), sample) if args.fidelity
            else sample)
        parts["l1"] = F.l1_loss(final, hr)
        parts["low_band"] = low_band_l1(sample, hr)
        if args.consistency_loss:
            parts["consistency"] = consistency_l1(final, lr)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=not args.float32):
            parts["lpips"] = self.lpips.distance(*random_view(final, hr, generator)).float()
            if args.adversarial_loss:
                parts["discriminator"] = self.train_discriminator(final, hr)
                parts["adversarial"] = -self.discriminator.requires_grad_(False)(final).float().mean()
        parts["spectral"], parts["grid"] = spectral(final, hr)
        ramp = min(1.0, progress / args.adversarial_ramp) if args.adversarial_ramp else 1.0
        encoder = F.l1_loss(encoder_image, hr)
        total = args.encoder_loss * encoder + sum(
            weight * parts[name] * (ramp if name == "adversarial" else 1)
            for name, weight in self.weights.items() if weight)
        return total, encoder.detach(), [parts.get(name, total.new_zeros(())).detach() for name in LOG]

    def noise_loss(self, lr_up, hr, cond, generator):
        """L1 on noise at one random timestep, of the first crop of the batch."""
        model = self.model
        t = torch.randint(model.config.timesteps, (1,), generator=generator, device=self.device)
        noise = torch.randn(hr[:1].shape, generator=generator, device=self.device)
        residual = ((hr[:1] - lr_up[:1]) * RESIDUAL_GAIN).clamp(-1, 1)
        return F.l1_loss(model.denoise_fn(model.noised(residual, t, noise), t, cond[:1]).float(), noise)

    def train_discriminator(self, final, hr):
        self.discriminator.requires_grad_(True)
        loss = self.discriminator.loss(final, hr)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss
