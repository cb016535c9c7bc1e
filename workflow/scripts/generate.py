"""Have a language model make a task of the texts of a corpus: normalised Parquet, a manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from interlude.data.prepare import summary
from interlude.errors import InputError, command
from interlude.generate.make import Inputs, make
from interlude.jobs.claims import claim_gpu
from interlude.plan.tasks import load_task

INTERRUPTED = 130  # exit status, as after Ctrl-C


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, type=Path, help="file in config/tasks/")
    parser.add_argument("--corpus", required=True, type=Path, help="training data, or a text file")
    parser.add_argument("--generator", required=True, type=Path, help="weights of a prepared model")
    parser.add_argument("--kept", required=True, type=Path, help="folder of finished batches")
    parser.add_argument("--out", required=True, type=Path, help="folder of the normalised data")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.device != "cpu":
        claim_gpu(say)
    device = "cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu"
    if device != args.device and args.device == "cuda":
        raise InputError("config: key compute.device: found 'cuda', but torch sees no GPU.")
    inputs = Inputs(args.corpus, args.generator.parent)
    try:
        manifest = make(load_task(args.task), inputs, args.kept, args.out, device, say)
    except KeyboardInterrupt:
        say("interrupted: finished batches are kept, and the next start goes on behind them")
        sys.exit(INTERRUPTED)
    say(summary(manifest))
    for sentence in manifest["warnings"]:
        say(f"warning: {sentence}.")


if __name__ == "__main__":
    main()
