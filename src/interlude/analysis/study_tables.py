"""All tables of a study, from its runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from interlude.analysis.averages import average_table, averages_by_filter
from interlude.analysis.bootstrap import bootstrap_intervals
from interlude.analysis.catalog import variants
from interlude.analysis.conclusions import changed_conclusions
from interlude.analysis.correlations import correlation_pairs, score_matrix, target_block
from interlude.analysis.costs import cost_table
from interlude.analysis.degenerate import degenerate_table, excluded_table, flag_degenerate
from interlude.analysis.example_noise import with_example_noise
from interlude.analysis.options import Options
from interlude.analysis.overview import task_table
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.restarts import restart_table
from interlude.analysis.results import of_full_size
from interlude.analysis.robustness import collapsed_sources, robustness_table
from interlude.analysis.scope import described
from interlude.analysis.size import size_correlations, source_table
from interlude.analysis.size_curves import size_curves
from interlude.analysis.tables import write_table
from interlude.analysis.transfer import cell_scores, transfer_table


def study_tables(runs: pd.DataFrame, options: Options) -> dict[str, pd.DataFrame]:
    """Return file name without ending -> table; what depends on the degenerate rule comes twice.

    Sources of a reduced size are in the costs, the lists of runs and the size curves alone.
    """
    everything = flag_degenerate(runs, options.degenerate)
    flagged = of_full_size(everything)
    options = described(options, flagged)
    excluding = {
        filtered: _variant(flagged, options, filtered)
        for filtered in variants(options.degenerate.exclude).values()
    }
    main = excluding[options.degenerate.exclude]
    # Resampling takes long, so only the main tables have it.
    main["correlation_intervals"] = bootstrap_intervals(
        score_matrix(flagged, options.degenerate.exclude), options.statistics
    )
    restarts = restart_table(
        flagged, main["transfer"], options.degenerate.exclude, options.statistics
    )
    sources = source_table(flagged, main["averages"])
    tables = {
        "tasks": task_table(flagged, options, options.degenerate.exclude),
        "degenerate": degenerate_table(everything, options.degenerate),
        "excluded": excluded_table(everything),
        "restarts": restarts,
        "costs": cost_table(runs),
        "conclusions": changed_conclusions(
            excluding[True]["transfer"], excluding[False]["transfer"], options.statistics.alpha
        ),
        "averages_by_filter": averages_by_filter(main["transfer"], options),
        "sources": sources,
        "size_correlations": size_correlations(sources),
    }
    if len(flagged) < len(everything):
        tables["size_curves"] = size_curves(everything, options, options.degenerate.exclude)
    for suffix, filtered in variants(options.degenerate.exclude).items():
        tables |= {f"{name}{suffix}": table for name, table in excluding[filtered].items()}
    return tables


def write_study_tables(tables: dict[str, pd.DataFrame], folder: Path, options: Options) -> None:
    """Write each table as `write_table` does."""
    for name, table in tables.items():
        write_table(name, table, folder, options)


def _variant(flagged: pd.DataFrame, options: Options, filtered: bool) -> dict[str, pd.DataFrame]:
    levels = options.statistics
    transfer = with_example_noise(transfer_table(flagged, options, filtered), flagged, levels.alpha)
    averages = average_table(transfer, cell_scores(flagged, filtered), options)
    matrix = score_matrix(flagged, filtered)
    collapsed = collapsed_sources(averages, levels.collapsed)
    return {
        "transfer": transfer,
        "averages": averages,
        **pooled_tables(transfer, levels.alpha),
        "correlations": target_block(matrix, levels.alpha),
        "correlations_all": correlation_pairs(matrix),
        "robustness": robustness_table(matrix, collapsed, options),
    }
