"""Put what methods say of the sources of all targets into one table, and why they say nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from interlude.errors import command
from interlude.files import written_atomically
from interlude.selection.scores import REASON
from interlude.words import SELECTION_SCORES


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=Path, nargs="+", required=True, help="Parquet of each")
    parser.add_argument("--scores", type=Path, required=True, help="Parquet to write")
    parser.add_argument("--excluded", type=Path, required=True, help="CSV to write")
    arguments = parser.parse_args()
    parts = [pd.read_parquet(path) for path in arguments.targets]
    scores = pd.concat(parts, ignore_index=True)
    excluded = scores.loc[scores[REASON].notna(), ["method", "target", "source", REASON]]
    with written_atomically(arguments.excluded) as draft:
        excluded.to_csv(draft, index=False)
    with written_atomically(arguments.scores) as draft:
        scores[list(SELECTION_SCORES)].to_parquet(draft, index=False)


if __name__ == "__main__":
    main()
