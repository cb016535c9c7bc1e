"""All figures of a study, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from interlude.analysis.catalog import FIGURES, MAIN, variants
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import of_full_size
from interlude.analysis.scope import described
from interlude.figures.correlation import draw_all_pairs, draw_correlations
from interlude.figures.curves import draw_curves
from interlude.figures.heatmap import draw_heatmap
from interlude.figures.panels import draw_averages, draw_detectable, draw_robustness, draw_sizes
from interlude.figures.pooled import draw_pooled
from interlude.figures.size_curves import draw_size_curves
from interlude.figures.spread import draw_spread
from interlude.figures.style import save, style


@dataclass(frozen=True)
class Material:
    """What figures are drawn from: the runs after `flag_degenerate`, and the tables' folder.

    suffix: of the tables of this variant, filtered or not.
    """

    runs: pd.DataFrame
    tables: Path
    options: Options
    suffix: str

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, in this variant."""
        return pd.read_csv(self.tables / f"{name}{self.suffix}.csv")


DRAWN: dict[str, Callable[[Material], Figure]] = {
    "heatmap": lambda of: draw_heatmap(of.table("transfer"), of.options),
    "detectable": lambda of: draw_detectable(of.table("transfer"), of.options),
    "spread": lambda of: draw_spread(of.runs, of.options),
    "averages": lambda of: draw_averages(of.table("averages_by_filter"), of.options),
    "pooled": lambda of: draw_pooled(of.table("pooled"), of.options),
    "curves": lambda of: draw_curves(of.runs, of.options),
    "sizes": lambda of: draw_sizes(of.table("sources"), of.options),
    "size_curves": lambda of: draw_size_curves(of.table("size_curves"), of.options),
    "correlations": lambda of: draw_correlations(of.table("correlations"), of.options),
    "correlations_all": lambda of: draw_all_pairs(of.table("correlations_all"), of.options),
    "robustness": lambda of: draw_robustness(of.table("robustness")),
}


def draw_figures(
    names: Iterable[str], runs: pd.DataFrame, tables: Path, options: Options, folder: Path
) -> None:
    """Draw the named figures of the catalog, some twice, and write them as SVG and PDF."""
    flagged = of_full_size(flag_degenerate(runs, options.degenerate))
    options = described(options, flagged)
    with style():
        for name in names:
            suffixes = list(variants(options.degenerate.exclude)) if FIGURES[name].twice else [MAIN]
            for suffix in suffixes:
                figure = DRAWN[name](Material(flagged, tables, options, suffix))
                save(figure, folder / f"{name}{suffix}.svg", options.notes())
