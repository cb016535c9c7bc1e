"""What predictions are worth that look at no input: majority, chance, constant."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from helpers import tiny
from helpers.tiny_training import Case
from safetensors.torch import load_file, save_file

from interlude.encode.encoding import encode_task
from interlude.jobs.perform import perform
from interlude.metrics import metric_of
from interlude.training.reference import is_constant, reference_scores

Row = dict[str, Any]

SETS_OF_LABELS = [list(some) for size in range(4) for some in combinations(range(3), size)]
SAME_FOR_ALL: dict[str, Sequence[Any]] = {
    "choice": range(4),
    "span-choice": range(-1, 3),
    "spans": SETS_OF_LABELS,
    "multi-label": SETS_OF_LABELS,
    "regression": (0.0, 2.5),
    "candidate": (0.0, 0.7),
}


def predictors(form: str, rows: list[Row]) -> list[list[Any]]:
    """Return the predictions of every predictor that looks at no input."""
    if form == "tagging":
        return [[[tag] * len(row["tags"]) for row in rows] for tag in tiny.LABELS[form]]
    if form == "span":
        words = [row["passage"].split() for row in rows]
        whole = [row["passage"] for row in rows]
        return [whole, [word[0] for word in words], [word[-1] for word in words]]
    return [[value] * len(rows) for value in SAME_FOR_ALL.get(form, (0, 1))]


def gold_of(form: str, rows: list[Row]) -> list[Any]:
    if form == "span":
        return [row["answers"] for row in rows]
    if form == "tagging":
        return [[tiny.LABELS[form][tag] for tag in row["tags"]] for row in rows]
    if form == "regression":
        return [row["value"] for row in rows]
    if form in ("spans", "multi-label"):
        return [row["labels"] for row in rows]
    if form in ("answer-option", "candidate"):
        return [{"question": row["question_id"], **row} for row in rows]
    return [row["label"] for row in rows]


@pytest.mark.parametrize("form", tiny.FORMS)
def test_majority_score_is_the_best_of_all_constant_predictors(
    form: str, encoded: dict[str, Path]
) -> None:
    rows = tiny.rows(form, 40)[24:]
    metric = metric_of(tiny.METRICS[form])
    wanted = [next(iter(metric(p, gold_of(form, rows)).values())) for p in predictors(form, rows)]
    majority, _ = reference_scores(Case(form).data(encoded[form]))
    assert majority == max(wanted)


def test_majority_score_of_accuracy_is_the_share_of_the_most_frequent_label(
    encoded: dict[str, Path],
) -> None:
    labels = [row["label"] for row in tiny.rows("single", 40)[24:]]
    share = max(labels.count(0), labels.count(1)) / len(labels)
    assert reference_scores(Case("single").data(encoded["single"]))[0] == share


def test_chance_score_is_near_the_mean_of_one_over_the_number_of_choices(
    model: Path, tmp_path: Path
) -> None:
    rows = tiny.rows("choice", 400)
    parts = dict.fromkeys(("train", "validation"), rows)
    data = tiny.write_task(tmp_path / "data", "choice", parts)
    encode_task(data, tmp_path, "choice", model, 32)
    loaded = Case("choice").data(tmp_path)
    _, chance = reference_scores(loaded)
    wanted = fmean(1 / len(row["choices"]) for row in rows)
    assert chance == pytest.approx(wanted, abs=0.02)
    assert reference_scores(loaded)[1] == chance


def test_chance_score_of_tags_and_labels(encoded: dict[str, Path]) -> None:
    chances = {form: reference_scores(Case(form).data(encoded[form]))[1] for form in tiny.FORMS}
    assert chances["single"] == pytest.approx(0.5, abs=0.1)
    assert chances["pair"] == pytest.approx(0, abs=0.2)  # Matthews
    assert 0 < chances["tagging"] < 0.4
    assert 0 < chances["span"] < 0.4


@pytest.mark.parametrize("form", tiny.FORMS)
def test_predictions_that_look_at_no_input_are_recorded_as_constant(
    form: str, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    # All tokens look the same to an encoder whose last layer norm is switched off.
    blind = tmp_path / "blind"
    shutil.copytree(model, blind)
    weights = load_file(blind / "model.safetensors")
    weights["encoder.layer.1.output.LayerNorm.weight"].zero_()
    save_file(weights, blind / "model.safetensors", metadata={"format": "pt"})
    frozen = tiny.settings(learning_rate=1e-30, epochs=1)
    for of, settings, constant in (
        (model, tiny.settings(epochs=20), False),
        (blind, frozen, True),
    ):
        files = tiny.files(of, encoded[form], tmp_path / f"constant-{constant}")
        perform(tiny.job(tiny.training(form, settings=settings), files), 1, lambda _: None)
        assert tiny.read_record(files)["constant"] == constant


def test_numbers_are_constant_when_only_rounding_tells_them_apart(
    encoded: dict[str, Path],
) -> None:
    data = Case("candidate").data(encoded["candidate"])
    same, different = [-2.7] * 16, [-2.7] * 15 + [-2.69]
    rounded = [-2.7 + 1e-7 * i for i in range(16)]
    assert [is_constant(data, p) for p in (same, rounded, different)] == [True, True, False]
