"""What a study shows: its tables and figures, and their order in the report."""

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

    title: str
    twice: bool = False
    each: str = ""


TABLES = {
    "transfer": Shown("Transfer by task", twice=True),
    "averages": Shown("Average transfer by source", twice=True),
    "pooled": Shown("Estimate over tasks", twice=True),
    "pooled_cells": Shown("Estimate of each cell", twice=True),
    "averages_by_filter": Shown("Average transfer by degenerate rule"),
    "conclusions": Shown("What depends on the degenerate rule"),
    "mix_or_chain_answers": Shown("Mix or chain: by task"),
    "mix_or_chain": Shown("Mixing against chaining", twice=True),
    "size_rule": Shown("How often the rule of sizes is right"),
    "size_regression": Shown("Size ratio and difference"),
    "methods": Shown("Transfer by either method", twice=True),
    "method_ranking": Shown("Whether sources rank alike"),
    "selection": Shown("Methods of selection"),
    "selection_groups": Shown("Methods by group of targets"),
    "selection_pairs": Shown("Methods in pairs"),
    "selection_costs": Shown("Costs of methods"),
    "selection_choices": Shown("What methods choose"),
    "selection_targets": Shown("Methods by target"),
    "selection_scores": Shown("What methods say of sources"),
    "arm_means": Shown("Mean of each arm"),
    "arm_costs": Shown("Costs of each arm"),
    "forgetting": Shown("What encoders forget"),
    "stability": Shown("Trials of each start"),
    "expected_best": Shown("Expected best score"),
    "setting_effects": Shown("Which setting matters"),
    "score_iqm": Shown("Interquartile mean over tasks"),
    "improvement": Shown("Probability of improvement"),
    "equality": Shown("Whether sources are equal"),
    "tasks": Shown("Tasks"),
    "degenerate": Shown("Degenerate runs"),
    "excluded": Shown("Excluded runs"),
    "restarts": Shown("How many restarts", twice=True),
    "costs": Shown("Costs"),
    "sweep": Shown("Sweep"),
    "sources": Shown("Sources"),
    "size_correlations": Shown("Correlation of size with transfer"),
    "size_curves": Shown("Transfer by intermediate size"),
    "target_sizes": Shown("Transfer by target size"),
    "correlations": Shown("Target tasks with all tasks", twice=True),
    "correlations_all": Shown("All pairs of tasks", twice=True),
    "correlation_intervals": Shown("Bootstrap intervals"),
    "robustness": Shown("Robustness", twice=True),
}
FIGURES = {
    "heatmap": Shown("Transfer heatmap", twice=True, each="sourced"),
    "detectable": Shown("Smallest detectable differences", twice=True, each="sourced"),
    "spread": Shown("Spread of restarts", each="sourced"),
    "averages": Shown("Average transfer by degenerate rule", each="sourced"),
    "pooled": Shown("Estimate over tasks", twice=True, each="sourced"),
    "mix_or_chain": Shown("Mixing against chaining", twice=True, each="mixing"),
    "better_than_single": Shown("The better against the task alone", each="mixing"),
    "size_rule": Shown("Size ratio and difference", each="mixing"),
    "size_panels": Shown("Transfer by size and arm"),
    "methods": Shown("Relative gain by method", twice=True, each="methods"),
    "method_ranking": Shown("Transfer by either method", each="methods"),
    "selection_costs": Shown("Regret and cost of methods"),
    "selection_ranks": Shown("Rank of what methods choose"),
    "selection_scatter": Shown("What methods say, and transfer"),
    "all_tasks": Shown("Arms without a source"),
    "forgetting": Shown("What encoders forget"),
    "stability": Shown("Trials of each start"),
    "sorted_trials": Shown("Trials from the worst to the best"),
    "expected_best": Shown("Expected best score"),
    "curves": Shown("Learning curves", each="sourced"),
    "sizes": Shown("Data size and transfer"),
    "size_curves": Shown("Transfer by intermediate size", each="sourced"),
    "target_sizes": Shown("Transfer by target size", each="sourced"),
    "correlations": Shown("Target tasks with all tasks", twice=True),
    "correlations_all": Shown("All pairs of tasks", twice=True),
    "robustness": Shown("Robustness", twice=True),
}
# Of a study beside another one, and of tasks that a language model makes.
COMPARISON_TABLES = {
    "comparison": Shown("Cells beside the other study"),
    "comparison_summary": Shown("Agreement with the other study"),
}
COMPARISON_FIGURES = {"comparison": Shown("Cells beside the other study")}
ARTEFACTS = {"artefacts": Shown("Traces of how endings were made")}

# The report in order of use, below the answer: what is asked first, then what it rests on. A figure
# stands above the table of its name.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Transfer": (
        *("heatmap", "transfer", "averages", "pooled", "pooled_cells", "detectable", "spread"),
        *("averages_by_filter", "conclusions"),
    ),
    "Mix or chain": (
        *("mix_or_chain_answers", "mix_or_chain", "better_than_single", "size_rule"),
        *("size_regression", "size_panels"),
    ),
    "Methods": ("methods", "method_ranking"),
    "Arms": ("arm_means", "all_tasks", "arm_costs", "forgetting"),
    "Stability": (
        *("stability", "sorted_trials", "expected_best", "setting_effects", "score_iqm"),
        *("improvement", "equality"),
    ),
    "Selection": (
        *("selection", "selection_costs", "selection_groups", "selection_pairs"),
        *("selection_choices", "selection_ranks", "selection_targets", "selection_scores"),
        "selection_scatter",
    ),
    "Comparison": ("comparison", "comparison_summary"),
    "Data size": ("sources", "sizes", "size_correlations", "size_curves", "target_sizes"),
    "Correlations": (*("correlations", "robustness", "correlation_intervals", "correlations_all"),),
    "Study": (
        *("degenerate", "excluded", "tasks", "restarts", "curves", "costs", "sweep"),
        "artefacts",
    ),
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
