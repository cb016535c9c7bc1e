"""Any metric of the library `evaluate`, which a task file names: key evaluate.

Loading one runs its Python and, with the library, takes seconds: so it is loaded where a task with
it is trained, and nowhere else. It comes from a folder that was prepared before, without a network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from interlude.errors import InputError, few
from interlude.metrics import Scores

LIMIT = 1 + 1e-6  # of a score's size: those of fp32 may be a little above 1
HIGHEST = 100  # the other scale that a metric may have


def evaluate(
    predicted: Sequence[Any],
    gold: Sequence[Any],
    *,
    script: Path,
    score: str,
    where: str,
    out_of: int = 1,
    config: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Scores:
    """Return the number that the metric calls `score`, divided by `out_of`, and its other numbers.

    script: the metric's own file. where: the task and its key, for messages. config, options: of
    `evaluate.load` and of `compute`. The score of predictions that are all the same is 0 where the
    metric has none (nan), as that of a correlation. Raises InputError for a metric that cannot be
    loaded or does not take such predictions, a score that is not there, not finite, or not within
    -1 and 1.
    """
    metric = _loaded(script, config, where)
    try:
        result = metric.compute(**_as_asked(metric, predicted, gold, where), **(options or {}))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{where}: {script.stem} gives no score: {_said(error)}.") from None
    numbers = {name: float(each) for name, each in (result or {}).items() if _is_number(each)}
    if score not in numbers:
        found = few(sorted(numbers)) or "none"
        raise InputError(
            f"{where}.score: found {score!r}, which is no number that {script.stem} gives. "
            f"Allowed: {found}."
        )
    value = _checked(numbers.pop(score) / out_of, predicted, out_of, where)
    return {score: value, **{name: each for name, each in numbers.items() if math.isfinite(each)}}


def _checked(value: float, predicted: Sequence[Any], out_of: int, where: str) -> float:
    if math.isnan(value) and all(each == predicted[0] for each in predicted):
        return 0.0
    if not abs(value) <= LIMIT:
        hint = f"; out_of: {HIGHEST} where that is its highest" if out_of != HIGHEST else ""
        raise InputError(
            f"{where}.score: found a score of {value:.6g}. Allowed: a finite number from -1 to "
            f"1{hint}."
        )
    return value


@cache
def _loaded(script: Path, config: str | None, where: str) -> Any:
    """Return the metric that a script defines, loaded without a network."""
    import evaluate as library  # noqa: PLC0415  takes seconds

    library.config.HF_EVALUATE_OFFLINE = True
    try:
        return library.load(str(script), config_name=config, keep_in_memory=True)
    except Exception as error:
        raise InputError(
            f"{where}: {script.stem} cannot be loaded: {_said(error)}. Allowed: a metric that "
            "needs no more than its own files and the packages that are here, no download."
        ) from None


def _as_asked(
    metric: Any, predicted: Sequence[Any], gold: Sequence[Any], where: str
) -> dict[str, list[Any]]:
    """Return predictions and references as the features of a metric ask for them.

    Labels and numbers go as they are. Of answers, which are texts, each reference is the list of
    all right ones: a metric that takes SQuAD's columns gets these, one that takes lists the lists,
    and one that takes a text the one right answer.
    """
    asked = metric.features if isinstance(metric.features, list) else [metric.features]
    given = {"predictions": list(predicted), "references": list(gold)}
    if not isinstance(predicted[0], str):
        return given
    if isinstance(asked[0]["predictions"], Mapping):
        return _as_squad(predicted, gold)
    if any(getattr(each["references"], "dtype", None) != "string" for each in asked):
        return given
    return given | {"references": [_only(answers, where) for answers in gold]}


def _as_squad(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> dict[str, list[Any]]:
    """Return answers with ids; where they start is not looked at by the metric of SQuAD."""
    ids = list(map(str, range(len(gold))))
    given = zip(ids, predicted, gold, strict=True)
    predictions, references = [], []
    for each, text, answers in given:
        predictions.append({"id": each, "prediction_text": text})
        right = {"text": list(answers), "answer_start": [0] * len(answers)}
        references.append({"id": each, "answers": right})
    return {"predictions": predictions, "references": references}


def _only(answers: Sequence[str], where: str) -> str:
    if len(set(answers)) > 1:
        raise InputError(
            f"{where}: found {len(set(answers))} right answers to a question, and a metric that "
            "takes one. Allowed: one right answer each, or a metric that takes several, as squad."
        )
    return answers[0]


def _is_number(value: Any) -> bool:
    """Tell whether a value is one number, of Python or of numpy."""
    return isinstance(value, Real) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _said(error: Exception) -> str:
    """Return what an error says, in a line."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first[:200]}".rstrip(". :")
