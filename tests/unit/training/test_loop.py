"""The training loop: against a plain one, its schedule, what it selects, and how it diverges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.plain import plain_loop
from helpers.tiny_training import Case
from torch import nn

from interlude.training import build as building
from interlude.training.data import TaskData, alone
from interlude.training.encoder import load_encoder
from interlude.training.loop import evaluate, train
from interlude.training.platform import Platform
from interlude.training.state import TaskModel, Trained

CPU = Platform(torch.device("cpu"), bf16=False)
PLAIN = tiny.settings(
    dropout=0.0, epochs=3, weight_decay=0.3, gradient_clip=0.5, select="last", evaluations=1
)

Built = tuple[TaskModel, TaskData]
Build = Callable[[Case], Built]
Curve = list[dict[str, Any]]


@pytest.fixture
def build(model: Path, encoded: dict[str, Path]) -> Build:
    """A function: the model and data of a run."""
    torch.set_num_threads(1)

    return lambda spec: spec.built(model, encoded[spec.form])


def run_loop(built: Built, spec: Case, keep_weights: bool = False) -> Trained:
    model, data = built
    return train(model, alone(data), spec.settings, spec.seed, CPU, keep_weights, lambda *_: None)


def losses(curve: Curve) -> list[float]:
    return [point["loss"] for point in curve]


def close_to(predictions: list[Any]) -> Any:
    """Return what equals predictions; numbers, up to what other batches round differently."""
    numbers = isinstance(predictions[0], float)
    return pytest.approx(predictions, abs=1e-3) if numbers else predictions


# Against a plain loop


def plain_model(folder: Path, built: TaskModel, dropout: float = 0.0) -> TaskModel:
    """Return the encoder as it was loaded, all of it trained and computed, under the same head."""
    return TaskModel(load_encoder(folder, layers=None, dropout=dropout), [built.head])


@pytest.mark.parametrize("form", tiny.FORMS)
def test_loss_curve_and_weights_are_those_of_a_plain_loop(
    form: str, build: Build, model: Path
) -> None:
    spec = Case(form, settings=PLAIN)
    trained, data = build(spec)
    result = run_loop((trained, data), spec, keep_weights=True)
    plain = plain_model(model, build(spec)[0])
    wanted = plain_loop(plain.train(), alone(data), PLAIN, spec.seed, places=32)
    assert [point["step"] for point in result.part.curve] == list(range(1, len(wanted) + 1))
    np.testing.assert_allclose(losses(result.part.curve), wanted, atol=1e-5)

    assert result.encoder is not None
    for name, weight in plain.encoder.state_dict().items():
        if weight.ndim > 1:  # the loss is blind to some biases, whose gradient is rounding error
            torch.testing.assert_close(result.encoder[name], weight, atol=2e-4, rtol=1e-3)
    assert result.part.predictions == close_to(evaluate(plain, data, CPU)[1])


@pytest.mark.parametrize("form", tiny.FORMS)
def test_with_dropout_of_the_same_masks_too(
    form: str, build: Build, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last layer at the first token alone draws fewer.
    monkeypatch.setattr(building, "read_first_token_only", lambda _: None)
    spec = Case(form, settings=replace(PLAIN, dropout=0.2))
    built = build(spec)
    plain = plain_model(model, build(spec)[0], dropout=0.2)
    building.seed_everything(5)
    result = run_loop(built, spec)
    building.seed_everything(5)
    wanted = plain_loop(plain.train(), alone(built[1]), spec.settings, spec.seed, places=None)
    np.testing.assert_allclose(losses(result.part.curve), wanted, atol=1e-5)


def test_a_point_of_the_curve_is_the_mean_loss_since_the_last_point(
    build: Build, model: Path
) -> None:
    spec = Case("single", settings=replace(PLAIN, batch_size=1))
    built = build(spec)
    result = run_loop(built, spec)
    plain = plain_model(model, build(spec)[0])
    wanted = plain_loop(plain.train(), alone(built[1]), spec.settings, spec.seed, places=32)
    steps = [0, *(int(point["step"] or 0) for point in result.part.curve)]
    assert steps == [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66, 72]
    means = [np.mean(wanted[a:b]) for a, b in pairwise(steps)]
    np.testing.assert_allclose(losses(result.part.curve), means, atol=1e-4)


# What it learns


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_few_steps_lower_the_loss(form: str, build: Build) -> None:
    spec = Case(form, settings=tiny.settings(epochs=8, dropout=0.0))
    curve = run_loop(build(spec), spec).part.curve
    assert np.mean(losses(curve)[-2:]) < 0.6 * losses(curve)[0]


def test_it_learns_a_task_that_can_be_learnt(build: Build) -> None:
    settings = tiny.settings(epochs=20, learning_rate=5e-3, evaluations=20)
    spec = Case("single", settings=settings)
    result = run_loop(build(spec), spec)
    assert result.part.scores["accuracy"] == 1
    perfect = [point["step"] for point in result.part.curve if point["score"] == 1]
    assert result.part.best_step == perfect[0] < perfect[-1], "of equal scores the first is kept"


def test_predictions_are_in_the_order_of_the_rows(build: Build) -> None:
    for form in tiny.FORMS:
        spec = Case(form, settings=tiny.settings(epochs=8))
        model, data = build(spec)
        run_loop((model, data), spec)
        scores, predictions = evaluate(model, data, CPU)
        single_rows = [replace(data, validation=data.validation.slice(i, 1)) for i in range(16)]
        one_by_one = [evaluate(model, row, CPU)[1][0] for row in single_rows]
        assert predictions == close_to(one_by_one)
        assert len({str(prediction) for prediction in predictions}) > 1
        assert scores == data.metric(predictions, data.form.gold(data.validation.to_pylist()))


def test_tokens_are_counted_without_padding(build: Build) -> None:
    spec = Case("choice", settings=tiny.settings(epochs=2, evaluations=3))
    model, data = build(spec)
    result = run_loop((model, data), spec)
    assert result.tokens == 2 * sum(data.train["tokens"].to_pylist())
    assert result.evaluation_tokens == 3 * sum(data.validation["tokens"].to_pylist())


# What is kept


def test_evaluations_are_at_their_steps(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=4, evaluations=3))
    scored = [p["step"] for p in run_loop(build(spec), spec).part.curve if p["score"] is not None]
    assert scored == [4, 8, 12]


def test_best_keeps_the_first_best_evaluation_and_last_the_last(build: Build) -> None:
    settings = tiny.settings(epochs=4, evaluations=12, learning_rate=2e-2)
    spec = Case("tagging", settings=settings)
    best = run_loop(build(spec), spec, keep_weights=True)
    scores = {int(p["step"] or 0): float(p["score"] or 0) for p in best.part.curve}
    highest = max(scores.values())
    assert best.part.best_step == min(step for step, score in scores.items() if score == highest)
    assert best.part.scores["entity_f1"] == highest
    assert best.part.best_step != 12, "the case shows nothing when the last evaluation is the best"

    last_spec = replace(spec, settings=replace(settings, select="last"))
    last = run_loop(build(last_spec), last_spec, keep_weights=True)
    assert last.part.best_step == 12
    assert last.part.scores["entity_f1"] == scores[12]
    assert best.encoder is not None
    assert last.encoder is not None
    different = [not torch.equal(best.encoder[name], last.encoder[name]) for name in best.encoder]
    assert any(different)


@pytest.mark.parametrize("select", ["best", "last"])
def test_kept_encoder_gives_the_kept_predictions(select: str, build: Build, model: Path) -> None:
    settings = tiny.settings(epochs=4, evaluations=4, learning_rate=2e-2, select=select)
    spec = Case("tagging", settings=settings)
    trained, data = build(spec)
    result = run_loop((trained, data), spec, keep_weights=True)
    stopped = replace(spec, settings=replace(settings, select="last"))
    heads: dict[int, dict[str, torch.Tensor]] = {}

    def note_head(step: int, *_: Any) -> None:
        heads[step] = {name: weight.clone() for name, weight in again.head.state_dict().items()}

    again, _ = build(stopped)
    train(again, alone(data), stopped.settings, spec.seed, CPU, False, note_head)
    assert result.encoder is not None
    assert result.part.best_step is not None
    rebuilt = plain_model(model, build(spec)[0])
    rebuilt.encoder.load_state_dict(result.encoder)
    rebuilt.head.load_state_dict(heads[result.part.best_step])
    assert evaluate(rebuilt, data, CPU) == (result.part.scores, result.part.predictions)


def test_no_weights_are_kept_unless_asked_for(build: Build) -> None:
    spec = Case("single")
    assert run_loop(build(spec), spec).encoder is None


# Interim evaluations and early stopping


def test_every_so_many_steps_is_evaluated_and_the_last_step_too(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=4, evaluate_every=5))
    result = run_loop(build(spec), spec)
    assert (result.planned_steps, result.steps, result.stopped_by) == (15, 15, "schedule")
    assert [p["step"] for p in result.part.curve if p["score"] is not None] == [5, 10, 15]


def test_a_run_ends_after_evaluations_without_a_better_score(build: Build) -> None:
    settings = tiny.settings(epochs=20, learning_rate=5e-3, evaluations=20)
    spec = Case("single", settings=settings)
    whole = run_loop(build(spec), spec)
    patient = replace(spec, settings=replace(settings, patience=3))
    result = run_loop(build(patient), patient, keep_weights=True)
    points = [p for p in whole.part.curve if p["score"] is not None]
    scores = [float(p["score"] or 0) for p in points]
    last = next(n for n in range(3, 20) if max(scores[n - 2 : n + 1]) <= max(scores[: n - 2]))
    assert result.stopped_by == "patience"
    assert (result.planned_steps, result.steps) == (60, points[last]["step"])
    assert result.part.curve == [p for p in whole.part.curve if int(p["step"] or 0) <= result.steps]
    assert result.part.best_step == whole.part.best_step
    assert result.part.predictions == whole.part.predictions


@pytest.mark.parametrize("form", tiny.FORMS)
def test_interim_evaluations_see_the_first_examples_and_the_kept_model_all(
    form: str, build: Build
) -> None:
    settings = tiny.settings(epochs=4, evaluations=12, learning_rate=1e-2)
    spec = Case(form, settings=settings)
    model, data = build(spec)
    first_six = replace(data, validation=data.validation.slice(0, 6))
    wanted = run_loop((model, first_six), spec, keep_weights=True)
    partly = replace(spec, settings=replace(settings, interim_examples=6))
    result = run_loop(build(partly), partly, keep_weights=True)
    assert result.part.curve == wanted.part.curve
    assert result.part.best_step == wanted.part.best_step
    assert len(result.part.predictions) == 16
    assert result.part.predictions[:6] == close_to(wanted.part.predictions)
    assert result.part.scores == data.metric(
        result.part.predictions, data.form.gold(data.validation.to_pylist())
    )
    assert wanted.encoder is not None
    assert result.encoder is not None
    assert all(torch.equal(result.encoder[name], wanted.encoder[name]) for name in wanted.encoder)
    seen = data.validation["tokens"].to_pylist()
    assert result.evaluation_tokens == 12 * sum(seen[:6]) + sum(seen)


def test_interim_evaluations_of_all_examples_are_not_repeated(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=2, evaluations=3, interim_examples=16))
    model, data = build(spec)
    result = run_loop((model, data), spec)
    assert result.evaluation_tokens == 3 * sum(data.validation["tokens"].to_pylist())
    assert result.encoder is None


@pytest.mark.parametrize("form", tiny.FORMS)
def test_bert_adam_lowers_the_loss(form: str, build: Build) -> None:
    settings = tiny.settings(epochs=8, dropout=0.0, optimizer="bert-adam", learning_rate=1e-3)
    spec = Case(form, settings=settings)
    curve = run_loop(build(spec), spec).part.curve
    assert np.mean(losses(curve)[-2:]) < 0.6 * losses(curve)[0]


# Divergence


def test_a_loss_that_is_not_finite_ends_the_run_without_a_result(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(learning_rate=1e30, epochs=4))
    result = run_loop(build(spec), spec, keep_weights=True)
    assert result.diverged
    assert (result.part.best_step, result.part.scores, result.part.predictions) == (None, {}, [])
    assert result.encoder is None
    assert all(math.isfinite(loss) for loss in losses(result.part.curve))


def test_a_run_that_diverges_after_an_evaluation_has_no_result_either(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=4, evaluations=12))
    model, data = build(spec)
    said = []

    def poison(step: int, _: int, loss: float, score: float | None) -> None:
        said.append((step, loss, score))
        if step == 5:
            nn.init.constant_(next(model.head.parameters()), math.nan)

    result = train(model, alone(data), spec.settings, spec.seed, CPU, True, poison)
    assert result.diverged
    assert (result.planned_steps, result.steps, result.stopped_by) == (12, 6, "divergence")
    assert (result.part.best_step, result.part.scores, result.part.predictions) == (None, {}, [])
    assert result.encoder is None
    assert [point["step"] for point in result.part.curve] == [1, 2, 3, 4, 5]
    assert said[-1][0] == 6
    assert math.isnan(said[-1][1])
    assert said[-1][2] is None


def test_a_last_step_that_ruins_the_weights_leaves_no_result(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=0.1))
    model, data = build(spec)
    next(model.head.parameters()).register_hook(lambda gradient: gradient * math.inf)
    result = run_loop((model, data), spec, keep_weights=True)
    assert result.steps == 1
    assert result.diverged
    assert result.encoder is None


def test_progress_is_reported_at_the_points_of_the_curve(build: Build) -> None:
    spec = Case("single", settings=tiny.settings(epochs=10, evaluations=2))
    model, data = build(spec)
    said: list[Any] = []
    result = train(
        model, alone(data), spec.settings, spec.seed, CPU, False, lambda *all_: said.append(all_)
    )
    assert said == [(p["step"], 30, p["loss"], p["score"]) for p in result.part.curve]
    assert len(said) == 12
