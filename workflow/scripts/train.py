"""Carry out one training run: encoded task in, record, predictions and maybe an encoder out."""

from __future__ import annotations

import math
import sys

from interlude.errors import command
from interlude.jobs.arguments import run_files, run_parser, told
from interlude.jobs.machine import claim_gpu
from interlude.jobs.perform import perform


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@command
def main() -> None:
    parser = run_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=math.inf, help="how often the state is saved"
    )
    arguments = parser.parse_args()
    spec = told(arguments)
    if spec.device != "cpu":
        claim_gpu(say)
    perform(
        spec,
        run_files(arguments),
        arguments.code,
        arguments.threads,
        say,
        arguments.checkpoint_minutes,
    )


if __name__ == "__main__":
    main()
