"""python -m unittest test_train: a short run that is saved and resumed, and the golden values where they are at hand."""
import csv
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import export
import plot
import train
import validate
from checkpoint import load_model, read_tensors
from data import read_picture, resize_float, resize_u8
from metrics import LPIPS, psnr, ssim
from model import Config, SRDiff, conditioning
from sampler import sample, upscale
from widen import widened

SHARED = Path(__file__).resolve().parents[3] / "shared"
golden = unittest.skipUnless((SHARED / "golden").exists(), "no golden values: ../shared is not beside the checkout")

TINY = "--dim 8 --mults 1|2 --blocks 3 --features 8 --crop 32 --batch 2 --device cpu --threads 1 --no-compile --log-every 5".split()


def two_pictures(folder):
    """Smooth colours and hard edges, 40 x 48."""
    random = np.random.default_rng(0)
    for i in range(2):
        image = resize_float(random.random((10, 12, 3)), 4).clip(0, 1) * 255
        image[8:20, 8:30] = random.integers(0, 256, 3)
        Image.fromarray(image.astype(np.uint8)).save(Path(folder) / f"{i}.png")


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.run_folder = Path(self.folder.name) / "run"
        self.resume = self.run_folder / "resume.pt"
        self.pictures = Path(self.folder.name) / "pictures"
        self.pictures.mkdir()
        two_pictures(self.pictures)

    def train(self, *options):
        train.main(["--data", str(self.pictures), "--run", str(self.run_folder), *TINY, *options])

    def state(self):
        return torch.load(self.resume, weights_only=True)

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
        export.main([str(self.resume), str(exported), "--type", "f16"])
        self.assertEqual(exported.stat().st_mode, curve.stat().st_mode)
        tensors = load_file(exported)
        self.assertEqual(tensors[name].dtype, torch.float16)
        self.assertEqual(tensors["betas"].dtype, torch.float32)
        model = load_model(exported)
        self.assertEqual(model.config, Config(dim=8, mults=(1, 2), blocks=3, features=8))
        validate.main([str(exported), str(self.pictures), "--samplers", "ddim:2", "--threads", "1"])

    def test_a_resumed_run_equals_an_unbroken_one(self):
        # --iterations sets the schedule's end, so the break is made inside it
        args = train.arguments(["--data", str(self.pictures), "--run", str(self.run_folder), *TINY, "--iterations", "10"])
        self.run_folder.mkdir()
        make = lambda: train.Trainer(args, train.Crops(self.pictures, 32, 4, args.seed))
        unbroken = make()
        for _ in range(5):
            unbroken.step()
        unbroken.save()
        resumed = make()
        self.assertEqual(resumed.iteration, 5)
        self.assertTrue(torch.equal(resumed.step(), unbroken.step()))
        for name, value in unbroken.ema.items():
            self.assertTrue(torch.equal(value, resumed.ema[name]), name)

    def test_every_stage_changes_what_it_trains_and_nothing_else(self):
        for stage, changes in {"encoder": (True, False), "noise": (False, True), "joint": (True, True)}.items():
            with self.subTest(stage):
                self.run_folder = Path(self.folder.name) / stage
                self.train("--stage", stage, "--iterations", "3")
                torch.manual_seed(1)
                before = SRDiff(Config(dim=8, mults=(1, 2), blocks=3, features=8)).state_dict()
                after = torch.load(self.run_folder / "resume.pt", weights_only=True)["model"]
                changed = {n for n in before if not torch.equal(before[n], after[n])}
                self.assertEqual((any(n.startswith("rrdb.") for n in changed),
                                  any(n.startswith("denoise_fn.") for n in changed)), changes)
                self.assertFalse(any("alphas" in n or "betas" in n for n in changed))

    def test_a_widened_network_predicts_the_same_noise(self):
        torch.manual_seed(0)
        narrow = SRDiff(Config(dim=8, mults=(1, 2), blocks=3, features=8, timesteps=20, up_input=True, attention=True)).eval()
        torch.nn.init.ones_(narrow.denoise_fn.mid_attn.fn.g)
        wide = widened(narrow).eval()
        self.assertEqual(wide.config.dim, 16)
        lr, x, lr_up = torch.rand(1, 3, 6, 5), torch.randn(1, 3, 24, 20), torch.rand(1, 3, 24, 20)
        with torch.inference_mode():
            for t in (0, 7, 19):
                noise = [m.denoise_fn(x, torch.tensor([t]), m.denoise_fn.condition(m.rrdb(lr), lr_up)) for m in (narrow, wide)]
                # The time embedding is fitted; the rest is exact.
                self.assertLess((noise[0] - noise[1]).abs().max().item(), 0.02 * noise[0].std().item())
        pair = wide.denoise_fn.mid_block1.block1.block[1].weight
        self.assertGreater((pair[:, :16] - pair[:, 16:]).abs().mean().item(), 1e-4)   # not two copies, which would learn the same


@golden
class Golden(unittest.TestCase):
    """The bound is float32 rounding over the depth of the network; pictures may differ by one code at ties."""

    def test_networks_and_samplers(self):
        for name, case in json.loads((SHARED / "golden/cases.json").read_text()).items():
            with self.subTest(name):
                expected = load_file(SHARED / f"golden/{name}.golden.safetensors")
                model = load_model(SHARED / "golden" / case["checkpoint"]).eval()
                config = case["config"]
                self.assertEqual(model.config, Config(config["dim"], tuple(config["mults"]), config["blocks"], config["feat"],
                                                      config["scale"], config["T"], config["up_input"], config["attention"]))
                with torch.inference_mode():
                    maps = model.rrdb(expected["lr_padded"])
                    cond = model.denoise_fn.condition(maps, expected["lr_up_padded"])
                    self.close(model.rrdb.picture(maps[-1]).clamp(-1, 1), expected["encoder_picture"])
                    self.close(model.denoise_fn.cond_proj(conditioning(maps)), expected["cond"])
                    for key, value in expected.items():
                        if key.startswith("features."):
                            self.close(maps[int(key.removeprefix("features."))], value)
                        if key.startswith("eps."):
                            t = torch.tensor([int(key.removeprefix("eps."))])
                            self.close(model.denoise_fn(expected["x_t"], t, cond), value)
                lr = expected["lr_u8"].numpy()
                self.close(sample(model, lr, "ddpm", model.config.timesteps, 5)[0], expected["ddpm.residual"], 1e-4)
                self.close(sample(model, lr, "ddim", 10, 5)[0], expected["ddim10.residual"], 1e-3)
                picture = upscale(model, lr, "ddpm", model.config.timesteps, 5).astype(int)
                self.assertLessEqual(np.abs(picture - expected["ddpm.sr_u8"].numpy()).max(), 1)

    def close(self, actual, expected, bound=1e-5):
        self.assertLessEqual((actual - expected).abs().max().item(), bound)

    def test_resize_and_metrics(self):
        expected = load_file(SHARED / "golden/resize.golden.safetensors")
        image = expected["image_u8"].numpy()
        for scale in (2, 4, 8):
            self.assertTrue((resize_u8(image, 1 / scale) == expected[f"u8_down_{scale}"].numpy()).all())
            self.assertLess(np.abs(resize_float(image[:16, :23] / 256, scale) - expected[f"f64_up_{scale}"].numpy()).max(), 1e-12)
        lpips = LPIPS(SHARED / "lpips/lpips_alex.safetensors")
        folder = SHARED / "golden/metrics"
        for name, values in json.loads((folder / "metrics.json").read_text()).items():
            hr, other = read_picture(SHARED / "data/set5" / values["hr"]), read_picture(folder / values["distorted"])
            lr = resize_u8(validate.cropped(hr, 4), 0.25)
            self.assertTrue((validate.bicubic(lr, 4) != other).sum() <= 1, name)        # one tie
            self.assertAlmostEqual(psnr(hr, other), values["psnr_rgb"], places=9)
            self.assertAlmostEqual(ssim(hr, other), values["ssim_gaussian11"], places=9)
            self.assertAlmostEqual(lpips(hr, other), values["lpips_alex"], places=5)
            self.assertAlmostEqual(psnr(lr, resize_u8(other, 0.25)), values["lr_psnr"], places=9)


if __name__ == "__main__":
    unittest.main()
