#!/usr/bin/env python3
"""Checkpoint -> bare safetensors under the published names; of a resumable file the averaged weights."""
import argparse

import torch

from checkpoint import export, read_tensors

TYPES = {"f32": torch.float32, "f16": torch.float16}


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoint")
    p.add_argument("output", help="such as edge.safetensors")
    p.add_argument("--type", choices=TYPES, default="f32", help="of the weights; schedules stay f32")
    args = p.parse_args(argv)
    export(read_tensors(args.checkpoint), args.output, TYPES[args.type])


if __name__ == "__main__":
    main()
