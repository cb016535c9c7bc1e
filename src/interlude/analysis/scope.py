"""What a study's runs can speak of: sources that did not learn, sources of one encoder."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from interlude.analysis.degenerate import unlearned_sources
from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.words import NO_SOURCE


def described(options: Options, flagged: pd.DataFrame) -> Options:
    """Return the options with what the runs, after `flag_degenerate`, say of their sources."""
    return replace(
        options,
        unlearned=tuple(unlearned_sources(flagged)),
        one_encoder=tuple(_one_encoder(flagged)),
    )


def _one_encoder(runs: pd.DataFrame) -> list[str]:
    """Return the sources whose restarts all began from one training."""
    trained = runs[(runs["source"] != NO_SOURCE) & runs["start"].notna() & runs["examples"].isna()]
    counts = trained.groupby("source")[["start", "restart"]].nunique()
    one = counts.index[(counts["start"] == 1) & (counts["restart"] > 1)]
    return [source for source in in_order(trained["source"]) if source in one]
