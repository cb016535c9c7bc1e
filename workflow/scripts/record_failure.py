"""After a training that ended with an error: record it as failed, so that the study goes on.

The exit status of an interruption, of bad input, or of a failure that is still to be retried is
passed on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from interlude.jobs.arguments import job_of, job_parser
from interlude.jobs.failure import HANDED_ON, leave_without_result, reason_of


def main() -> None:
    parser = job_parser(__doc__)
    parser.add_argument("--exit-status", type=int, required=True, help="of the training")
    parser.add_argument("--retries-left", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="log of the training")
    arguments = parser.parse_args()
    status = arguments.exit_status
    reason = reason_of(status, arguments.log)
    if status in HANDED_ON or arguments.retries_left > 0:
        print(f"{arguments.name}: {reason}", file=sys.stderr)  # Snakemake names a bare id
        sys.exit(status)
    leave_without_result(job_of(arguments), "failed", reason)
    print(f"recorded as failed: {arguments.name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
