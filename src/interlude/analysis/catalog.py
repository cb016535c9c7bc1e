"""What a study shows: its tables and figures with their place in the report. No pandas."""

from __future__ import annotations

from dataclasses import dataclass

MAIN = ""
FILTERED = "_filtered"
UNFILTERED = "_unfiltered"


@dataclass(frozen=True)
class Shown:
    """A table or a figure. twice: it comes with degenerate runs and without."""

    category: str
    label: str
    twice: bool = False


TABLES = {
    "transfer": Shown("Transfer", "Transfer by task", twice=True),
    "averages": Shown("Transfer", "Average transfer by source", twice=True),
    "pooled": Shown("Transfer", "Estimate over tasks", twice=True),
    "pooled_cells": Shown("Transfer", "Estimate of each cell", twice=True),
    "averages_by_filter": Shown("Transfer", "Average transfer by degenerate rule"),
    "conclusions": Shown("Transfer", "What depends on the degenerate rule"),
    "tasks": Shown("Study", "Tasks"),
    "degenerate": Shown("Study", "Degenerate runs"),
    "excluded": Shown("Study", "Excluded runs"),
    "restarts": Shown("Study", "How many restarts"),
    "costs": Shown("Study", "Costs"),
    "sweep": Shown("Study", "Sweep"),
    "sources": Shown("Data size", "Sources"),
    "size_correlations": Shown("Data size", "Correlation of size with transfer"),
    "size_curves": Shown("Data size", "Transfer by intermediate size"),
    "correlations": Shown("Correlations", "Target tasks with all tasks", twice=True),
    "correlations_all": Shown("Correlations", "All pairs of tasks", twice=True),
    "correlation_intervals": Shown("Correlations", "Bootstrap intervals"),
    "robustness": Shown("Correlations", "Robustness", twice=True),
}
FIGURES = {
    "heatmap": Shown("Transfer", "Transfer heatmap", twice=True),
    "detectable": Shown("Transfer", "Smallest detectable differences", twice=True),
    "spread": Shown("Transfer", "Spread of restarts"),
    "averages": Shown("Transfer", "Average transfer by degenerate rule"),
    "pooled": Shown("Transfer", "Estimate over tasks", twice=True),
    "curves": Shown("Study", "Learning curves"),
    "sizes": Shown("Data size", "Data size and transfer"),
    "size_curves": Shown("Data size", "Transfer by intermediate size"),
    "correlations": Shown("Correlations", "Target tasks with all tasks", twice=True),
    "correlations_all": Shown("Correlations", "All pairs of tasks", twice=True),
    "robustness": Shown("Correlations", "Robustness", twice=True),
}


def variants(exclude: bool) -> dict[str, bool]:
    """Return file name suffix -> whether degenerate runs are left out; the main one comes first."""
    return {MAIN: exclude, (UNFILTERED if exclude else FILTERED): not exclude}


def file_names(entries: dict[str, Shown], exclude: bool) -> list[str]:
    """Return the names of the files of these entries, without their ending."""
    suffixes = {True: list(variants(exclude)), False: [MAIN]}
    return [f"{name}{suffix}" for name, each in entries.items() for suffix in suffixes[each.twice]]
