"""What an encoder has forgotten of its pretraining, beside what it gains on other tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from interlude.analysis.results import POINTS

COLUMNS = [
    *("arm", "against", "role", "source", "pretrained"),
    *("masked_accuracy", "sd", "n", "change", "tasks", "delta"),
]
ENCODER = ["arm", "source"]


def forgetting_table(
    runs: pd.DataFrame, trainings: pd.DataFrame, averages: pd.DataFrame
) -> pd.DataFrame:
    """Return the masked accuracy of the encoders of each arm and source, in points.

    runs: of full size. trainings: the study's table of them. averages: the table of averages.

    An encoder is measured by a stage of its arm that leaves it as it is and trains a fresh head of
    masked language modelling; of several such stages the last counts. masked_accuracy, with sd: the
    mean over n measured encoders. pretrained: whether they are the pretrained one, from which no
    stage has trained yet. change: the mean minus that of the pretrained one, if it was measured.
    tasks, delta: average transfer, a row for each contrast and role; of a baseline there is none.
    """
    measured = _measured(trainings)
    starts = dict(zip(trainings["training"], trainings["start"], strict=True))
    later = runs[runs["role"] != "intermediate"]
    own = later.assign(measured=later["start"].map(lambda id: _last_measured(id, measured, starts)))
    own = own.dropna(subset="measured").drop_duplicates([*ENCODER, "measured"])
    own["accuracy"] = POINTS * own["measured"].map(measured).astype(float)
    own["pretrained"] = own["measured"].map(starts).isna()
    table = own.groupby(ENCODER, sort=False, as_index=False).agg(
        pretrained=("pretrained", "all"),
        masked_accuracy=("accuracy", "mean"),
        sd=("accuracy", "std"),
        n=("accuracy", "size"),
    )
    known = own.loc[own["pretrained"], "accuracy"].mean()
    table["change"] = table["masked_accuracy"] - known
    gains = averages[[*ENCODER, "against", "role", "tasks", "delta"]]
    return table.merge(gains, on=ENCODER, how="left")[COLUMNS]


def _measured(trainings: pd.DataFrame) -> dict[str, float]:
    """Return id -> masked accuracy of the trainings of a head alone."""
    known = trainings.dropna(subset=["masked_accuracy", "hyperparameters"])
    frozen = known["hyperparameters"].map(lambda text: bool(json.loads(text).get("frozen")))
    of_heads = known[frozen.astype(bool)]
    return dict(zip(of_heads["training"], of_heads["masked_accuracy"], strict=True))


def _last_measured(
    id: object, measured: Mapping[str, float], starts: Mapping[str, str]
) -> str | None:
    """Return the first id of a chain of starts, from its end, that was measured; None for none."""
    while isinstance(id, str):
        if id in measured:
            return id
        id = starts.get(id)
    return None
