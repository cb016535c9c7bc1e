"""What a study shows: its tables and figures with their place in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlude.words import Contrast

MAIN = ""
FILTERED = "_filtered"
UNFILTERED = "_unfiltered"


@dataclass(frozen=True)
class Shown:
    """A table or a figure.

    twice: it comes with degenerate runs and without. each: there is one of each contrast, `sourced`
    `mixing` or `methods`; a table has the rows of all.
    """

    category: str
    label: str
    twice: bool = False
    each: str = ""


TABLES = {
    "transfer": Shown("Transfer", "Transfer by task", twice=True),
    "averages": Shown("Transfer", "Average transfer by source", twice=True),
    "pooled": Shown("Transfer", "Estimate over tasks", twice=True),
    "pooled_cells": Shown("Transfer", "Estimate of each cell", twice=True),
    "averages_by_filter": Shown("Transfer", "Average transfer by degenerate rule"),
    "conclusions": Shown("Transfer", "What depends on the degenerate rule"),
    "mix_or_chain_answers": Shown("Mix or chain", "Mix or chain: by task"),
    "mix_or_chain": Shown("Mix or chain", "Mixing against chaining", twice=True),
    "size_rule": Shown("Mix or chain", "How often the rule of sizes is right"),
    "size_regression": Shown("Mix or chain", "Size ratio and difference"),
    "methods": Shown("Methods", "Transfer by either method", twice=True),
    "method_ranking": Shown("Methods", "Whether sources rank alike"),
    "selection": Shown("Selection", "Methods of selection"),
    "selection_groups": Shown("Selection", "Methods by group of targets"),
    "selection_pairs": Shown("Selection", "Methods in pairs"),
    "selection_costs": Shown("Selection", "Costs of methods"),
    "selection_choices": Shown("Selection", "What methods choose"),
    "selection_targets": Shown("Selection", "Methods by target"),
    "selection_scores": Shown("Selection", "What methods say of sources"),
    "arm_means": Shown("Arms", "Mean of each arm"),
    "arm_costs": Shown("Arms", "Costs of each arm"),
    "forgetting": Shown("Arms", "What encoders forget"),
    "stability": Shown("Stability", "Trials of each start"),
    "expected_best": Shown("Stability", "Expected best score"),
    "setting_effects": Shown("Stability", "Which setting matters"),
    "score_iqm": Shown("Stability", "Interquartile mean over tasks"),
    "improvement": Shown("Stability", "Probability of improvement"),
    "equality": Shown("Stability", "Whether sources are equal"),
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
    "heatmap": Shown("Transfer", "Transfer heatmap", twice=True, each="sourced"),
    "detectable": Shown("Transfer", "Smallest detectable differences", twice=True, each="sourced"),
    "spread": Shown("Transfer", "Spread of restarts", each="sourced"),
    "averages": Shown("Transfer", "Average transfer by degenerate rule", each="sourced"),
    "pooled": Shown("Transfer", "Estimate over tasks", twice=True, each="sourced"),
    "mix_or_chain": Shown("Mix or chain", "Mixing against chaining", twice=True, each="mixing"),
    "better_than_single": Shown("Mix or chain", "The better against the task alone", each="mixing"),
    "size_rule": Shown("Mix or chain", "Size ratio and difference", each="mixing"),
    "size_panels": Shown("Mix or chain", "Transfer by size and arm"),
    "methods": Shown("Methods", "Relative gain by method", twice=True, each="methods"),
    "method_ranking": Shown("Methods", "Transfer by either method", each="methods"),
    "selection_costs": Shown("Selection", "Regret and cost of methods"),
    "selection_ranks": Shown("Selection", "Rank of what methods choose"),
    "selection_scatter": Shown("Selection", "What methods say, and transfer"),
    "all_tasks": Shown("Arms", "Arms without a source"),
    "forgetting": Shown("Arms", "What encoders forget"),
    "stability": Shown("Stability", "Trials of each start"),
    "sorted_trials": Shown("Stability", "Trials from the worst to the best"),
    "expected_best": Shown("Stability", "Expected best score"),
    "curves": Shown("Study", "Learning curves", each="sourced"),
    "sizes": Shown("Data size", "Data size and transfer"),
    "size_curves": Shown("Data size", "Transfer by intermediate size", each="sourced"),
    "correlations": Shown("Correlations", "Target tasks with all tasks", twice=True),
    "correlations_all": Shown("Correlations", "All pairs of tasks", twice=True),
    "robustness": Shown("Correlations", "Robustness", twice=True),
}


# What is there only of a study that mixes as well as chains, of one with arms that differ in the
# method alone, of one that judges methods of selection, of one with several contrasts, and of one
# that shows tables of its trials.
OF_MIXING = (
    *("mix_or_chain", "mix_or_chain_answers", "size_rule", "size_regression"),
    *("better_than_single", "size_panels"),
)
OF_METHODS = ("methods", "method_ranking")
OF_TRIALS = (
    *("stability", "expected_best", "setting_effects", "score_iqm", "improvement", "equality"),
    "sorted_trials",
)
OF_SELECTION = (
    *("selection", "selection_groups", "selection_pairs", "selection_costs", "selection_targets"),
    *("selection_choices", "selection_scores", "selection_ranks", "selection_scatter"),
)
OF_SEVERAL = ("arm_means", "arm_costs", "all_tasks")


def variants(exclude: bool) -> dict[str, bool]:
    """Return file name suffix -> whether degenerate runs are left out; the main one comes first."""
    return {MAIN: exclude, (UNFILTERED if exclude else FILTERED): not exclude}


def suffixes(entry: Shown, exclude: bool) -> list[str]:
    """Return the suffixes of the files of an entry, by what becomes of degenerate runs."""
    return list(variants(exclude)) if entry.twice else [MAIN]


def contrasted(entry: Shown, contrasts: Sequence[Contrast]) -> dict[Contrast | None, str]:
    """Return contrast -> its part of the file's name, for those of which there is a file.

    The files of the first have no such part; None where a study compares nothing. There is no file
    of a further arm without sources: it stands in the tables.
    """
    kind = entry.each if entry.each in ("mixing", "methods") else ""
    named = [each for each in contrasts if not kind or getattr(each, kind)]
    others = [each for each in named[1:] if entry.each and each.sourced]
    parts: dict[Contrast | None, str] = {
        each: f"_{each.arm}-against-{each.against}" for each in others
    }
    return {named[0] if named else None: "", **parts}


def file_names(
    entries: dict[str, Shown], exclude: bool, contrasts: Sequence[Contrast] = ()
) -> list[str]:
    """Return the names of the files of these entries, without their ending.

    contrasts: of the study; see `contrasted`.
    """
    return [
        f"{name}{part}{suffix}"
        for name, entry in entries.items()
        for part in contrasted(entry, contrasts).values()
        for suffix in suffixes(entry, exclude)
    ]
