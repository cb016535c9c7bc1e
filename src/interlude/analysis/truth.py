"""The scores of a whole grid, source by target: what methods of selection are judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from interlude.analysis.degenerate import scored
from interlude.analysis.options import Options, TruthFile
from interlude.analysis.results import POINTS, in_order, trial
from interlude.errors import InputError
from interlude.words import NO_SOURCE

_RUN = ["target", "source", "restart"]
_MEASURED = [*_RUN, "score", "tokens"]
_COSTS = ["tokens", "seconds"]


@dataclass(frozen=True)
class Truth:
    """Scores in points of every source on every target; a task is no source of itself.

    runs: columns target, source (`none`: no transfer), restart, score; each once; of a study also
    tokens, those of the training that it ends with.
    forms: target -> form, by which tables group them; sizes: source -> training examples; probes:
    source -> its score on one fixed task with a probe; costs: target -> tokens and seconds that
    training it from all sources cost; probe_task: the study's task that probes are scores of. What
    is not known is missing.
    """

    name: str
    runs: pd.DataFrame
    forms: dict[str, str] = field(default_factory=dict)
    sizes: pd.Series[float] = field(default_factory=lambda: pd.Series(dtype=float))
    probes: pd.Series[float] = field(default_factory=lambda: pd.Series(dtype=float))
    costs: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_COSTS))
    probe_task: str | None = None

    @cached_property
    def targets(self) -> list[str]:
        """The targets, in the order of the runs."""
        return in_order(self.runs["target"])

    @cached_property
    def sources(self) -> list[str]:
        """The sources, in the order of the runs."""
        return [name for name in in_order(self.runs["source"]) if name != NO_SOURCE]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Means over restarts, shape (targets, sources), also of a source on its own task."""
        means = self.runs.groupby(["target", "source"])["score"].mean().unstack()
        return means.reindex(index=self.targets, columns=self.sources)

    @cached_property
    def without_transfer(self) -> pd.Series[float]:
        """Means of the runs without transfer by target."""
        alone = self.runs[self.runs["source"] == NO_SOURCE]
        return alone.groupby("target")["score"].mean().reindex(self.targets)

    def candidates(self, target: str) -> pd.Series[float]:
        """Return source -> score of those that have one on a target, but for the target itself."""
        own: pd.Series[float] = self.scores.transpose()[target]
        return own[own.index != target].dropna()

    @property
    def missing(self) -> list[tuple[str, str]]:
        """The pairs of source and target without a score: these are no candidates."""
        lacking = self.scores.isna()
        return [
            (source, target)
            for target in self.targets
            for source in self.sources
            if source != target and lacking.at[target, source]
        ]


def truth_of_runs(flagged: pd.DataFrame, options: Options, name: str) -> Truth:
    """Return the truth of a study: its targets reached by the arm of the main contrast.

    flagged: its runs after `flag_degenerate`. Degenerate runs count, as a user would get them.
    Raises InputError where the study compares nothing.
    """
    if options.main is None:
        raise InputError(f"{name}: selection has no arm with sources to judge by.")
    targets = flagged[flagged["role"] == "target"]
    own = targets[(targets["arm"] == options.main.arm) & (targets["source"] != NO_SOURCE)]
    alone = targets[(targets["arm"] == options.main.against) & (targets["source"] == NO_SOURCE)]
    counted = pd.concat([scored(own, False), scored(alone, False), _means(own), _means(alone)])
    # In a grid of settings, each point of it in each restart is a repetition.
    trials = counted[trial(counted)].astype("str").agg(" ".join, axis="columns")
    runs = counted.assign(restart=trials).rename(columns={"task": "target"})
    intermediate = flagged[flagged["role"] == "intermediate"].drop_duplicates("task")
    return Truth(
        name=name,
        runs=runs.assign(score=POINTS * runs["score"])[_MEASURED].reset_index(drop=True),
        forms=dict(zip(targets["task"], targets["form"], strict=True)),
        sizes=intermediate.set_index("task")["train_examples"].astype(float),
        costs=_costs(own),
        probes=_probes(flagged, options),
        probe_task=options.selection.probe if options.selection else None,
    )


def _probes(flagged: pd.DataFrame, options: Options) -> pd.Series[float]:
    """Return the mean score of each source on the task of the method `probe`, where there is one.

    By the arm of the main contrast, degenerate runs included.
    """
    probe = options.selection.probe if options.selection else None
    if probe is None or options.main is None:
        return pd.Series(dtype=float)
    is_own = (flagged["task"] == probe) & (flagged["arm"] == options.main.arm)
    named = flagged[is_own & flagged["role"].isin(["target", "probing"])]
    sourced = scored(named[named["source"] != NO_SOURCE], False)
    return POINTS * sourced.groupby("source")["score"].mean()


def _means(runs: pd.DataFrame) -> pd.DataFrame:
    """Return what was published as means alone."""
    return runs[runs["status"] == "mean_only"]


def _costs(own: pd.DataFrame) -> pd.DataFrame:
    """Return what the trainings of each target cost; missing where nothing was measured."""
    by_target = own.assign(target=own["task"], seconds=own["total_seconds"]).groupby("target")
    return by_target[_COSTS].sum(min_count=1).astype(float)


def read_truth(name: str, declared: TruthFile) -> Truth:
    """Read a truth from a CSV file with a row per source and target, and restart where it has some.

    Raises InputError that names the file and what is wrong: no such file or column, a number that
    is none, scores that are no points, a pair that occurs twice.
    """
    rows = _rows(declared)
    runs = pd.DataFrame(
        {column: rows[getattr(declared, column)] for column in ("target", "source")}
    )
    runs["restart"] = rows[declared.repetition] if declared.repetition else 1
    runs["score"] = _numbers(rows, declared.score, declared.file)
    runs["source"] = runs["source"].replace({declared.none: NO_SOURCE} if declared.none else {})
    known = runs.dropna(subset="score")
    _check(known, declared.file)
    return Truth(
        name=name,
        runs=known.reset_index(drop=True),
        sizes=_of_source(rows, runs["source"], declared.size, declared.file),
        probes=_of_source(rows, runs["source"], declared.probe, declared.file),
    )


def _rows(declared: TruthFile) -> pd.DataFrame:
    try:
        rows = pd.read_csv(Path(declared.file), dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{declared.file}: no such file.") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{declared.file}: not a CSV file ({error}).") from None
    for column in (*declared.columns, *declared.only):
        if column not in rows:
            columns = ", ".join(map(str, rows))
            raise InputError(f"{declared.file}: column {column!r} is missing. Found: {columns}.")
    for column, value in declared.only.items():
        rows = rows[rows[column] == value]
    if rows.empty:
        chosen = ", ".join(f"{column} {value}" for column, value in declared.only.items())
        raise InputError(f"{declared.file}: found no row{f' with {chosen}' if chosen else ''}.")
    return rows


def _numbers(rows: pd.DataFrame, column: str, where: str) -> pd.Series[float]:
    """Return a column as numbers; an empty field is missing."""
    numbers = pd.to_numeric(rows[column], errors="coerce")
    broken = numbers.isna() & (rows[column] != "")
    if broken.any():
        row = broken[broken].index[0]
        value = rows.at[row, column]
        raise InputError(
            f"{where}: row {row + 1}, column {column}: found {value!r}. Allowed: a number."
        )
    return numbers.astype(float)


def _of_source(
    rows: pd.DataFrame, sources: pd.Series[str], column: str, where: str
) -> pd.Series[float]:
    """Return what a column says of each source; InputError where it has two values for one."""
    if not column:
        return pd.Series(dtype=float)
    values = pd.DataFrame({"source": sources, "value": _numbers(rows, column, where)}).dropna()
    once = values.drop_duplicates()
    twice = once["source"].duplicated()
    if twice.any():
        source = once.loc[twice, "source"].iloc[0]
        raise InputError(
            f"{where}: column {column}: found several values of {source}. Allowed: one."
        )
    return once.set_index("source")["value"]


def _check(runs: pd.DataFrame, where: str) -> None:
    if runs["score"].abs().max() <= 1:
        raise InputError(
            f"{where}: found scores from {runs['score'].min():g} to {runs['score'].max():g}. "
            f"Allowed: points, score × {POINTS}."
        )
    twice = runs.duplicated(_RUN)
    if twice.any():
        target, source, restart = runs.loc[twice, _RUN].iloc[0]
        raise InputError(
            f"{where}: found {source} > {target}, restart {restart}, more than once. Allowed: "
            "once; the keys repetition and only distinguish rows."
        )
