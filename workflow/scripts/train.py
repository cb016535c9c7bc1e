"""Carry out one training: encoded tasks in, record, predictions and maybe a start out."""

from __future__ import annotations

import sys

from interlude.errors import command
from interlude.jobs.arguments import job_of, job_parser
from interlude.jobs.claims import claim_gpu
from interlude.jobs.perform import perform
from interlude.jobs.runs_per_gpu import runs_allowed


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@command
def main() -> None:
    parser = job_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    job = job_of(arguments)
    place = None
    if job.training.device != "cpu":
        trained = job.files.folder.parent
        allowed = runs_allowed(arguments.runs_per_gpu, job.training.model, trained)
        place = claim_gpu(say, allowed)
    runs = place.runs if place else lambda: None
    perform(job, arguments.threads, say, arguments.checkpoint_minutes, runs)


if __name__ == "__main__":
    main()
