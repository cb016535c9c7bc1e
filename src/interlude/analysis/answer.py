"""The answer of a study: which start to take for each target, and what each does on the whole.

It follows from the tables by one rule; where they allow no answer, it says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis import catalog
from interlude.analysis.averages import GIVEN_SUCCESS
from interlude.analysis.options import Options
from interlude.analysis.restarts import LONE
from interlude.analysis.results import in_order
from interlude.analysis.scope import of_contrast
from interlude.words import NO_SOURCE, Contrast

HELPS, MAY_HELP, NONE_KNOWN, ALONE, NOT_ESTIMATED = (
    *("helps", "may help", "none known", "alone", "cannot be estimated"),
)
TARGET, SOURCE, STUDY = "target", "source", "study"  # what a row is about
COLUMNS = [
    *("about", "arm", "against", "role", "name", "answer", "source", "expected", "low", "high"),
    *("p_gain", "delta", "n", "baseline_n", "p_holm", "degenerate", "outcomes", "detectable"),
    *("needed_2", "pays_to", "sentence"),
]
_WHOLE = ["n", "baseline_n", "degenerate", "outcomes", "needed_2", "pays_to"]
_NOTHING = (
    "Nothing can be said: no arm of this study is compared with another. An arm that trains on the "
    "target alone is the usual baseline."
)
_OF_CONTRASTS = ("transfer", "pooled", "pooled_cells", "restarts")
_TABLES = (*_OF_CONTRASTS, "tasks", "averages_by_filter")
# What a sentence on the whole counts.
_OF_SOURCES = {
    HELPS: "with a source that is known to help",
    MAY_HELP: "with a source that may help",
    NONE_KNOWN: "with no source that is known to help",
    ALONE: "better trained alone",
    NOT_ESTIMATED: "without an estimate",
}
_OF_THE_ARM = _OF_SOURCES | {
    HELPS: "known to gain",
    MAY_HELP: "that may gain",
    NONE_KNOWN: "not known to gain",
}
_CERTAIN = 0.995  # a probability that would be shown as 1.00

Tables = Mapping[str, pd.DataFrame]


def table_files(options: Options) -> dict[str, str]:
    """Return the tables that an answer and its warnings are based on, and their files' names.

    Those that come twice are of the outcomes that sources are ranked by.
    """
    filtered = options.statistics.ranking == GIVEN_SUCCESS
    variants = catalog.variants(options.degenerate.exclude)
    suffix = next(name for name, is_filtered in variants.items() if is_filtered == filtered)
    return {each: f"{each}{suffix * catalog.TABLES[each].twice}" for each in _TABLES}


def read_tables(folder: Path, options: Options) -> dict[str, pd.DataFrame]:
    """Read the tables that an answer and its warnings are based on from a study's folder."""
    names = table_files(options)
    texts = dict.fromkeys(
        ("note", "disagreement", "noise", "stopped"), "str"
    )  # also where none has a value
    return {each: pd.read_csv(folder / f"{name}.csv", dtype=texts) for each, name in names.items()}


def answer_table(tables: Tables, options: Options) -> pd.DataFrame:
    """Return the answer of a study: a row on the whole, one per target, one per source.

    tables: `transfer`, `pooled` and `pooled_cells` of the outcomes that sources are ranked by, and
    `restarts`. A study without targets has its probing tasks in their place.

    answer, of a target: `helps`: the source gains, and survives Holm's correction over the cells of
    the role; `may help`: the interval of its estimate lies above 0; `none known`: no source's does;
    `alone`: all sources are estimated, and all intervals lie below 0; `cannot be estimated`. The
    source
    is the one with the largest estimate; of several that help, of these. expected, low, high,
    p_gain: its estimate (`pooled_cells`), where there is none its difference with Welch's interval.
    degenerate of outcomes: runs that did not learn. detectable: what a test of this size finds.
    needed_2: restarts on either side for 2 points; pays_to: see `restarts.restart_table`.

    Of a source: expected, low, high are of the mean effect over the targets, p_gain of a new one.
    """
    rows: list[dict[str, Any]] = []
    for contrast in options.contrasts:
        own = {name: of_contrast(tables[name], contrast) for name in _OF_CONTRASTS}
        role = next((each for each in ("target", "probing") if _has(own["transfer"], each)), None)
        if role is not None:
            of_role = {name: table[table["role"] == role] for name, table in own.items()}
            rows += _of_contrast(_Evidence(contrast, of_role, options))
    if not rows:
        rows = [{"about": STUDY, "answer": NOT_ESTIMATED, "sentence": _NOTHING}]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(_WHOLE, "Int64"))


def _has(table: pd.DataFrame, role: str) -> bool:
    return bool((table["role"] == role).any())


@dataclass(frozen=True)
class _Evidence:
    """The tables of one contrast and role."""

    contrast: Contrast
    tables: Tables
    options: Options

    @property
    def cells(self) -> pd.DataFrame:
        """The transfer table with an estimate for each cell: pooled, or as measured."""
        names = ["source", "task", "pooled", "ci_low", "ci_high", "p_gain"]
        pooled = self.tables["pooled_cells"][names]
        cells = self.tables["transfer"].merge(
            pooled, on=["source", "task"], how="left", suffixes=("", "_pooled")
        )
        known = cells["pooled"].notna()
        return cells.assign(
            expected=cells["pooled"].where(known, cells["delta"].where(cells["ci_low"].notna())),
            low=cells["ci_low_pooled"].where(known, cells["ci_low"]),
            high=cells["ci_high_pooled"].where(known, cells["ci_high"]),
            degenerate=cells["n_degenerate"],
            outcomes=cells["n_planned"] - cells["n_failed"] - cells["n_missing"],
        )

    def title(self, source: str) -> str:
        """What a source is called; the arm, where that has none."""
        return self.options.source_title(source, self.contrast.arm)

    def way(self, source: str) -> str:
        """What to do with a source."""
        title = self.title(source)
        if self.against_other_sources:
            return f"use {self.contrast.arm} rather than {self.contrast.against} with {title}"
        if source == NO_SOURCE:
            return f"use {title}"
        return (
            f"train it together with {title}" if self.contrast.together else f"start from {title}"
        )

    @property
    def against_other_sources(self) -> bool:
        """Whether cells are compared with another arm from the same source."""
        return bool((self.tables["transfer"]["baseline_source"] != NO_SOURCE).any())

    @property
    def nothing(self) -> str:
        """What none of the sources is known to do."""
        return f"no source is known to make {self.contrast.arm} better than {self.contrast.against}"


def _of_contrast(of: _Evidence) -> list[dict[str, Any]]:
    named = {"arm": of.contrast.arm, "against": of.contrast.against}
    cells = of.cells
    targets = [_of_target(cells[cells["task"] == task], of) for task in in_order(cells["task"])]
    every = [_on_the_whole(targets, cells, of), *targets, *_of_sources(cells, of)]
    return [{**named, "role": str(cells["role"].iloc[0]), **row} for row in every]


def _on_the_whole(
    targets: list[dict[str, Any]], cells: pd.DataFrame, of: _Evidence
) -> dict[str, Any]:
    counts = dict.fromkeys((HELPS, MAY_HELP, NONE_KNOWN, ALONE, NOT_ESTIMATED), 0)
    for row in targets:
        counts[row["answer"]] += 1
    what = "probing task" if cells["role"].iloc[0] == "probing" else "target"
    text_of = _OF_SOURCES if of.contrast.sourced else _OF_THE_ARM
    parts = [f"{counts[each]} {text}" for each, text in text_of.items() if counts[each]]
    sentence = f"{len(targets)} {what}{'s' * (len(targets) > 1)}: {', '.join(parts)}."
    best = max(counts, key=lambda each: counts[each] > 0)
    return {"about": STUDY, "answer": best, "sentence": sentence}


def _of_target(cells: pd.DataFrame, of: _Evidence) -> dict[str, Any]:
    """Return the row of a target, from its cells."""
    answer, best = _decided(cells, of.options.statistics.alpha)
    task = str(cells["task"].iloc[0])
    row: dict[str, Any] = {"about": TARGET, "name": task, "answer": answer}
    if best is None:
        sentence = f"cannot be estimated: {_why_not(cells)}"
        return {**row, "sentence": f"{of.options.title(task)}: {sentence}."}
    row |= {name: best[name] for name in COLUMNS if name in best and name not in row}
    row |= _restarts(of.tables["restarts"], task)
    return {**row, "sentence": _sentence(row, best, len(cells), of)}


def _decided(cells: pd.DataFrame, alpha: float) -> tuple[str, pd.Series[Any] | None]:
    """Return the answer for a target, and the cell that it rests on."""
    estimated = cells.dropna(subset="expected")
    if estimated.empty:
        return NOT_ESTIMATED, None
    helps = estimated[(estimated["p_holm"] < alpha) & (estimated["delta"] > 0)]
    best = (estimated if helps.empty else helps).sort_values("expected", kind="stable").iloc[-1]
    if not helps.empty:
        return HELPS, best
    if best["low"] > 0:
        return MAY_HELP, best
    all_harm = len(estimated) == len(cells) and bool((estimated["high"] < 0).all())
    return (ALONE if all_harm else NONE_KNOWN), best


def _why_not(cells: pd.DataFrame) -> str:
    """Return why nothing can be estimated: the reason that most cells give."""
    if (cells["outcomes"] > 0).any() and (cells["degenerate"] == cells["outcomes"]).all():
        return "none of its runs learnt"
    notes = [note for note in cells["note"].fillna("") if note]
    reason = max(in_order(notes), key=notes.count) if notes else "no spread between restarts"
    return f"{reason} ({notes.count(reason)} of {len(cells)} cells)" if notes else reason


def _restarts(table: pd.DataFrame, task: str) -> dict[str, Any]:
    """Return how many restarts 2 points need, and from which on examples are the larger noise."""
    own = table[(table["task"] == task) & (table["level"] == LONE)]
    return {name: own[name].iloc[0] for name in ("needed_2", "pays_to") if len(own)}


def _sentence(row: dict[str, Any], best: pd.Series[Any], sources: int, of: _Evidence) -> str:
    title, name = of.options.title(row["name"]), str(best["source"])
    if row["answer"] == ALONE:
        return f"{title}: train it alone; {_harm(row, name, sources, of)}."
    if row["answer"] == NONE_KNOWN:
        parts = [_none(sources, of), _most_promising(row, best, sources, of)]
        return f"{title}: {'. '.join([*parts, *_could_be_found(row), *_settled(row)])}."
    sure = "" if row["answer"] == HELPS else " perhaps"
    parts = [f"expected {_points(row)}", *_chance(row), _learnt(row), *_proof(row, best)]
    return f"{title}:{sure} {of.way(name)}: {', '.join(parts)}."


def _harm(row: dict[str, Any], least: str, sources: int, of: _Evidence) -> str:
    """Return what lowers a target: its one start, or each, of which one does least."""
    if sources == 1:
        return f"{of.title(least)} is expected to lower it ({_points(row)})"
    every = f"each of {sources} sources is expected to lower it"
    return f"{every} (the least harmful, {of.title(least)}, {_points(row)})"


def _none(sources: int, of: _Evidence) -> str:
    if of.against_other_sources:
        return of.nothing
    if sources == 1:
        return "it is not known to gain"
    return f"none of {sources} sources is known to help"


def _most_promising(row: dict[str, Any], best: pd.Series[Any], sources: int, of: _Evidence) -> str:
    name = of.title(str(best["source"]))
    which = f"With {name}" if sources == 1 else f"The most promising is {name}"
    return ", ".join([f"{which}: expected {_points(row)}", *_chance(row)])


def _points(row: Mapping[str, Any]) -> str:
    expected, low, high = (_signed(row[name]) for name in ("expected", "low", "high"))
    return f"{expected} points [{low}, {high}]"


def _signed(points: float) -> str:
    """Return points with one digit and their sign; what rounds to nothing has a plus."""
    return f"{round(points, 1) + 0.0:+.1f}"


def _chance(row: Mapping[str, Any]) -> Iterator[str]:
    if not math.isnan(row["p_gain"]):
        yield f"probability that it helps {_probability(row['p_gain'])}"


def _probability(p: float) -> str:
    if p >= _CERTAIN:
        return "above .99"
    return "below .01" if p <= 1 - _CERTAIN else f"{p:.2f}".lstrip("0")


def _learnt(row: Mapping[str, Any]) -> str:
    """Return how often the runs of a cell, or of a source, failed to learn."""
    failed, every = row["degenerate"], row["outcomes"]
    if not every:
        return "no run has a score" if pd.isna(row["delta"]) else "its single runs are not known"
    if failed:
        return f"{failed:g} of {every:g} runs did not learn"
    return f"all {every:g} runs learnt" if every > 1 else "its one run learnt"


def _proof(row: dict[str, Any], best: pd.Series[Any]) -> Iterator[str]:
    """Yield how sure it is by the test of this one cell."""
    measured = f"measured {_signed(best['delta'])}"
    if pd.isna(best["p_holm"]):
        yield f"{measured} and not tested ({best['note']})"
    elif row["answer"] == MAY_HELP:
        yield f"{measured} and not significant after correction (p {best['p_holm']:.2g})"
    else:
        yield f"{measured}, p {best['p_holm']:.2g} after Holm's correction"


def _could_be_found(row: Mapping[str, Any]) -> Iterator[str]:
    if not math.isnan(row["detectable"]):
        yield f"With {row['n']:g} restarts a test finds {row['detectable']:.1f} points"


def _settled(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many more restarts would find 2 points, and whether they can."""
    needed, pays_to = row.get("needed_2"), row.get("pays_to")
    if needed is None or pd.isna(needed):
        return
    sentence = f"To find 2 points takes {needed:g} restarts on either side"
    if pays_to is not None and pd.notna(pays_to) and pays_to < needed:
        sentence += f", but beyond {pays_to:g} the choice of validation examples matters more"
    yield sentence


def _of_sources(cells: pd.DataFrame, of: _Evidence) -> Iterator[dict[str, Any]]:
    """Yield a row for each source, the best first."""
    counts = cells.groupby("source")[["degenerate", "outcomes"]].sum().to_dict()
    for _, source in of.tables["pooled"].iterrows():
        name = str(source["source"])
        row: dict[str, Any] = {
            **{"about": SOURCE, "name": name, "source": name, "delta": source["delta"]},
            **{"expected": source["mu"], "low": source["ci_low"], "high": source["ci_high"]},
            "p_gain": source["p_new"],
            **{str(what): of_source[name] for what, of_source in counts.items()},
        }
        known = _known(cells[cells["source"] == name], of.options.statistics.alpha)
        yield {**row, "sentence": _of_source(row, source, known, of)}


def _of_source(row: dict[str, Any], source: pd.Series[Any], known: str, of: _Evidence) -> str:
    title, tasks = of.title(row["name"]), int(source["tasks"])
    failed = _learnt(row)
    if pd.isna(source["mu"]):
        mean = "" if pd.isna(row["delta"]) else f" (plain mean {_signed(row['delta'])} points)"
        return f"{title}: {source['note'].split('; ')[0]}{mean}; {failed}."
    gains = f"a new one gains with probability {_probability(source['p_new'])}"
    new = f"[{_signed(source['new_low'])}, {_signed(source['new_high'])}]"
    return f"{title}: {_points(row)} on average over {tasks} tasks; {gains} {new}; {known}{failed}."


def _known(cells: pd.DataFrame, alpha: float) -> str:
    """Return what is known after Holm's correction, of the tasks that were tested."""
    tested = cells.dropna(subset="p_holm")
    if tested.empty:
        return ""
    sure = tested.loc[tested["p_holm"] < alpha, "delta"]
    helped, harmed = (sure > 0).sum(), (sure < 0).sum()
    return f"known to help {helped} and to harm {harmed} of {len(tested)}; "
