"""python -m unittest test_train: runs that are saved and resumed, losses, and golden values where ../shared exists."""
import csv
import json
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import export
import gpu10
import pack
import plot
import train
import validate
from checkpoint import load_model
from data import Crops, read_image, recolored
from degrade import DEGRADATIONS, jpeg
from losses import (Discriminator, FakeQuantization, blur, consistency_l1, low_band_l1, random_view, rounded, spectral,
                    with_fidelity)
from metrics import LPIPS, grid, lpips_shift, psnr, ssim
from model import Config, SRDiff, conditioning
from resize import resize_float, resize_u8
from sampler import run, sample, schedule, transitions, upscale, visited
from widen import widened

SHARED = Path(__file__).resolve().parents[3] / "shared"
torch.set_num_threads(1)
golden = unittest.skipUnless((SHARED / "golden").exists(), "no golden values: ../shared does not exist")

TINY = (
    "--dim 8 --mults 1|2 --blocks 3 --features 8 --crop 32 --batch 2 --device cpu --threads 1 --no-compile "
    "--log-every 5").split()
TINY_CONFIG = Config(dim=8, mults=(1, 2), blocks=3, features=8)


def two_images(folder):
    """Writes two images with smooth colours and hard edges, 56 x 64."""
    random = np.random.default_rng(0)
    for i in range(2):
        image = resize_float(random.random((14, 16, 3)), 4).clip(0, 1) * 255
        image[8:20, 8:30] = random.integers(0, 256, 3)
        Image.fromarray(image.astype(np.uint8)).save(Path(folder) / f"{i}.png")


def random_lpips():
    """LPIPS weights of random numbers under the names of the real ones."""
    generator, weights = torch.Generator().manual_seed(0), {}
    shapes = [
        (0, (64, 3, 11, 11)), (3, (192, 64, 5, 5)), (6, (384, 192, 3, 3)), (8, (256, 384, 3, 3)),
        (10, (256, 256, 3, 3))]
    for i, (index, shape) in enumerate(shapes):
        weights[f"features.{index}.weight"] = torch.randn(shape, generator=generator) / np.prod(shape[1:]) ** 0.5
        weights[f"features.{index}.bias"] = torch.zeros(shape[0])
        weights[f"lin{i}.weight"] = torch.full((1, shape[0], 1, 1), 0.1)
    return weights


def texture(count=2, side=64, seed=0):
    """Images [n,3,side,side] of blurred noise in -1...1."""
    x = torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))
    return blur(x, 1.0).clamp(-1, 1)


def waves(side, period):
    """A grid [side,side] of cosines along both axes."""
    wave = torch.cos(2 * np.pi * torch.arange(side) / period)
    return wave[:, None] + wave


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.run_folder = self.folder / "run"
        self.resume = self.run_folder / "resume.pt"
        self.images = self.folder / "images"
        self.images.mkdir()
        two_images(self.images)

    def train(self, *options):
        train.main(["--data", str(self.images), "--run", str(self.run_folder), *TINY, *options])

    def state(self):
        return torch.load(self.resume, weights_only=True)

    def few_steps(self):
        """Options of stage few, with random LPIPS weights."""
        path = self.folder / "lpips.safetensors"
        save_file(random_lpips(), path)
        return ["--stage", "few", "--lpips", str(path), "--timesteps", "20", "--sampler", "13@0.9,0", "--crop", "48"]

    def test_ten_iterations_saved_resumed_and_exported(self):
        self.train("--iterations", "10")
        first = self.state()
        self.assertEqual(first["iteration"], 10)
        self.train("--iterations", "15")
        second = self.state()
        self.assertEqual(second["iteration"], 15)
        name = "denoise_fn.final_conv.1.weight"
        self.assertFalse(torch.equal(first["model"][name], second["model"][name]))
        with open(self.run_folder / "loss.csv") as file:
            self.assertEqual([row["iteration"] for row in csv.DictReader(file)], ["5", "10", "15"])
        self.assertEqual([p.name for p in self.run_folder.glob("*.partial")], [])

        curve = self.run_folder / "curve.svg"
        plot.main([str(self.run_folder / "loss.csv"), "-o", str(curve)])
        self.assertEqual(curve.read_text().count("<polyline"), 4)

        exported = self.run_folder / "tiny.safetensors"
        export.main([str(self.resume), str(exported), "--type", "f16", "--metadata", "note=a test"])
        self.assertEqual(exported.stat().st_mode, curve.stat().st_mode)
        tensors = load_file(exported)
        self.assertEqual(tensors[name].dtype, torch.float16)
        self.assertEqual(tensors["betas"].dtype, torch.float32)
        with safe_open(exported, "pt") as file:
            self.assertEqual(file.metadata(), {
                "stage": "joint", "iterations": "15", "crop": "32", "batch": "2", "degradation": "none",
                "note": "a test"})
        self.assertEqual(load_model(exported).config, TINY_CONFIG)
        validate.main([
            str(exported), str(self.images), "--samplers", "ddim:2", "--threads", "1", "--degrade", "noise:5+jpeg:60"])

    def unbroken_and_resumed(self, *options):
        """Two trainers after 7 of 10 iterations, one of them resumed after 5.

        --iterations sets the learning rate, so both have 10.
        """
        args = train.arguments([
            "--data", str(self.images), "--run", str(self.run_folder), *TINY, "--iterations", "10", *options])
        self.run_folder.mkdir()
        make = lambda: train.Trainer(
            args, train.Crops(self.images, args.crop, 4, args.seed, degrade=DEGRADATIONS[args.degrade]))
        unbroken = make()
        for _ in range(5):
            unbroken.step()
        unbroken.save()
        resumed = make()
        self.assertEqual(resumed.iteration, 5)
        for _ in range(2):
            expected, found = unbroken.step(), resumed.step()
            self.assertTrue(torch.equal(expected, found), f"{expected}\n{found}")
        for name, value in unbroken.ema.items():
            self.assertTrue(torch.equal(value, resumed.ema[name]), name)
        return unbroken, resumed

    def test_a_resumed_run_equals_an_unbroken_one(self):
        self.unbroken_and_resumed()

    def test_a_resumed_run_of_stage_few_equals_an_unbroken_one(self):
        unbroken, resumed = self.unbroken_and_resumed(
            *self.few_steps(), "--degrade", "photo", "--quantized-part", "0.4")
        self.assertTrue(unbroken.unrolled.quantization.enabled)
        for name, value in unbroken.unrolled.discriminator.state_dict().items():
            self.assertTrue(torch.equal(value, resumed.unrolled.discriminator.state_dict()[name]), name)
        step = unbroken.step()
        self.assertTrue(all(value > 0 for value in step[-3:-2]), step)

        # A new optimizer for the discriminator would show in the next iterations.
        unbroken.save()
        other = train.Trainer(unbroken.args, unbroken.crops)
        other.unrolled.optimizer = torch.optim.Adam(
            other.unrolled.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.99))
        unbroken.step(), other.step()
        self.assertFalse(torch.equal(unbroken.step(), other.step()))

    def test_a_run_of_another_stage_is_not_resumed(self):
        self.train("--iterations", "1")
        with self.assertRaisesRegex(SystemExit, "stage joint, not encoder"):
            self.train("--iterations", "2", "--stage", "encoder")

    def test_every_stage_changes_what_it_trains_and_nothing_else(self):
        few = ("few", self.few_steps())
        for stage, options, changes in (
                ("encoder", ["--stage", "encoder"], (True, False)), ("noise", ["--stage", "noise"], (False, True)),
                ("joint", ["--stage", "joint"], (True, True)), (*few, (True, True))):
            with self.subTest(stage):
                self.run_folder = self.folder / stage
                self.train(*options, "--iterations", "3")
                after = torch.load(self.run_folder / "resume.pt", weights_only=True)["model"]
                torch.manual_seed(1)
                before = SRDiff(
                    Config(dim=8, mults=(1, 2), blocks=3, features=8, timesteps=len(after["betas"]))).state_dict()
                changed = {n for n in before if not torch.equal(before[n], after[n])}
                self.assertEqual((any(n.startswith("rrdb.") for n in changed),
                                  any(n.startswith("denoise_fn.") for n in changed)), changes)
                self.assertFalse(any("alphas" in n or "betas" in n for n in changed))

    def test_stage_few_has_gradients_in_every_step_and_the_encoder(self):
        options = ["--iterations", "10", "--float32", "--noise-loss", "0", "--encoder-loss", "0", "--fidelity", "0"]
        args = train.arguments([
            "--data", str(self.images), "--run", str(self.run_folder), *TINY, *self.few_steps(), *options])
        crops = train.Crops(self.images, 48, 4, 1)
        trainer = train.Trainer(args, crops)
        forward, predictions = trainer.model.denoise_fn.forward, []

        def recorded(*inputs):
            predictions.append(forward(*inputs))
            return predictions[-1]
        trainer.model.denoise_fn.forward = recorded
        loss, _, _ = trainer.unrolled.loss(*crops.batch(0, 2), 0.5, torch.Generator().manual_seed(1))
        self.assertEqual(len(predictions), 2)
        weights = [trainer.model.rrdb.conv_first.weight, trainer.model.denoise_fn.mlp[0].weight]
        for gradient in torch.autograd.grad(loss, [*predictions, *weights]):
            self.assertGreater(gradient.abs().max().item(), 0)

    def test_the_gpu_preset_on_the_cpu(self):
        """gpu10.py and pack.py in small: worker processes, bfloat16, channels_last.

        torch.compile and CUDA are not tested here.
        """
        packed = self.folder / "pack"
        pack.main([str(self.images), str(packed), "--side", "50", "--rounds", "3"])
        self.assertEqual(len(list(packed.iterdir())), 6)
        gpu10.main([
            "--data", str(packed), "--run", str(self.run_folder), *TINY, *self.few_steps(), "--workers", "2",
            "--iterations", "3"])
        self.assertEqual(self.state()["iteration"], 3)
        self.assertEqual(self.state()["description"]["sampler"], "13@0.9,0")
        small = self.folder / "small"
        pack.main([str(self.images), str(small), "--side", "50", "--megabytes", "0.0015"])
        self.assertLess(sum(f.stat().st_size for f in small.iterdir()), 1500)

    def test_show_data_writes_a_contact_sheet_and_nothing_else(self):
        sheet = self.folder / "sheet.png"
        train.main(["--data", str(self.images), "--show-data", str(sheet), "--degrade", "photo", *TINY])
        self.assertEqual(read_image(sheet).shape, (6 * 36, 4 * 68, 3))
        self.assertFalse(self.run_folder.exists())

    def test_a_widened_network_predicts_the_same_noise(self):
        torch.manual_seed(0)
        narrow = SRDiff(
            Config(dim=8, mults=(1, 2), blocks=3, features=8, timesteps=20, up_input=True, attention=True)).eval()
        torch.nn.init.ones_(narrow.denoise_fn.mid_attn.fn.g)
        wide = widened(narrow).eval()
        self.assertEqual(wide.config.dim, 16)
        lr, x, lr_up = torch.rand(1, 3, 6, 5), torch.randn(1, 3, 24, 20), torch.rand(1, 3, 24, 20)
        with torch.inference_mode():
            for t in (0, 7, 19):
                noise = [
                    m.denoise_fn(x, torch.tensor([t]), m.denoise_fn.condition(m.rrdb(lr), lr_up))
                    for m in (narrow, wide)]
                # The time embedding is fitted; the rest is exact.
                self.assertLess((noise[0] - noise[1]).abs().max().item(), 0.02 * noise[0].std().item())
        pair = wide.denoise_fn.mid_block1.block1.block[1].weight
        # Equal copies would learn the same.
        self.assertGreater((pair[:, :16] - pair[:, 16:]).abs().mean().item(), 1e-4)


class Losses(unittest.TestCase):
    def test_spectral_losses_see_a_grid_and_are_0_for_equal_images(self):
        image = texture()
        self.assertEqual([loss.item() for loss in spectral(image, image)], [0, 0])
        for period in (2, 4):
            weak, strong = (spectral(image + amplitude * waves(64, period), image) for amplitude in (0.06, 0.15))
            self.assertGreater(weak[1].item(), 0.1)
            self.assertGreater(strong[1].item(), weak[1].item() + 0.2)
            self.assertGreater(strong[0].item(), weak[0].item())
            # Gradient descent weakens the grid.
            marked = (image + 0.06 * waves(64, period)).requires_grad_()
            for loss in spectral(marked, image):
                gradient, = torch.autograd.grad(loss, marked, retain_graph=True)
                self.assertGreater((gradient * waves(64, period)).sum().item(), 0)
        self.assertLess(max(loss.item() for loss in spectral(image + 0.06 * waves(64, 16), image)), 0.01)

    def test_the_low_band_ignores_high_frequencies(self):
        image = texture()
        self.assertEqual(low_band_l1(image, image).item(), 0)
        for period in (2, 4):                                         # the rest comes from the borders
            self.assertLess(low_band_l1(image + 0.1 * waves(64, period), image).item(), 0.01)
        self.assertAlmostEqual(low_band_l1(image + 0.1, image).item(), 0.1, places=5)

    def test_an_image_is_consistent_with_its_downscale_alone(self):
        image = texture()[:1]
        lr = torch.from_numpy(
            resize_float(image[0].permute(1, 2, 0).double().numpy(), 0.25)).permute(2, 0, 1)[None].float()
        self.assertLess(consistency_l1(image, lr).item(), 1e-6)
        self.assertLess(consistency_l1(image + 0.1 * waves(64, 2), lr).item(), 0.01)       # a downscale does not see it
        self.assertAlmostEqual(consistency_l1(image + 0.1, lr).item(), 0.1, places=5)
        shifted = (image + 0.1).requires_grad_()
        gradient, = torch.autograd.grad(consistency_l1(shifted, lr), shifted)
        self.assertAlmostEqual(gradient.sum().item(), 1, places=3)

    def test_fidelity_takes_middle_frequencies_from_the_encoder(self):
        sampled = texture(seed=1)
        inner = lambda x: x[..., 16:-16, 16:-16].abs().mean().item()       # without the borders
        change = lambda period: inner(with_fidelity(sampled, sampled + 0.1 * waves(64, period), 1.5) - sampled)
        whole = inner(0.1 * waves(64, 16))
        self.assertLess(change(2), 0.1 * whole)
        self.assertGreater(change(16), 0.75 * whole)
        # The mean colour stays.
        self.assertTrue(torch.allclose(with_fidelity(sampled, sampled + 0.25, 1.5), sampled, atol=1e-6))

    def test_blur_has_float32_precision_under_autocast(self):
        image = texture()
        expected = blur(image, 1.5)
        with torch.autocast("cpu", torch.bfloat16):
            self.assertTrue(torch.equal(blur(image, 1.5), expected))

    def test_views_are_the_same_for_both_images(self):
        generator, sizes = torch.Generator().manual_seed(3), set()
        image = texture(side=48)
        for _ in range(50):
            a, b = random_view(image, image + 0.125, generator)
            self.assertTrue(torch.allclose(b - a, torch.full_like(a, 0.125), atol=1e-5))
            sizes.add(tuple(a.shape[2:]))
        self.assertGreater(len(sizes), 30)
        self.assertTrue(all(33 <= size <= 96 for shape in sizes for size in shape))

    def test_the_discriminator_learns_to_tell_a_grid(self):
        torch.manual_seed(0)
        discriminator = Discriminator()
        optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.99))
        for i in range(60):
            original = texture(4, 32, seed=i)
            loss = discriminator.loss(original + 0.05 * waves(32, 4), original)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        original = texture(8, 32, seed=1000)
        discriminator.eval()
        with torch.no_grad():
            real, fake, brighter = (
                discriminator(x).mean().item() for x in (original, original + 0.05 * waves(32, 4), original + 0.3))
        self.assertGreater(real, fake + 0.5)
        self.assertAlmostEqual(brighter, real, places=3)              # it sees the high band alone

    def test_rounding_is_at_most_half_a_step_and_passes_the_gradient_through(self):
        x = (torch.randn(2, 8, 9, 9, generator=torch.Generator().manual_seed(0)) + 0.5).requires_grad_()
        y = rounded(x)
        step = (x.max() - x.min()).item() / 255
        self.assertLessEqual((y - x).abs().max().item(), step / 2 * 1.001)
        self.assertGreater((y - x).abs().max().item(), step / 3)
        self.assertLessEqual(len(y.unique()), 257)
        y.square().sum().backward()
        self.assertTrue(torch.allclose(x.grad, 2 * y))
        self.assertEqual(rounded(torch.tensor([0.0, 0.1, -3.0]))[0].item(), 0)                   # padding stays 0

    def test_fake_quantization_covers_the_layers_that_are_int8_in_the_runtime(self):
        torch.manual_seed(0)
        model = SRDiff(Config(dim=8, mults=(1, 2), blocks=3, features=8, attention=True))
        quantization = FakeQuantization(model)
        hooked = {name for name, module in model.named_modules() if module._forward_pre_hooks}
        for name in ("denoise_fn.downs.1.0.res_conv", "denoise_fn.cond_proj", "rrdb.conv_last"):
            self.assertIn(name, hooked)
        for name in (
                "denoise_fn.downs.0.0.block1.block.1", "denoise_fn.downs.0.0.res_conv", "rrdb.conv_first",
                "denoise_fn.final_conv.1", "denoise_fn.mid_attn.fn.fn.to_qkv"):
            self.assertNotIn(name, hooked)
        lr = torch.rand(1, 3, 8, 8)
        with torch.no_grad():
            exact = model.rrdb(lr)[-1]
            quantization.enabled = True
            error = (model.rrdb(lr)[-1] - exact).abs().max().item()
        self.assertTrue(0 < error < 0.05 * exact.abs().max().item(), error)

    def test_metrics_of_images_with_a_grid(self):
        image = ((texture(1, 96)[0].permute(1, 2, 0) + 1) * 127.5).numpy().round().clip(0, 255).astype(np.uint8)
        marked = (image + 6 * waves(96, 4).numpy()[..., None]).round().clip(0, 255).astype(np.uint8)
        self.assertAlmostEqual(grid(image, image), 0, places=9)
        self.assertGreater(grid(marked, image), 2)
        self.assertTrue(np.isnan(grid(image[:31], image[:31])))
        with tempfile.TemporaryDirectory() as folder:
            save_file(random_lpips(), Path(folder) / "lpips.safetensors")
            lpips = LPIPS(Path(folder) / "lpips.safetensors")
        self.assertEqual(lpips_shift(lpips, image, image), 0)
        self.assertGreater(lpips_shift(lpips, marked, image), 0)


class Degradation(unittest.TestCase):
    def crops(self, seed):
        with tempfile.TemporaryDirectory() as folder:
            two_images(folder)
            return Crops(folder, 32, 4, seed, degrade=DEGRADATIONS["photo"])

    def test_a_batch_depends_on_seed_and_index_alone(self):
        a, b, other = self.crops(5), self.crops(5), self.crops(6)
        a.batch(0, 3)
        for x, y, z in zip(a.batch(7, 3), b.batch(7, 3), other.batch(7, 3)):
            self.assertTrue(torch.equal(x, y))
            self.assertFalse(torch.equal(x, z))
        here, worker = next(a.batches(7, 3)), next(a.batches(7, 3, workers=1))
        self.assertTrue(all(torch.equal(x, y) for x, y in zip(here, worker)))

    def test_one_in_five_is_clean_and_the_rest_resemble_the_original(self):
        clean = 0
        for lr, hr in self.crops(1).pairs(0, 200):
            plain = resize_u8(hr, 1 / 4)
            clean += (lr == plain).all()
            self.assertEqual((lr.shape, lr.dtype), ((8, 8, 3), np.uint8))
            self.assertGreater(psnr(lr, plain), 14)
        self.assertTrue(30 <= clean <= 70, clean)

    def test_recolored_crops_are_more_saturated_and_gray_stays_gray(self):
        random = np.random.default_rng(0)
        color = random.integers(100, 156, (8, 8, 3)).astype(np.uint8)
        gray = color[..., :1].repeat(3, 2)
        self.assertTrue((recolored(gray, random) == gray).all())
        spread = lambda image: np.ptp(image.astype(int), axis=2)
        for _ in range(20):
            self.assertTrue((spread(recolored(color, random)) >= spread(color) - 1).all())

    def test_the_phase_of_jpeg_moves_its_blocks(self):
        """At quality 1 each 8 x 8 block of a ramp becomes flat, so the image changes at the blocks' edges only."""
        ramp = np.repeat(np.linspace(40, 200, 32).round().astype(np.uint8)[None, :, None], 32, 0).repeat(3, 2)
        for phase in (0, 3):
            edges = np.nonzero(np.diff(jpeg(ramp, 1, False, (0, phase))[0, :, 0].astype(int)))[0] + 1
            self.assertTrue(len(edges) and all(edge % 8 == -phase % 8 for edge in edges), f"{phase}: {edges}")

    def test_named_degradations_have_a_fixed_seed(self):
        image = np.random.default_rng(0).integers(64, 192, (64, 64, 3)).astype(np.uint8)
        noise = validate.degradation("noise:5")
        self.assertTrue((noise(image) == noise(image)).all())
        self.assertAlmostEqual(np.std(noise(image).astype(float) - image), 5, delta=0.1)
        self.assertTrue((validate.degradation("jpeg:60")(image) == jpeg(image, 60, True)).all())
        self.assertIsNone(validate.degradation(None))
        for text in ("jpeg", "blur:2", "noise:x"):
            with self.assertRaises(SystemExit):
                validate.degradation(text)


class Samplers(unittest.TestCase):
    """The sampler loop against the formulas of the papers, with a network that predicts constant noise."""

    def setUp(self):
        self.kept = SRDiff(TINY_CONFIG).alphas_cumprod.double()
        self.eps = torch.full((1, 3, 4, 4), 0.3).double()

    def draws(self, count):
        generator = torch.Generator().manual_seed(2)
        return [torch.randn(1, 3, 4, 4, generator=generator).double() for _ in range(count)]

    def result(self, sampler, draws):
        model, draws = SimpleNamespace(denoise_fn=lambda x, t, cond: self.eps), iter(draws)
        return run(model, schedule(transitions(sampler, 100), self.kept), None, lambda: next(draws))

    def loop(self, timesteps, draws):
        """(x, x0, abar, abar of the next timestep, noise to add) of every step; the caller sends the next x."""
        x = draws[0]
        for i, t in enumerate(timesteps):
            last = i + 1 == len(timesteps)
            now, then = self.kept[t], torch.ones_like(self.kept[0]) if last else self.kept[timesteps[i + 1]]
            x0 = ((x - (1 - now).sqrt() * self.eps) / now.sqrt()).clamp(-1, 1)
            x = yield x, x0, now, then, torch.zeros_like(x) if last else draws[i + 1]

    def expected(self, timesteps, draws, update):
        loop = self.loop(timesteps, draws)
        state = next(loop)
        for i in range(len(timesteps)):
            x = update(i, *state)
            try:
                state = loop.send(x)
            except StopIteration:
                return x

    def test_ddpm_is_the_posterior_of_ho_et_al(self):
        """arXiv 2006.11239, eq. 6 and 7, over respaced timesteps."""
        def update(_, x, x0, now, then, z):
            beta = 1 - now / then
            mean = then.sqrt() * beta / (1 - now) * x0 + (1 - beta).sqrt() * (1 - then) / (1 - now) * x
            return mean + (beta * (1 - then) / (1 - now)).sqrt() * z
        draws = self.draws(20)
        self.assertLess(
            (self.result("ddpm:20", draws) - self.expected(visited(20, 100), draws, update)).abs().max().item(), 1e-6)

    def test_ddim_is_eq_12_of_song_et_al(self):
        """arXiv 2010.02502, eq. 12 and 16, with the noise recomputed from the clamped x0."""
        etas = [0.9375, 0.5, 0]

        def update(i, x, x0, now, then, z):
            noise = (x - now.sqrt() * x0) / (1 - now).sqrt()
            sigma = etas[i] * ((1 - then) / (1 - now) * (1 - now / then)).sqrt()
            return then.sqrt() * x0 + (1 - then - sigma ** 2).clamp(min=0).sqrt() * noise + sigma * z
        draws = self.draws(3)
        self.assertLess(
            (self.result("69@0.9375,20@0.5,0", draws) - self.expected([69, 20, 0], draws, update)).abs().max().item(),
            1e-6)

    def test_invalid_names_are_errors(self):
        for text in ("", "ddpm", "unipc:8", "ddim:x", "ddim:0", "100,0", "5,9", "5,5", "9,-1"):
            with self.assertRaisesRegex(SystemExit, "sampler"):
                transitions(text, 100)
        self.assertEqual(transitions("ddim:3", 100), [(99, 0.0), (50, 0.0), (0, 0.0)])


@golden
class Golden(unittest.TestCase):
    """The bounds are float32 rounding over the depth of the network; 8-bit images may differ by one at ties."""

    def test_networks_and_samplers(self):
        for name, case in json.loads((SHARED / "golden/cases.json").read_text()).items():
            with self.subTest(name):
                expected = load_file(SHARED / f"golden/{name}.golden.safetensors")
                model = load_model(SHARED / "golden" / case["checkpoint"]).eval()
                config = case["config"]
                self.assertEqual(
                    model.config,
                    Config(
                        config["dim"], tuple(config["mults"]), config["blocks"], config["feat"], config["scale"],
                        config["T"], config["up_input"], config["attention"]))
                with torch.inference_mode():
                    maps = model.rrdb(expected["lr_padded"])
                    cond = model.denoise_fn.condition(maps, expected["lr_up_padded"])
                    self.close(model.rrdb.image(maps[-1]).clamp(-1, 1), expected["encoder_picture"])
                    self.close(model.denoise_fn.cond_proj(conditioning(maps)), expected["cond"])
                    for key, value in expected.items():
                        if key.startswith("features."):
                            self.close(maps[int(key.removeprefix("features."))], value)
                        if key.startswith("eps."):
                            t = torch.tensor([int(key.removeprefix("eps."))])
                            self.close(model.denoise_fn(expected["x_t"], t, cond), value)
                timesteps = model.config.timesteps
                lr, ddpm = expected["lr_u8"].numpy(), f"ddpm:{timesteps}"
                self.close(sample(model, lr, ddpm, 5)[0], expected["ddpm.residual"], 1e-4)
                self.close(sample(model, lr, "ddim:10", 5)[0], expected["ddim10.residual"], 1e-3)
                half = ",".join(f"{t}@0.5" for t in visited(10, timesteps))
                self.close(sample(model, lr, half, 5)[0], expected["ddim10_eta05.residual"], 1e-3)
                image = upscale(model, lr, ddpm, 5).astype(int)
                self.assertLessEqual(np.abs(image - expected["ddpm.sr_u8"].numpy()).max(), 1)

    def close(self, actual, expected, bound=1e-5):
        self.assertLessEqual((actual - expected).abs().max().item(), bound)

    def test_resize_and_metrics(self):
        expected = load_file(SHARED / "golden/resize.golden.safetensors")
        image = expected["image_u8"].numpy()
        for scale in (2, 4, 8):
            self.assertTrue((resize_u8(image, 1 / scale) == expected[f"u8_down_{scale}"].numpy()).all())
            self.assertLess(
                np.abs(resize_float(image[:16, :23] / 256, scale) - expected[f"f64_up_{scale}"].numpy()).max(), 1e-12)
        lpips = LPIPS(SHARED / "lpips/lpips_alex.safetensors")
        folder = SHARED / "golden/metrics"
        for name, values in json.loads((folder / "metrics.json").read_text()).items():
            hr, other = read_image(SHARED / "data/set5" / values["hr"]), read_image(folder / values["distorted"])
            lr = resize_u8(validate.cropped(hr, 4), 0.25)
            self.assertTrue((validate.bicubic(lr, 4) != other).sum() <= 1, name)        # one tie
            self.assertAlmostEqual(psnr(hr, other), values["psnr_rgb"], places=9)
            self.assertAlmostEqual(ssim(hr, other), values["ssim_gaussian11"], places=9)
            self.assertAlmostEqual(lpips(hr, other), values["lpips_alex"], places=5)
            a, b = (torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1 for x in (hr, other))
            # The loss is the metric.
            self.assertAlmostEqual(lpips.distance(a, b).item(), values["lpips_alex"], places=5)
            self.assertAlmostEqual(psnr(lr, resize_u8(other, 0.25)), values["lr_psnr"], places=9)


if __name__ == "__main__":
    unittest.main()
