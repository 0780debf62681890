#!/usr/bin/env python3
"""Exports a checkpoint as safetensors under the published names; of resume.pt, the averaged weights.

The file's metadata says how the weights were trained: stage, sampler, fidelity sigma, degradation, iterations.
"""
import argparse

import torch

from checkpoint import export, read_description, read_tensors

TYPES = {"f32": torch.float32, "f16": torch.float16}


def entry(text):
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text}: expected KEY=VALUE")
    return key, value


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint")
    p.add_argument("output", help="such as edge.safetensors")
    p.add_argument(
        "--type", choices=TYPES, default="f32", help="of the weights; noise schedules stay f32 (default: f32)")
    p.add_argument("--metadata", action="append", type=entry, default=[], metavar="KEY=VALUE",
                   help="add to the metadata, or replace an entry. May be repeated.")
    args = p.parse_args(argv)
    export(
        read_tensors(args.checkpoint), args.output, TYPES[args.type],
        read_description(args.checkpoint) | dict(args.metadata))


if __name__ == "__main__":
    main()
