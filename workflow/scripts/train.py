"""Carry out one training: encoded tasks in, record, predictions and maybe a start out."""

from __future__ import annotations

import sys

from interlude.errors import command
from interlude.jobs.arguments import job_of, job_parser
from interlude.jobs.machine import claim_gpu
from interlude.jobs.perform import perform


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@command
def main() -> None:
    parser = job_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    job = job_of(arguments)
    if job.training.device != "cpu":
        claim_gpu(say)
    perform(job, arguments.threads, say, arguments.checkpoint_minutes)


if __name__ == "__main__":
    main()
