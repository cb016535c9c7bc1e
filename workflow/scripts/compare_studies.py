"""Set two studies side by side: tables of their cells and their agreement, and a figure."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from interlude.analysis.comparison import compared_cells, comparison_summary
from interlude.analysis.options import Options
from interlude.analysis.tables import write_table
from interlude.errors import command
from interlude.figures.panels import draw_comparison
from interlude.figures.style import save, style


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--own", required=True, help="name of this study")
    parser.add_argument("--own-transfer", type=Path, required=True, help="its transfer.csv")
    parser.add_argument("--other", required=True, help="name of the other study")
    parser.add_argument("--other-transfer", type=Path, required=True, help="its transfer.csv")
    parser.add_argument("--names", type=json.loads, required=True, help="own name -> other name")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--tables", type=Path, required=True, help="folder for tables")
    parser.add_argument("--figure", type=Path, required=True, help="SVG file to write")
    arguments = parser.parse_args()
    own, other = (pd.read_csv(path) for path in (arguments.own_transfer, arguments.other_transfer))
    cells = compared_cells(own, other, arguments.names, arguments.options.statistics.alpha)
    tables = {"comparison": cells, "comparison_summary": comparison_summary(cells)}
    for name, table in tables.items():
        write_table(name, table, arguments.tables, arguments.options)
    with style():
        figure = draw_comparison(cells, arguments.own, arguments.other)
        save(figure, arguments.figure, arguments.options.notes())


if __name__ == "__main__":
    main()
