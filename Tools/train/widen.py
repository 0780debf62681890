#!/usr/bin/env python3
"""Doubles the width of a checkpoint without changing its results, as a start for training a wider network.

Every channel is doubled. Each reader of a pair gets half of the old weight for either channel, plus and minus random
numbers (Net2Net, Chen et al. 2016, arXiv 1511.05641). Both channels carry the same values, so the random part cancels,
but they learn differently from the first iteration on. The encoder is unchanged.
"""
import argparse
import dataclasses

import torch

from checkpoint import export, load_model
from model import SRDiff, TimeEmbedding


def doubled_outputs(value, dim=0):
    return torch.cat((value, value), dim)


def doubled_inputs(weight, parts, spread, generator, dim=1):
    """The input is a concatenation of `parts` tensors, each doubled by itself."""
    halves = []
    for part in weight.chunk(parts, dim):
        noise = torch.randn(part.shape, generator=generator) * (spread * part.std())
        halves += [part / 2 + noise, part / 2 - noise]
    return torch.cat(halves, dim)


def time_weights(narrow, timesteps):
    """The first layer of the time embedding, fitted by least squares in float64.

    A wider network has other sinusoids.
    """
    t = torch.arange(timesteps)
    dim = narrow.config.dim
    old, new = (torch.cat((TimeEmbedding(d)(t).double(), torch.ones(timesteps, 1).double()), 1) for d in (dim, 2 * dim))
    layer = narrow.denoise_fn.mlp[0]
    wanted = old @ torch.cat((layer.weight, layer.bias[:, None]), 1).double().T
    # Keeps the weights small for bfloat16; a thousandth of this fits no better.
    ridge = 1e-2 * torch.eye(new.shape[1]).double()
    found = torch.linalg.solve(new.T @ new + ridge, new.T @ wanted).T
    return found[:, :-1].float(), found[:, -1].float()


@torch.no_grad()
def widened(narrow, spread=0.5, seed=1):
    generator = torch.Generator().manual_seed(seed)
    wide = SRDiff(dataclasses.replace(narrow.config, dim=2 * narrow.config.dim))
    old, new = narrow.state_dict(), {}
    fitted = time_weights(narrow, narrow.config.timesteps)
    for name, shape in ((name, value.shape) for name, value in wide.state_dict().items()):
        value = old[name]
        if name == "denoise_fn.mlp.0.weight":
            value = doubled_outputs(fitted[0])
        elif name == "denoise_fn.mlp.0.bias":
            value = doubled_outputs(fitted[1])
        elif value.shape != shape and value.dim() == 1:
            value = doubled_outputs(value)
        elif value.shape != shape:
            # Transposed convolutions store their inputs first.
            inputs, outputs = (0, 1) if name.endswith(("conv.0.weight", "cond_proj.weight")) else (1, 0)
            if value.shape[inputs] != shape[inputs]:
                # ups.*.0 reads a concatenation of two tensors
                joined = ".ups." in name and name.endswith(("0.block1.block.1.weight", "0.res_conv.weight"))
                value = doubled_inputs(value, 2 if joined else 1, spread, generator, inputs)
            if value.shape[outputs] != shape[outputs]:
                value = doubled_outputs(value, outputs)
        new[name] = value
    wide.load_state_dict(new)
    return wide


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("output", help="such as wide.safetensors, for train.py --start")
    p.add_argument(
        "--spread", type=float, default=0.5,
        help="standard deviation of the random part, relative to that of the weights (default: 0.5)")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    export(widened(load_model(args.checkpoint), args.spread, args.seed).state_dict(), args.output)


if __name__ == "__main__":
    main()
