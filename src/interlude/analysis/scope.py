"""The scope of a study's runs: its contrasts, and sources that did not learn."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from interlude.analysis.degenerate import unlearned_sources
from interlude.analysis.options import Options
from interlude.words import NO_SOURCE, Contrast


def described(options: Options, flagged: pd.DataFrame) -> Options:
    """Return the options with facts on sources from the runs, after `flag_degenerate`."""
    return replace(
        options,
        unlearned=tuple(unlearned_sources(flagged)),
        one_encoder=tuple(_one_encoder(flagged)),
    )


def _one_encoder(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the arms and sources whose restarts all began from one training."""
    trained = runs[(runs["source"] != NO_SOURCE) & runs["start"].notna() & runs["examples"].isna()]
    counts = trained.groupby(["arm", "source"], sort=False)[["start", "restart"]].nunique()
    one = counts[(counts["start"] == 1) & (counts["restart"] > 1)]
    return [(str(arm), str(source)) for arm, source in one.index]


def of_contrast(table: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """Return the rows of a table of differences that are of one contrast."""
    return table[(table["arm"] == contrast.arm) & (table["against"] == contrast.against)]


def against_alone(transfer: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return the cells of an arm against one without a source, by role, source and task.

    transfer: the transfer table. Of several such contrasts the first: the arm's own baseline.
    """
    own = transfer[(transfer["arm"] == arm) & (transfer["baseline_source"] == NO_SOURCE)]
    first = own[own["against"] == own["against"].iloc[0]] if len(own) else own
    return first.set_index(["role", "source", "task"])


def of_main(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the rows of the study's main contrast; none where it compares nothing."""
    return of_contrast(table, options.main) if options.main else table.iloc[:0]


def runs_of(runs: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """Return the runs of a contrast as figures show them.

    Those of its arm, named by the arm where they have no source, and those of the baseline where
    that has no sources of its own.
    """
    own, against = (runs[runs["arm"] == arm] for arm in (contrast.arm, contrast.against))
    alone = (own["source"] == NO_SOURCE) & (own["role"] != "intermediate")
    own = own.assign(source=own["source"].mask(alone, contrast.arm))
    baseline = against[against["role"] != "intermediate"]
    if (baseline["source"] != NO_SOURCE).any():
        return own
    return pd.concat([baseline, own]).sort_index()
