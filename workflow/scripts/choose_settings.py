"""Choose the settings of a task among the runs of its sweep."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.sweep import choose
from interlude.errors import command
from interlude.files import write_json
from interlude.jobs.collect import read_record


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, nargs="+", required=True)
    parser.add_argument("--settings", nargs="+", required=True, help="names of those tried")
    parser.add_argument("--rule", type=json.loads, required=True, help="of degenerate runs")
    parser.add_argument("--out", type=Path, required=True, help="the choice, as JSON")
    arguments = parser.parse_args()
    records = [read_record(path) for path in arguments.records]
    choice = choose(records, arguments.settings, DegenerateRule(**arguments.rule))
    write_json(arguments.out, choice)


if __name__ == "__main__":
    main()
