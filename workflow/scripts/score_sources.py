"""Give each source of a target the number of each method, from what was extracted."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from interlude.errors import command
from interlude.files import written_atomically
from interlude.selection.scores import REASON, Asked, scores_of


def asked(text: str) -> list[Asked]:
    """Read pairs: target, source, and what is needed -> [folder of an extraction, uses of it]."""
    return [Asked(**pair) for pair in json.loads(text)]


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=asked, required=True, help="as JSON")
    parser.add_argument("--methods", nargs="+", required=True, help="names of methods")
    parser.add_argument("--out", type=Path, required=True, help="Parquet to write")
    arguments = parser.parse_args()
    scores = scores_of(arguments.pairs, arguments.methods)
    for row in scores[scores[REASON].notna()].to_dict("records"):
        line = f"{row['source']} > {row['target']}: {row['method']} has no number: {row[REASON]}"
        print(line, file=sys.stderr)
    with written_atomically(arguments.out) as draft:
        scores.to_parquet(draft, index=False)


if __name__ == "__main__":
    main()
