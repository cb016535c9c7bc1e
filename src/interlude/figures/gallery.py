"""All figures of a study, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from interlude.analysis import catalog
from interlude.analysis.averages import GIVEN_SUCCESS
from interlude.analysis.catalog import FIGURES, Shown
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import of_full_size
from interlude.analysis.scope import described, of_contrast, runs_of
from interlude.figures.correlation import draw_all_pairs, draw_correlations
from interlude.figures.curves import draw_curves
from interlude.figures.forgetting import draw_forgetting
from interlude.figures.heatmap import draw_heatmap
from interlude.figures.methods import draw_method_gains, draw_method_transfers
from interlude.figures.mix_or_chain import (
    draw_all_tasks,
    draw_better_than_single,
    draw_mix_or_chain,
    draw_size_panels,
    draw_size_scatter,
)
from interlude.figures.panels import draw_averages, draw_detectable, draw_robustness, draw_sizes
from interlude.figures.pooled import draw_pooled
from interlude.figures.selection import (
    draw_selection_costs,
    draw_selection_ranks,
    draw_selection_scatter,
)
from interlude.figures.size_curves import draw_size_curves, draw_target_sizes
from interlude.figures.spread import draw_spread
from interlude.figures.style import save, style
from interlude.figures.trials import draw_expected_best, draw_sorted_trials, draw_trial_boxes
from interlude.words import Contrast


@dataclass(frozen=True)
class Material:
    """What figures are drawn from: the runs after `flag_degenerate`, and the tables' folder.

    suffix: of the tables of this variant, filtered or not. contrast: what is drawn; None for a
    study that compares nothing.
    """

    runs: pd.DataFrame
    tables: Path
    options: Options
    suffix: str
    contrast: Contrast | None

    def whole(self, name: str) -> pd.DataFrame:
        """Return a table, in this variant."""
        return pd.read_csv(self.tables / f"{name}{self.suffix}.csv")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, in this variant; of differences, the rows of the contrast."""
        table = self.whole(name)
        if self.contrast is None or "against" not in table:
            return table
        return of_contrast(table, self.contrast).reset_index(drop=True)

    @property
    def compared(self) -> pd.DataFrame:
        """The runs of the contrast, as `scope.runs_of`; all where there is none."""
        return self.runs if self.contrast is None else runs_of(self.runs, self.contrast)

    @property
    def margin(self) -> float:
        """How far above max(majority, chance) a trial must be not to have failed."""
        return self.options.stability.margin if self.options.stability else 0.0

    @property
    def ranked(self) -> pd.DataFrame:
        """Return the averages of the outcomes that sources are ranked by."""
        filtered = self.options.statistics.ranking == GIVEN_SUCCESS
        kinds = catalog.variants(self.options.degenerate.exclude)
        suffix = next(name for name, of in kinds.items() if of == filtered)
        return replace(self, suffix=suffix).table("averages")


DRAWN: dict[str, Callable[[Material], Figure]] = {
    "heatmap": lambda of: draw_heatmap(of.table("transfer"), of.options),
    "detectable": lambda of: draw_detectable(of.table("transfer"), of.options),
    "spread": lambda of: draw_spread(of.runs, of.options, of.contrast),
    "averages": lambda of: draw_averages(of.table("averages_by_filter"), of.ranked, of.options),
    "pooled": lambda of: draw_pooled(of.table("pooled"), of.options),
    "mix_or_chain": lambda of: draw_mix_or_chain(of.table("mix_or_chain"), of.options),
    "better_than_single": lambda of: draw_better_than_single(of.table("mix_or_chain"), of.options),
    "size_rule": lambda of: draw_size_scatter(
        of.table("mix_or_chain"), of.table("size_regression"), of.options
    ),
    "size_panels": lambda of: draw_size_panels(of.whole("size_curves"), of.options),
    "methods": lambda of: draw_method_gains(of.table("methods"), of.options),
    "method_ranking": lambda of: draw_method_transfers(
        of.table("methods"), of.table("method_ranking")
    ),
    "selection_costs": lambda of: draw_selection_costs(of.whole("selection_costs")),
    "selection_ranks": lambda of: draw_selection_ranks(of.whole("selection_choices"), of.options),
    "selection_scatter": lambda of: draw_selection_scatter(
        of.whole("selection_scores"), of.options
    ),
    "all_tasks": lambda of: draw_all_tasks(of.runs, of.options),
    "forgetting": lambda of: draw_forgetting(of.whole("forgetting"), of.options),
    "stability": lambda of: draw_trial_boxes(of.runs, of.options, of.margin),
    "sorted_trials": lambda of: draw_sorted_trials(of.runs, of.options, of.margin),
    "expected_best": lambda of: draw_expected_best(of.table("expected_best"), of.options),
    "curves": lambda of: draw_curves(of.compared, of.options),
    "sizes": lambda of: draw_sizes(of.table("sources"), of.options),
    "size_curves": lambda of: draw_size_curves(of.table("size_curves"), of.options),
    "target_sizes": lambda of: draw_target_sizes(of.table("target_sizes"), of.options),
    "correlations": lambda of: draw_correlations(of.table("correlations"), of.options),
    "correlations_all": lambda of: draw_all_pairs(of.table("correlations_all"), of.options),
    "robustness": lambda of: draw_robustness(of.table("robustness")),
}


def draw_figures(
    names: Iterable[str], runs: pd.DataFrame, tables: Path, options: Options, folder: Path
) -> None:
    """Draw the named figures of the catalog and write them as SVG and PDF.

    Some are drawn with degenerate runs and without, some for each contrast: see `catalog.Shown`.
    """
    flagged = of_full_size(flag_degenerate(runs, options.degenerate))
    options = described(options, flagged)
    with style():
        for name in names:
            for contrast, part in catalog.contrasted(FIGURES[name], options.contrasts).items():
                for suffix in catalog.suffixes(FIGURES[name], options.degenerate.exclude):
                    of = Material(flagged, tables, options, suffix, contrast)
                    notes = [*_compared(FIGURES[name], of), *options.notes()]
                    save(DRAWN[name](of), folder / f"{name}{part}{suffix}.svg", notes)


def _compared(entry: Shown, of: Material) -> list[str]:
    """Return which arms a figure compares, where a study has several contrasts."""
    if of.contrast is None or not entry.each or len(of.options.contrasts) < 2:
        return []
    return [f"Compared: {of.contrast.title}."]
