"""End a study: succeed when every run has a result, else say which have none and how to go on."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.runs import read_runs
from interlude.errors import command
from interlude.files import written_atomically
from interlude.jobs.collect import require_finished


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="runs.parquet")
    parser.add_argument("--records", type=Path, required=True, help="folder of the records")
    parser.add_argument("--out", type=Path, required=True, help="text file to write on success")
    arguments = parser.parse_args()
    runs = read_runs(arguments.runs)
    require_finished(runs, arguments.records)
    with written_atomically(arguments.out) as path:
        path.write_text(f"{len(runs)} runs, each with a result.\n")


if __name__ == "__main__":
    main()
