"""Measure how well simple rules distinguish real endings of generated tasks from made ones."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch

from interlude.errors import command
from interlude.files import written_atomically
from interlude.generate.artefacts import artefacts


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, nargs="+", type=Path, help="folders of data")
    parser.add_argument("--encoder", required=True, type=Path, help="a prepared model")
    parser.add_argument("--out", required=True, type=Path, help="the table, as CSV")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [
        {"task": folder.name, **row}
        for folder in args.data
        for row in artefacts(folder, args.encoder)
    ]
    with written_atomically(args.out) as draft, draft.open("w", encoding="utf8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print("{task}: {rule} {accuracy:.3f}, chance {chance:.3f}".format_map(row))


if __name__ == "__main__":
    main()
