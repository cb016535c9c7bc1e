"""What a reader of an answer must know beside it: what went wrong, and what it does not cover."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

import pandas as pd

from interlude.analysis.example_noise import EXAMPLES, NOT_KNOWN
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order
from interlude.words import KNOWN_NEGLIGIBLE, KNOWN_TO_DIFFER, NO_SOURCE, ROLES

INTERMEDIATE = ROLES[0]
MUCH_TRUNCATED = 5.0  # per cent of the examples
NAMED = 5  # tasks or sources; of more, the number of the others is given
_EQUAL = 1e-7  # points
_MIXED = {"device": "devices", "precision": "precisions", "model_revision": "models"}


def study_warnings(
    flagged: pd.DataFrame,
    trainings: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    options: Options,
) -> list[str]:
    """Return plain sentences, the gravest first; none where there is nothing to be wary of.

    flagged: runs after `flag_degenerate`. tables: `tasks`, `transfer` of the outcomes that sources
    are ranked by, and `averages_by_filter`.
    """
    transfer = tables["transfer"]
    return [
        *_lost(flagged),
        *_few(transfer, options),
        *_stopped(transfer),
        *options.notes(),
        *_degenerate(flagged, options),
        *_either_way(tables["averages_by_filter"], options),
        *_never_alone(flagged, options),
        *_of_tasks(tables["tasks"], options),
        *_mixed(trainings),
        *_examples(transfer, options),
    ]


def _lost(runs: pd.DataFrame) -> Iterator[str]:
    counts = {status: int((runs["status"] == status).sum()) for status in ("failed", "missing")}
    lost = " and ".join(f"{count} {status}" for status, count in counts.items() if count)
    if lost:
        yield f"Of {len(runs)} runs {lost}: they count nowhere (table excluded)."


def _few(transfer: pd.DataFrame, options: Options) -> Iterator[str]:
    """Yield a sentence on cells, and on baselines, of which fewer than two runs count."""
    planned = transfer[transfer["n_planned"] > 0]
    for column, what in (("n", "cells"), ("baseline_n", "baselines")):
        own = planned if column == "n" else planned.drop_duplicates(["arm", "against", "task"])
        own = own[(own["baseline_n_planned"] > 0) | (column == "n")]
        few = own[own[column] < 2]
        if len(few):
            names = _named(few["task"], options)
            yield (
                f"Fewer than two runs count in {len(few)} of {len(own)} {what} (on {names}): "
                "they have no test."
            )


def _stopped(transfer: pd.DataFrame) -> Iterator[str]:
    """Yield what early stopping does to estimates."""
    if "stopped" not in transfer:
        return
    why = transfer["stopped"].fillna("")
    counts = {what: int((why == name).sum()) for name, what in _KNOWN.items()}
    reasons = ", ".join(f"{what}: {count}" for what, count in counts.items() if count)
    far = " What is known to differ was measured too far from 0, on average." * (
        KNOWN_TO_DIFFER in set(why)
    )
    yield (
        f"{(why != '').sum()} of {len(transfer)} cells were stopped before their last restart "
        f"({reasons}).{far} Means and estimates over several cells are of the restarts that all "
        "cells of the arm have."
    )


_KNOWN = {
    KNOWN_TO_DIFFER: "known to differ",
    KNOWN_NEGLIGIBLE: "known to differ by a negligible amount",
}


def _degenerate(runs: pd.DataFrame, options: Options) -> Iterator[str]:
    bad = runs[runs["degenerate"]]
    if len(bad):
        tasks = _named(bad["task"], options)
        yield (
            f"{len(bad)} of {len(runs)} runs did not learn (on {tasks}); in the answer they count "
            f"as {_COUNTED[options.statistics.ranking]}."
        )


_COUNTED = {
    "all outcomes": "what a user would get: their score, or the floor where they diverged",
    "given success": "nothing: it is of the runs that learnt",
}


def _either_way(by_filter: pd.DataFrame, options: Options) -> Iterator[str]:
    """Yield which means change their sign with the runs that did not learn."""
    changed = by_filter[by_filter["disagreement"].fillna("").str.contains("sign")]
    sources = [
        f"{options.source_title(row['source'], row['arm'])} on {row['role']} tasks "
        f"({row['delta_all_outcomes']:+.1f} with, {row['delta_given_success']:+.1f} without)"
        for _, row in changed.iterrows()
    ]
    if sources:
        yield f"Runs that did not learn change the sign of a mean: {_listed(sources, str)}."


def _never_alone(runs: pd.DataFrame, options: Options) -> Iterator[str]:
    """Yield the tasks that are learnt in no run without a source."""
    alone = runs[(runs["source"] == NO_SOURCE) & (runs["role"] != INTERMEDIATE)]
    outcomes = alone[alone["status"].isin(["ok", "diverged"])]
    never = outcomes.groupby("task", sort=False)["degenerate"].all()
    if never.any():
        tasks = never.index[never].to_series()
        yield f"Without a source never above majority or chance: {_named(tasks, options)}."


def _of_tasks(tasks: pd.DataFrame, options: Options) -> Iterator[str]:
    of_parts = tasks.filter(regex="_truncated$").max(axis="columns")
    lost = tasks.filter(regex="_lost$").max(axis="columns")
    faults = {
        "Validation examples all have one label": tasks["majority"] >= POINTS - _EQUAL,
        f"More than {MUCH_TRUNCATED:g} % of the examples are truncated": of_parts > MUCH_TRUNCATED,
        "Examples lost their answer to truncation": lost > 0,
    }
    for what, where in faults.items():
        if where.any():
            yield f"{what}: {_named(tasks.loc[where, 'task'], options)}."


def _mixed(trainings: pd.DataFrame) -> Iterator[str]:
    """Yield in what trainings differ that should be the same in all restarts."""
    for column, what in _MIXED.items():
        values = sorted(set(trainings[column].dropna()))
        if len(values) > 1:
            yield f"Trainings ran with several {what}: {_listed(values, str)}."
    for name, versions in _versions(trainings["versions"].dropna().unique()).items():
        if len(versions) > 1:
            listed = _listed(sorted(versions), str)
            yield f"Trainings ran with several versions of {name}: {listed}."


def _versions(texts: Iterable[str]) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for text in texts:
        for name, version in json.loads(text).items():
            versions.setdefault(name, set()).add(str(version))
    return versions


def _examples(transfer: pd.DataFrame, options: Options) -> Iterator[str]:
    """Yield how far the answer holds for other validation examples."""
    compared = transfer.dropna(subset="delta")
    if compared.empty:
        return
    sentence = "Intervals are of other restarts on the same validation examples"
    if (compared["noise"] == NOT_KNOWN).all():
        yield f"{sentence}; what other examples would add is not known."
        return
    larger = compared[compared["noise"] == EXAMPLES]
    of = f", and is the larger part on {_named(larger['task'], options)}" if len(larger) else ""
    median = compared["example_sd"].median()
    yield f"{sentence}; what other examples would add has a standard deviation of {median:.1f}{of}."


def _named(tasks: pd.Series[str], options: Options) -> str:
    return _listed(in_order(tasks), options.title)


def _listed(names: list[str], title: Callable[[str], str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(title, names[:NAMED])) + more
