"""Show a table of artefacts as a page of the report."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from interlude.analysis.tables import write_html
from interlude.errors import command

TITLE = "What simple rules tell of endings, without the prompt"


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=Path, help="the table, as CSV")
    parser.add_argument("--out", required=True, type=Path, help="the page")
    args = parser.parse_args()
    write_html(pd.read_csv(args.table).round(3), args.out, TITLE)


if __name__ == "__main__":
    main()
