"""Does the size of the intermediate data explain transfer?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.correlations import correlation_p, spearman_matrix


def source_table(runs: pd.DataFrame, averages: pd.DataFrame) -> pd.DataFrame:
    """Return one row per source: form, train_examples (of its own run) and mean target transfer.

    averages: the average table; its note comes with the transfer. Sources without a known size or
    transfer have missing values.
    """
    own = runs[runs["role"] == "intermediate"].groupby("task", sort=False)
    known = own[["form", "train_examples"]].first().rename_axis("source").reset_index()
    targets = averages.loc[averages["role"] == "target", ["source", "delta", "note"]]
    table = known.merge(targets, on="source", how="left")
    return table.assign(note=table["note"].astype("object").fillna(""))


def size_correlations(sources: pd.DataFrame) -> pd.DataFrame:
    """Return correlations of size with transfer over sources: all, within forms, between forms.

    sources: the source table. Columns: group, n, spearman, p, pearson_log (with
    the logarithm of size). Between forms: of the means of the forms. Below three sources, or
    where sizes or transfers are all equal, correlations are missing.
    """
    measured = sources.dropna(subset=["train_examples", "delta"]).astype({"train_examples": float})
    measured = measured.assign(log_size=np.log10(measured["train_examples"]))
    means = measured.groupby("form", sort=False)[["log_size", "delta"]].mean()
    groups = {"all sources": measured}
    groups |= {f"within {form}": part for form, part in measured.groupby("form", sort=False)}
    groups["between forms"] = means
    return pd.DataFrame([{"group": name, **_correlations(part)} for name, part in groups.items()])


def _correlations(part: pd.DataFrame) -> dict[str, Any]:
    both = part[["log_size", "delta"]]
    rho = spearman_matrix(both)[0, 1]
    return {
        "n": len(part),
        "spearman": rho,
        "p": float(correlation_p(rho, np.array(len(part)))),
        "pearson_log": both.corr(min_periods=3).to_numpy()[0, 1],
    }
