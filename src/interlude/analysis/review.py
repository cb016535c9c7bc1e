"""What a reviewer asks: how the numbers came about."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.pages import Section
from interlude.analysis.results import in_order
from interlude.words import ROLES

_UNKNOWN = "not recorded"
_OF_DATA = ["task", "data_revision", "data_fingerprint", "train_examples", "validation_examples"]


def review_sections(runs: pd.DataFrame, options: Options) -> list[Section]:
    """Return design, seeds, models, data, software, levels of the statistics and rule.

    runs: of `results.read_runs`.
    """
    return [
        _design(runs, options),
        *_scope(options),
        _statistics(options),
        _degenerate(flag_degenerate(runs, options.degenerate), options),
        _seeds(runs),
        _distinct("Models", runs, ["model", "model_revision", "device", "precision", "threads"]),
        _distinct("Data", runs, _OF_DATA),
        _truncation(runs),
        _settings(runs),
        _versions(runs),
    ]


def _section(title: str, text: str, table: pd.DataFrame | None = None) -> Section:
    return Section(title, text, pd.DataFrame() if table is None else table, missing=_UNKNOWN)


def _design(runs: pd.DataFrame, options: Options) -> Section:
    rows = [
        {
            "step": role,
            "arm": arm,
            "runs": len(part),
            "restarts": part["restart"].nunique(),
            **_names(part, role, options),
        }
        for role in ROLES
        for arm in in_order(runs.loc[runs["role"] == role, "arm"])
        if len(part := runs[(runs["role"] == role) & (runs["arm"] == arm)])
    ]
    counts = runs["status"].value_counts().to_dict()
    counted = ", ".join(f"{count} {status}" for status, count in counts.items())
    compared = "; ".join(each.title for each in options.contrasts) or "nothing"
    text = f"{len(runs)} runs: {counted}. Compared: {compared}."
    return _section("Design", text, pd.DataFrame(rows))


def _names(runs: pd.DataFrame, role: str, options: Options) -> dict[str, Any]:
    """Return the count of sources and the titles of tasks; each reduced size is one of its own."""
    size, own = (
        runs[column].map(" ({:,})".format, na_action="ignore").astype("str").fillna("")
        for column in ("examples", "task_examples")
    )
    if role == "intermediate":
        tasks, sources = runs["task"].map(options.title) + size, runs["source"]
    else:
        tasks, sources = runs["task"].map(options.title) + own, runs["source"] + size
    return {"sources": sources.nunique(), "tasks": ", ".join(in_order(tasks))}


def _scope(options: Options) -> list[Section]:
    """Return what a study is without and what stands in for what; nothing for a whole study."""
    skipped = [
        {"role": role, "task": options.title(task), "reason": reason}
        for role, tasks in options.skipped.items()
        for task, reason in tasks.items()
    ]
    stand_ins = [
        {"task": options.title(task), "stands in for": options.stands_in_for(task)}
        for task in options.stand_ins
    ]
    parts = {
        "Skipped tasks": (
            "Tasks of the config that no run trained on or was measured on.",
            skipped,
        ),
        "Stand-ins": ("Other data of the same kind; scores are not those of the task.", stand_ins),
    }
    return [
        _section(title, text, pd.DataFrame(rows)) for title, (text, rows) in parts.items() if rows
    ]


def _seeds(runs: pd.DataFrame) -> Section:
    columns = ["role", "restart", "source_seed", "seed"]
    table = runs[columns].drop_duplicates().sort_values(columns, ignore_index=True)
    text = "Every combination that occurs in the runs."
    return _section("Seeds", text, table)


def _distinct(title: str, runs: pd.DataFrame, columns: list[str]) -> Section:
    table = runs[columns].drop_duplicates(ignore_index=True)
    return _section(title, "Every combination that occurs in the runs.", table)


def _truncation(runs: pd.DataFrame) -> Section:
    """Return the counts of each task and part, for each length that occurs."""
    known = runs[["task", "truncation"]].dropna().drop_duplicates()
    rows = [
        {"task": task, "part": part, **counts}
        for task, truncation in known.itertuples(index=False)
        for part, counts in json.loads(truncation).items()
    ]
    text = (
        "Of all examples of a part: truncated at max_length; with a text that gives no token "
        "(empty); with no token left of an answer, a span or all words (lost), which are not "
        "trained on. Of words: cut off, and without a token."
    )
    # As objects, since a missing count must not make numbers with a point of the others.
    return Section("Truncation", text, pd.DataFrame(rows, dtype="object"), missing="–")


def _settings(runs: pd.DataFrame) -> Section:
    columns = ["role", "task", "hyperparameters"]
    return _section("Hyperparameters", "By role and task.", runs[columns].drop_duplicates())


def _versions(runs: pd.DataFrame) -> Section:
    software = runs[["versions", "code_digest"]].drop_duplicates()
    rows = [
        {"software": _listed(row.versions), "digest of the training code": row.code_digest}
        for row in software.itertuples()
    ]
    return _section("Software", "Every combination that occurs in the runs.", pd.DataFrame(rows))


def _listed(versions: Any) -> str:
    if pd.isna(versions):
        return _UNKNOWN
    return ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())


def _statistics(options: Options) -> Section:
    levels = options.statistics
    of = "of all outcomes" if levels.ranking == "all outcomes" else levels.ranking
    test = "paired where seeds are shared, else Welch's" if levels.paired else "Welch's"
    text = (
        f"Intervals cover {1 - levels.alpha:.0%}; tests are two-sided at {levels.alpha:g}, {test}, "
        "corrected over the cells of each contrast and role (Holm; Benjamini-Hochberg). Smallest "
        f"detectable differences have power {levels.power:g}, given the spread between restarts "
        f"that is pooled over the sources of a task. A source below {levels.collapsed:g} points of "
        f"mean target transfer counts as collapsed. Sources are ranked by their mean "
        f"{of}. Bootstrap: {levels.resamples} resamples of sources, seed {levels.seed}."
    )
    return _section("Statistics", text)


def _degenerate(flagged: pd.DataFrame, options: Options) -> Section:
    does = "leave degenerate runs out" if options.degenerate.exclude else "keep degenerate runs"
    text = f"Rule: {options.degenerate}. The main tables {does}; their twins do the opposite."
    return _section("Degenerate rule", f"{text} {flagged['degenerate'].sum()} runs.")
