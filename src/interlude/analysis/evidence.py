"""The published evidence that ships with the project: what sources did to targets.

One truth has the sources that recommendations name (Pruksachatkun et al. 2020). The other, of
another encoder, says how far such judgements reach beyond theirs (IBM/model-recycling).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import joined
from interlude.analysis.transfer import transfer_table
from interlude.analysis.truth import Truth
from interlude.errors import InputError
from interlude.words import NO_SOURCE

STARTS, SPREAD = "model_recycling_scores.csv", "model_recycling_spread.csv"
PLAIN = "roberta-base"  # the start that stands for no transfer, and the encoder of all of them
_ABOUT_STARTS = ["model", "trained_on", "source"]  # columns beside those of targets
# Targets that are a source of the first truth: a start is not judged on its own task.
_SAME = {"mnli": "MNLI", "sst2": "SST-2"}


@dataclass(frozen=True)
class Evidence:
    """What is known of sources, in points.

    transfer: the target cells of the first truth's transfer table, a source on its own task left
    out. elsewhere: effects with another encoder, columns start, source (of the first truth that it
    was trained on; missing for another), task, delta.
    """

    transfer: pd.DataFrame
    encoder: str
    elsewhere: pd.DataFrame
    other_encoder: str = PLAIN

    @property
    def of_same_sources(self) -> pd.DataFrame:
        """The effects elsewhere of starts that were trained on a source of the first truth."""
        return self.elsewhere.dropna(subset="source")

    def without(self, names: Collection[str]) -> Evidence:
        """Return what is known but for the effects on a task, which may have several names.

        Capitals and hyphens in names do not count. The evidence itself where it lacks the task.
        """
        alike = {_plain(name) for name in names}
        is_own = [each["task"].map(_plain).isin(alike) for each in (self.transfer, self.elsewhere)]
        if not any(each.any() for each in is_own):
            return self
        of_first, of_other = is_own
        return replace(self, transfer=self.transfer[~of_first], elsewhere=self.elsewhere[~of_other])


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def load_evidence(folder: Path) -> Evidence:
    """Read the evidence of `reference/`; InputError for a missing file or column."""
    runs = joined(*published_tables(load_published(folder), "published"))
    options = Options()
    transfer = transfer_table(flag_degenerate(runs, options.degenerate), options, False)
    cells = transfer[transfer["role"] == "target"]
    known = cells[(cells["source"] != cells["task"]) & cells["delta"].notna()]
    return Evidence(known, str(runs["model"].iloc[0]), _elsewhere(_starts(folder)))


def hub_truth(folder: Path) -> Truth:
    """Return the scores of hub models, one run each, as a truth; `none`: the plain encoder."""
    starts = _starts(folder).drop(columns=_ABOUT_STARTS[1:])
    runs = starts.melt("model", var_name="target", value_name="score")
    named = runs.rename(columns={"model": "source"}).replace({"source": {PLAIN: NO_SOURCE}})
    return Truth("hub", named.assign(restart=1))


def hub_spread(folder: Path) -> pd.Series[float]:
    """Return target -> standard deviation over 20 seeds of the plain encoder, in points."""
    return _read(folder / SPREAD, ["target", "sd_x100"]).set_index("target")["sd_x100"]


def _starts(folder: Path) -> pd.DataFrame:
    path = folder / STARTS
    starts = _read(path, _ABOUT_STARTS)
    for name in starts.columns.difference(_ABOUT_STARTS):
        broken = pd.to_numeric(starts[name], errors="coerce").isna()
        if broken.any():
            row = int(broken.to_numpy().argmax())
            value = starts[name].iloc[row]
            raise InputError(
                f"{path}: row {row + 1}, column {name}: found {value!r}. Allowed: a number."
            )
    if PLAIN not in set(starts["model"]):
        raise InputError(f"{path}: column model: found no {PLAIN}, the baseline of all others.")
    return starts


def _elsewhere(starts: pd.DataFrame) -> pd.DataFrame:
    """Return the effect of each start on each target: its score less that of the plain encoder."""
    scores = starts.set_index("model").drop(columns=_ABOUT_STARTS[1:])
    effects = (scores - scores.loc[PLAIN]).drop(index=PLAIN).rename_axis(columns="task")
    rows = effects.rename_axis("start").reset_index()
    rows = rows.melt("start", var_name="task", value_name="delta")
    sources = starts.set_index("model")["trained_on"].where(lambda name: name != "")
    rows = rows.assign(source=rows["start"].map(sources))
    return rows[rows["task"].replace(_SAME) != rows["source"]].reset_index(drop=True)


def _read(path: Path, needed: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    for name in needed:
        if name not in table:
            raise InputError(f"{path}: column {name!r} is missing.")
    return table
