"""The training loop: against a plain one, its schedule, what it selects, and how it diverges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor, nn

from interlude.runspec import RunSpec, Settings
from interlude.training.batches import training_batches
from interlude.training.loop import (
    Platform,
    TaskData,
    TaskModel,
    Trained,
    evaluate,
    train,
)
from interlude.training.run import build_model, load_data

CPU = Platform(torch.device("cpu"), bf16=False)
PLAIN = tiny.settings(
    dropout=0.0, epochs=3, weight_decay=0.3, gradient_clip=0.5, select="last", evaluations=1
)

Built = tuple[TaskModel, TaskData]
Build = Callable[[RunSpec], Built]
Curve = list[dict[str, Any]]


@pytest.fixture
def build(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Build:
    """A function: the model and data of a run."""
    torch.set_num_threads(1)

    def of(spec: RunSpec) -> Built:
        files = tiny.files(model, encoded[spec.form], tmp_path)
        data = load_data(spec, files)
        return build_model(spec, files, data), data

    return of


def run_loop(built: Built, spec: RunSpec, keep_encoder: bool = False) -> Trained:
    return train(*built, spec.settings, spec.seed, CPU, keep_encoder, lambda *_: None)


def losses(curve: Curve) -> list[float]:
    return [point["loss"] for point in curve]


def close_to(predictions: list[Any]) -> Any:
    """Return what equals predictions; numbers, up to what other batches round differently."""
    numbers = isinstance(predictions[0], float)
    return pytest.approx(predictions, abs=1e-3) if numbers else predictions


# Against a plain loop


def plain_loop(model: TaskModel, data: TaskData, settings: Settings, seed: int) -> list[float]:
    """Return the loss of every step of a loop in plain PyTorch, on the same batches."""
    encoder, head = model.encoder, model.head
    decayed = [p for m in (encoder, head) for p in m.parameters() if p.ndim > 1]
    others = [p for m in (encoder, head) for p in m.parameters() if p.ndim == 1]
    groups: list[dict[str, Any]] = [{"params": decayed}]
    groups += [{"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups, settings.learning_rate, weight_decay=settings.weight_decay, foreach=False
    )
    rows = data.train.to_pylist()
    lengths = np.array([row["length"] for row in rows])
    n_steps = math.ceil(len(rows) / settings.batch_size) * int(settings.epochs)
    warm = settings.warmup * n_steps
    batches = training_batches(lengths, settings.batch_size, np.random.default_rng(seed))
    found = []
    for step, numbers in enumerate(islice(batches, n_steps)):
        rise, fall = (step + 1) / (warm + 1), (n_steps - step) / (n_steps - warm)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (rise if step < warm else fall)
        batch = [rows[i] for i in numbers]
        hidden = encoder(**padded_to_32([ids for row in batch for ids in row["input_ids"]], batch))
        longest = max(row["length"] for row in batch)
        loss = head(hidden.last_hidden_state[:, :longest], data.form.targets(batch)).loss
        optimizer.zero_grad()
        loss.backward()
        gradients = [p.grad for p in [*decayed, *others] if p.grad is not None]
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        for gradient in gradients:
            gradient.mul_(min(1.0, settings.gradient_clip / norm))
        optimizer.step()
        found.append(loss.item())
    return found


def padded_to_32(sequences: list[list[int]], batch: list[dict[str, Any]]) -> dict[str, Tensor]:
    """Return inputs that are padded to one length, with a mask, whatever the batch."""
    types = [ids for row in batch for ids in row["token_type_ids"]]
    rest = [32 - len(ids) for ids in sequences]
    columns = {
        "input_ids": [ids + [0] * n for ids, n in zip(sequences, rest, strict=True)],
        "token_type_ids": [ids + [0] * n for ids, n in zip(types, rest, strict=True)],
        "attention_mask": [[1] * (32 - n) + [0] * n for n in rest],
    }
    return {name: torch.tensor(values) for name, values in columns.items()}


def with_plain_embedding(model: TaskModel) -> TaskModel:
    """Give an encoder its own embedding back, all of whose rows are trained."""
    encoder: Any = model.encoder
    whole = encoder.get_input_embeddings().weight.detach().clone()
    encoder.set_input_embeddings(nn.Embedding.from_pretrained(whole, freeze=False))
    return TaskModel(encoder, model.head)


@pytest.mark.parametrize("form", tiny.FORMS)
def test_loss_curve_and_weights_are_those_of_a_plain_loop(form: str, build: Build) -> None:
    spec = tiny.spec(form, settings=PLAIN)
    model, data = build(spec)
    result = run_loop((model, data), spec, keep_encoder=True)
    plain = with_plain_embedding(build(spec)[0])
    wanted = plain_loop(plain.train(), data, PLAIN, spec.seed)
    assert [point["step"] for point in result.curve] == list(range(1, len(wanted) + 1))
    np.testing.assert_allclose(losses(result.curve), wanted, atol=1e-5)

    assert result.encoder is not None
    for name, weight in plain.encoder.state_dict().items():
        if weight.ndim > 1:  # the loss is blind to some biases, whose gradient is rounding error
            torch.testing.assert_close(result.encoder[name], weight, atol=2e-4, rtol=1e-3)
    assert result.predictions == close_to(evaluate(plain, data, CPU)[1])


def test_a_point_of_the_curve_is_the_mean_loss_since_the_last_point(build: Build) -> None:
    spec = tiny.spec("single", settings=replace(PLAIN, batch_size=1))
    model, data = build(spec)
    result = run_loop((model, data), spec)
    plain = with_plain_embedding(build(spec)[0])
    wanted = plain_loop(plain.train(), data, spec.settings, spec.seed)
    steps = [0, *(int(point["step"] or 0) for point in result.curve)]
    assert steps == [0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66, 72]
    means = [np.mean(wanted[a:b]) for a, b in pairwise(steps)]
    np.testing.assert_allclose(losses(result.curve), means, atol=1e-4)


# What it learns


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_few_steps_lower_the_loss(form: str, build: Build) -> None:
    spec = tiny.spec(form, settings=tiny.settings(epochs=8, dropout=0.0))
    curve = run_loop(build(spec), spec).curve
    assert np.mean(losses(curve)[-2:]) < 0.6 * losses(curve)[0]


def test_it_learns_a_task_that_can_be_learnt(build: Build) -> None:
    settings = tiny.settings(epochs=20, learning_rate=5e-3, evaluations=20)
    spec = tiny.spec("single", settings=settings)
    result = run_loop(build(spec), spec)
    assert result.scores["accuracy"] == 1
    perfect = [point["step"] for point in result.curve if point["score"] == 1]
    assert result.best_step == perfect[0] < perfect[-1], "of equal scores the first is kept"


def test_predictions_are_in_the_order_of_the_rows(build: Build) -> None:
    for form in tiny.FORMS:
        spec = tiny.spec(form, settings=tiny.settings(epochs=8))
        model, data = build(spec)
        run_loop((model, data), spec)
        scores, predictions = evaluate(model, data, CPU)
        single_rows = [replace(data, validation=data.validation.slice(i, 1)) for i in range(16)]
        one_by_one = [evaluate(model, row, CPU)[1][0] for row in single_rows]
        assert predictions == close_to(one_by_one)
        assert len({str(prediction) for prediction in predictions}) > 1
        assert scores == data.metric(predictions, data.form.gold(data.validation.to_pylist()))


def test_tokens_are_counted_without_padding(build: Build) -> None:
    spec = tiny.spec("choice", settings=tiny.settings(epochs=2, evaluations=3))
    model, data = build(spec)
    result = run_loop((model, data), spec)
    assert result.tokens == 2 * sum(data.train["tokens"].to_pylist())
    assert result.evaluation_tokens == 3 * sum(data.validation["tokens"].to_pylist())


# What is kept


def test_evaluations_are_at_their_steps(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=4, evaluations=3))
    scored = [p["step"] for p in run_loop(build(spec), spec).curve if p["score"] is not None]
    assert scored == [4, 8, 12]


def test_best_keeps_the_first_best_evaluation_and_last_the_last(build: Build) -> None:
    settings = tiny.settings(epochs=4, evaluations=12, learning_rate=2e-2)
    spec = tiny.spec("tagging", settings=settings)
    best = run_loop(build(spec), spec, keep_encoder=True)
    scores = {int(p["step"] or 0): float(p["score"] or 0) for p in best.curve}
    highest = max(scores.values())
    assert best.best_step == min(step for step, score in scores.items() if score == highest)
    assert best.scores["entity_f1"] == highest
    assert best.best_step != 12, "the case shows nothing when the last evaluation is the best"

    last_spec = replace(spec, settings=replace(settings, select="last"))
    last = run_loop(build(last_spec), last_spec, keep_encoder=True)
    assert last.best_step == 12
    assert last.scores["entity_f1"] == scores[12]
    assert best.encoder is not None
    assert last.encoder is not None
    different = [not torch.equal(best.encoder[name], last.encoder[name]) for name in best.encoder]
    assert any(different)


@pytest.mark.parametrize("select", ["best", "last"])
def test_kept_encoder_gives_the_kept_predictions(select: str, build: Build) -> None:
    settings = tiny.settings(epochs=4, evaluations=4, learning_rate=2e-2, select=select)
    spec = tiny.spec("tagging", settings=settings)
    model, data = build(spec)
    result = run_loop((model, data), spec, keep_encoder=True)
    stopped = replace(spec, settings=replace(settings, select="last"))
    heads: dict[int, dict[str, Tensor]] = {}

    def note_head(step: int, *_: Any) -> None:
        heads[step] = {name: weight.clone() for name, weight in again.head.state_dict().items()}

    again, _ = build(stopped)
    train(again, data, stopped.settings, spec.seed, CPU, False, note_head)
    assert result.encoder is not None
    assert result.best_step is not None
    rebuilt = with_plain_embedding(build(spec)[0])
    rebuilt.encoder.load_state_dict(result.encoder)
    rebuilt.head.load_state_dict(heads[result.best_step])
    assert evaluate(rebuilt, data, CPU) == (result.scores, result.predictions)


def test_no_weights_are_kept_unless_asked_for(build: Build) -> None:
    spec = tiny.spec("single")
    assert run_loop(build(spec), spec).encoder is None


# Interim evaluations and early stopping


def test_every_so_many_steps_is_evaluated_and_the_last_step_too(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=4, evaluate_every=5))
    result = run_loop(build(spec), spec)
    assert (result.planned_steps, result.steps, result.stopped_by) == (15, 15, "schedule")
    assert [p["step"] for p in result.curve if p["score"] is not None] == [5, 10, 15]


def test_a_run_ends_after_evaluations_without_a_better_score(build: Build) -> None:
    settings = tiny.settings(epochs=20, learning_rate=5e-3, evaluations=20)
    spec = tiny.spec("single", settings=settings)
    whole = run_loop(build(spec), spec)
    patient = replace(spec, settings=replace(settings, patience=3))
    result = run_loop(build(patient), patient, keep_encoder=True)
    points = [p for p in whole.curve if p["score"] is not None]
    scores = [float(p["score"] or 0) for p in points]
    last = next(n for n in range(3, 20) if max(scores[n - 2 : n + 1]) <= max(scores[: n - 2]))
    assert result.stopped_by == "patience"
    assert (result.planned_steps, result.steps) == (60, points[last]["step"])
    assert result.curve == [p for p in whole.curve if int(p["step"] or 0) <= result.steps]
    assert result.best_step == whole.best_step
    assert result.predictions == whole.predictions


@pytest.mark.parametrize("form", tiny.FORMS)
def test_interim_evaluations_see_the_first_examples_and_the_kept_model_all(
    form: str, build: Build
) -> None:
    settings = tiny.settings(epochs=4, evaluations=12, learning_rate=1e-2)
    spec = tiny.spec(form, settings=settings)
    model, data = build(spec)
    first_six = replace(data, validation=data.validation.slice(0, 6))
    wanted = run_loop((model, first_six), spec, keep_encoder=True)
    partly = replace(spec, settings=replace(settings, interim_examples=6))
    result = run_loop(build(partly), partly, keep_encoder=True)
    assert result.curve == wanted.curve
    assert result.best_step == wanted.best_step
    assert len(result.predictions) == 16
    assert result.predictions[:6] == close_to(wanted.predictions)
    assert result.scores == data.metric(
        result.predictions, data.form.gold(data.validation.to_pylist())
    )
    assert wanted.encoder is not None
    assert result.encoder is not None
    assert all(torch.equal(result.encoder[name], wanted.encoder[name]) for name in wanted.encoder)
    seen = data.validation["tokens"].to_pylist()
    assert result.evaluation_tokens == 12 * sum(seen[:6]) + sum(seen)


def test_interim_evaluations_of_all_examples_are_not_repeated(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=2, evaluations=3, interim_examples=16))
    model, data = build(spec)
    result = run_loop((model, data), spec)
    assert result.evaluation_tokens == 3 * sum(data.validation["tokens"].to_pylist())
    assert result.encoder is None


@pytest.mark.parametrize("form", tiny.FORMS)
def test_bert_adam_lowers_the_loss(form: str, build: Build) -> None:
    settings = tiny.settings(epochs=8, dropout=0.0, optimizer="bert-adam", learning_rate=1e-3)
    spec = tiny.spec(form, settings=settings)
    curve = run_loop(build(spec), spec).curve
    assert np.mean(losses(curve)[-2:]) < 0.6 * losses(curve)[0]


# Divergence


def test_a_loss_that_is_not_finite_ends_the_run_without_a_result(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(learning_rate=1e30, epochs=4))
    result = run_loop(build(spec), spec, keep_encoder=True)
    assert result.diverged
    assert (result.best_step, result.scores, result.predictions) == (None, {}, [])
    assert result.encoder is None
    assert all(math.isfinite(loss) for loss in losses(result.curve))


def test_a_run_that_diverges_after_an_evaluation_has_no_result_either(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=4, evaluations=12))
    model, data = build(spec)
    said = []

    def poison(step: int, _: int, loss: float, score: float | None) -> None:
        said.append((step, loss, score))
        if step == 5:
            nn.init.constant_(next(model.head.parameters()), math.nan)

    result = train(model, data, spec.settings, spec.seed, CPU, True, poison)
    assert result.diverged
    assert (result.planned_steps, result.steps, result.stopped_by) == (12, 6, "divergence")
    assert (result.best_step, result.scores, result.predictions) == (None, {}, [])
    assert result.encoder is None
    assert [point["step"] for point in result.curve] == [1, 2, 3, 4, 5]
    assert said[-1][0] == 6
    assert math.isnan(said[-1][1])
    assert said[-1][2] is None


def test_a_last_step_that_ruins_the_weights_leaves_no_result(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=0.1))
    model, data = build(spec)
    next(model.head.parameters()).register_hook(lambda gradient: gradient * math.inf)
    result = run_loop((model, data), spec, keep_encoder=True)
    assert result.steps == 1
    assert result.diverged
    assert result.encoder is None


def test_progress_is_reported_at_the_points_of_the_curve(build: Build) -> None:
    spec = tiny.spec("single", settings=tiny.settings(epochs=10, evaluations=2))
    model, data = build(spec)
    said: list[Any] = []
    result = train(
        model, data, spec.settings, spec.seed, CPU, False, lambda *all_: said.append(all_)
    )
    assert said == [(p["step"], 30, p["loss"], p["score"]) for p in result.curve]
    assert len(said) == 12
