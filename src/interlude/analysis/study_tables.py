"""All tables of a study, from its runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from interlude.analysis.arm_means import arm_means
from interlude.analysis.averages import GIVEN_SUCCESS, average_table, averages_by_filter
from interlude.analysis.bootstrap import bootstrap_intervals
from interlude.analysis.catalog import variants
from interlude.analysis.conclusions import changed_conclusions
from interlude.analysis.correlations import correlation_pairs, score_matrix, target_block
from interlude.analysis.costs import arm_costs, cost_table
from interlude.analysis.degenerate import degenerate_table, excluded_table, flag_degenerate
from interlude.analysis.equality import equality_table
from interlude.analysis.example_noise import with_example_noise
from interlude.analysis.forgetting import forgetting_table
from interlude.analysis.improvement import improvement_table, iqm_table
from interlude.analysis.methods import method_ranking, methods_table
from interlude.analysis.mix_or_chain import (
    mix_or_chain_table,
    size_regression,
    size_rule_table,
    task_sizes,
)
from interlude.analysis.mix_or_chain_answers import mix_or_chain_answers
from interlude.analysis.options import Options
from interlude.analysis.overview import task_table
from interlude.analysis.pooled import pooled_tables, with_rank
from interlude.analysis.restarts import restart_table
from interlude.analysis.results import of_common_restarts, of_full_size, trainings_of
from interlude.analysis.robustness import collapsed_sources, robustness_table
from interlude.analysis.scope import described, of_main
from interlude.analysis.setting_effects import setting_effects
from interlude.analysis.size import size_correlations, source_table
from interlude.analysis.size_curves import size_curves
from interlude.analysis.stability import expected_best, stability_table
from interlude.analysis.tables import write_table
from interlude.analysis.target_sizes import target_sizes
from interlude.analysis.transfer import cell_scores, transfer_table


def study_tables(
    runs: pd.DataFrame, options: Options, trainings: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Return file name without ending -> table; what depends on the degenerate rule comes twice.

    trainings: the study's table of them, for costs and forgetting; None where each has a score.

    Correlations and data sizes are of the arm of the main contrast: they are about encoders
    that all tasks start from. Sources and tasks of a reduced size are in the costs, the lists of
    runs and the curves of size alone.
    """
    trainings = trainings_of(runs) if trainings is None else trainings
    everything = flag_degenerate(runs, options.degenerate)
    flagged = of_full_size(everything)
    options = described(options, flagged)
    excluding = {
        filtered: _variant(flagged, options, filtered)
        for filtered in variants(options.degenerate.exclude).values()
    }
    by = excluding[options.statistics.ranking == GIVEN_SUCCESS]["pooled"]
    for variant in excluding.values():
        variant["pooled"] = with_rank(variant["pooled"], by)
    main = excluding[options.degenerate.exclude]
    # Resampling takes long, so only the main tables have it.
    encoders = _of_main_arm(of_common_restarts(flagged), options)
    common = _of_common(main["transfer"], flagged, options, options.degenerate.exclude)
    main["correlation_intervals"] = bootstrap_intervals(
        score_matrix(encoders, options.degenerate.exclude), options.statistics
    )
    sources = source_table(encoders, of_main(main["averages"], options))
    tables = {
        "tasks": task_table(flagged, options, options.degenerate.exclude),
        "degenerate": degenerate_table(everything, options.degenerate),
        "excluded": excluded_table(everything),
        "costs": cost_table(runs, trainings),
        "conclusions": changed_conclusions(
            excluding[True]["transfer"], excluding[False]["transfer"], options.statistics.alpha
        ),
        "averages_by_filter": averages_by_filter(common, options),
        "sources": sources,
        "size_correlations": size_correlations(sources),
    }
    curves = {"size_curves": ("examples", size_curves)}
    curves |= {"target_sizes": ("task_examples", target_sizes)}
    tables |= {
        name: of(everything, options, options.degenerate.exclude)
        for name, (column, of) in curves.items()
        if everything[column].notna().any()
    }
    tables |= _of_arms({**main, "transfer": common}, runs, options, trainings)
    tables |= _of_trials(flagged, options)
    for suffix, filtered in variants(options.degenerate.exclude).items():
        tables |= {f"{name}{suffix}": table for name, table in excluding[filtered].items()}
    return tables


def _of_arms(
    main: dict[str, pd.DataFrame], runs: pd.DataFrame, options: Options, trainings: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return what only some studies have: those that mix, that measure encoders, of several arms.

    main: the tables of the main variant.
    """
    tables: dict[str, pd.DataFrame] = {}
    if options.forgetting:
        tables["forgetting"] = forgetting_table(of_full_size(runs), trainings, main["averages"])
    if options.mixing:
        cells, levels = main["mix_or_chain"], options.statistics
        tables["size_rule"] = size_rule_table(cells, levels)
        tables["size_regression"] = size_regression(cells, levels)
        tables["mix_or_chain_answers"] = mix_or_chain_answers(cells, options)
    if options.methods:
        tables["method_ranking"] = method_ranking(main["methods"], options.statistics)
    if len(options.contrasts) > 1:
        tables["arm_means"] = arm_means(main["transfer"], main.get("mix_or_chain"))
        tables["arm_costs"] = arm_costs(runs, trainings)
    return tables


def _of_trials(flagged: pd.DataFrame, options: Options) -> dict[str, pd.DataFrame]:
    """Return the tables of trials, of a study that shows them."""
    if options.stability is None:
        return {}
    margin, equivalence = options.stability.margin, options.stability.equivalence
    return {
        "stability": stability_table(flagged, options, margin),
        "expected_best": expected_best(flagged, options, margin),
        "setting_effects": setting_effects(flagged, margin),
        "score_iqm": iqm_table(flagged, options, margin),
        "improvement": improvement_table(flagged, options, margin),
        "equality": equality_table(flagged, options, margin, equivalence),
    }


def write_study_tables(tables: dict[str, pd.DataFrame], folder: Path, options: Options) -> None:
    """Write each table as `write_table` does."""
    for name, table in tables.items():
        write_table(name, table, folder, options)


def _variant(flagged: pd.DataFrame, options: Options, filtered: bool) -> dict[str, pd.DataFrame]:
    levels = options.statistics
    transfer = with_example_noise(transfer_table(flagged, options, filtered), flagged, options)
    even, common = of_common_restarts(flagged), _of_common(transfer, flagged, options, filtered)
    averages = average_table(common, cell_scores(even, filtered), options)
    matrix = score_matrix(_of_main_arm(even, options), filtered)
    collapsed = collapsed_sources(of_main(averages, options), levels.collapsed)
    optional = {"mix_or_chain": _mixing(transfer, flagged, options)} if options.mixing else {}
    if options.methods:
        parts = [methods_table(transfer, each, levels.alpha) for each in options.methods]
        optional["methods"] = pd.concat(parts, ignore_index=True)
    return {
        **optional,
        "transfer": transfer,
        "restarts": restart_table(flagged, transfer, filtered, levels),
        "averages": averages,
        **pooled_tables(common, levels.alpha),
        "correlations": target_block(matrix, levels.alpha),
        "correlations_all": correlation_pairs(matrix),
        "robustness": robustness_table(matrix, collapsed, options),
    }


def _of_common(
    transfer: pd.DataFrame, flagged: pd.DataFrame, options: Options, filtered: bool
) -> pd.DataFrame:
    """Return the transfer table from which results over several cells are computed.

    Where cells were stopped, it is of the restarts that all cells of an arm have, but for
    p_holm, which is that of the cells' own tests.
    """
    even = of_common_restarts(flagged)
    if even is flagged:
        return transfer
    return transfer_table(even, options, filtered).assign(p_holm=transfer["p_holm"])


def _mixing(transfer: pd.DataFrame, flagged: pd.DataFrame, options: Options) -> pd.DataFrame:
    sizes, alpha = task_sizes(flagged), options.statistics.alpha
    parts = [mix_or_chain_table(transfer, sizes, each, alpha) for each in options.mixing]
    return pd.concat(parts, ignore_index=True)


def _of_main_arm(runs: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the runs of the arm that the main contrast is about; none where there is no such."""
    return runs[runs["arm"] == (options.main.arm if options.main else "")]
