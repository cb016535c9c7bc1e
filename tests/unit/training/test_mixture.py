"""Several tasks in one training: what is drawn, what is learnt, and what is kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.plain import plain_loop
from helpers.tiny_training import Case, outcome

from interlude.forms.head import TiedHead
from interlude.jobs.checkpoint import Checkpoints
from interlude.training.batches import Batch
from interlude.training.build import build_model
from interlude.training.data import TrainingData, masked, mixed
from interlude.training.encoder import load_encoder
from interlude.training.loop import evaluate, train
from interlude.training.mixture import Mixture
from interlude.training.platform import Platform
from interlude.training.reference import first_score
from interlude.training.samplers import sampler_of
from interlude.training.shared_heads import sharing
from interlude.training.state import TaskModel, Trained

CPU = Platform(torch.device("cpu"), bf16=False)
SAMPLERS = ("uniform", "size", "proportional", "temperature", "dynamic")
MIXINGS = ("mixed", "alternating")
MLM = "mlm"  # in place of a form: masks the texts of the tasks beside it
SIZES = np.array([40, 10, 90])
SETTINGS = tiny.settings(dropout=0.0, epochs=2, weight_decay=0.3, gradient_clip=0.5, evaluations=4)

Mix = Callable[..., TrainingData]


# What is drawn


@pytest.mark.parametrize(
    ("sampler", "counts"), [("uniform", [10, 10, 10]), ("size", SIZES), ("proportional", SIZES)]
)
def test_an_epoch_has_so_many_examples_of_each_task(sampler: str, counts: list[int]) -> None:
    drawn = sampler_of(sampler)(SIZES, np.random.default_rng(1))
    assert list(np.bincount(drawn)) == list(counts)
    assert len(set(drawn[:10])) > 1, "in random order"


def test_proportional_draws_at_most_16384_of_a_task() -> None:
    drawn = sampler_of("proportional")(np.array([30_000, 5]), np.random.default_rng(1))
    assert list(np.bincount(drawn)) == [16_384, 5]


def test_temperature_draws_as_many_as_there_are_by_the_square_roots_of_the_sizes() -> None:
    sizes = np.array([90_000, 10_000])
    drawn = np.bincount(sampler_of("temperature")(sizes, np.random.default_rng(1)))
    assert drawn.sum() == 100_000
    assert drawn[0] / drawn.sum() == pytest.approx(3 / 4, abs=0.005)


def test_dynamic_draws_as_many_as_there_are_at_first_by_size() -> None:
    drawn = np.bincount(sampler_of("dynamic")(SIZES * 1000, np.random.default_rng(1)))
    assert drawn.sum() == SIZES.sum() * 1000
    np.testing.assert_allclose(drawn / drawn.sum(), SIZES / SIZES.sum(), atol=0.005)


def test_dynamic_then_draws_more_of_what_lags_behind_its_score_alone() -> None:
    lags = np.array([0.5, -0.25, 0.0])
    weights = [math.e**0.5, math.e**-0.25, 1.0]
    drawn = np.bincount(sampler_of("dynamic")(SIZES * 1000, np.random.default_rng(1), lags))
    assert drawn.sum() == SIZES.sum() * 1000
    np.testing.assert_allclose(drawn / drawn.sum(), np.array(weights) / sum(weights), atol=0.005)


def test_dynamic_asks_for_the_scores_at_the_end_of_each_epoch() -> None:
    mixture = Mixture("dynamic", "mixed", references=(0.9, 0.8, -0.3))
    asked: list[tuple[int, int]] = []
    seen: list[Batch] = []

    def scores(epoch: int) -> list[float]:
        asked.append((epoch, len(seen)))
        return [0.9, 0.3, -0.7]

    lengths = [np.arange(size) % 7 + 3 for size in SIZES]
    steps = mixture.steps_per_epoch(list(SIZES), 8)
    batches = mixture.batches(lengths, 8, np.random.default_rng(1), scores)
    for batch in islice(batches, 3 * steps):
        seen.append(batch)
    assert asked == [(1, steps), (2, 2 * steps)]
    shares = np.exp([0.0, 0.5, 0.0])  # a score below 0 counts as 0
    assert mixture.shares(list(SIZES), [0.9, 0.3, -0.7]) == pytest.approx(shares / shares.sum())
    assert mixture.shares(list(SIZES), None) == pytest.approx(SIZES / SIZES.sum())
    drawn = [len(numbers_of(seen[steps:], task)) for task in range(3)]
    np.testing.assert_allclose(np.array(drawn) / sum(drawn), shares / shares.sum(), atol=0.1)


def batches_of(sampler: str, mixing: str, epochs: int = 1) -> list[Batch]:
    """Return the batches of some epochs, of 8 examples each."""
    mixture = Mixture(sampler, mixing)
    lengths = [np.arange(size) % 7 + 3 for size in SIZES]
    steps = epochs * mixture.steps_per_epoch(list(SIZES), 8)
    return list(islice(mixture.batches(lengths, 8, np.random.default_rng(1)), steps))


def numbers_of(batches: list[Batch], task: int) -> list[int]:
    return [int(i) for batch in batches for part, numbers in batch if part == task for i in numbers]


@pytest.mark.parametrize("mixing", MIXINGS)
def test_by_size_an_epoch_sees_each_example_once(mixing: str) -> None:
    for epochs in (1, 2):
        batches = batches_of("size", mixing, epochs)
        for task, size in enumerate(SIZES):
            assert sorted(numbers_of(batches, task)) == sorted([*range(size)] * epochs)


def test_uniform_goes_on_in_a_large_task_where_the_last_epoch_ended() -> None:
    batches = batches_of("uniform", "mixed", epochs=4)
    assert sorted(numbers_of(batches, 0)) == list(range(40))
    assert sorted(numbers_of(batches, 1)) == sorted([*range(10)] * 4)
    assert len(set(numbers_of(batches, 2))) == 40


def test_mixed_batches_are_slices_of_what_is_drawn() -> None:
    batches = batches_of("size", "mixed")
    assert [sum(len(numbers) for _, numbers in batch) for batch in batches] == [8] * 17 + [4]
    assert sum(len(batch) > 1 for batch in batches) > 10, "several tasks in most of them"
    assert all(len(numbers) for batch in batches for _, numbers in batch)


def test_alternating_batches_are_of_one_task() -> None:
    batches = batches_of("size", "alternating")
    assert all(len(batch) == 1 for batch in batches)
    order = [batch[0][0] for batch in batches]
    assert [order.count(task) for task in range(3)] == [5, 2, 12]
    assert order != sorted(order), "in random order"


def test_little_of_a_mixed_batch_is_padding() -> None:
    lengths = [np.random.default_rng(task).integers(5, 100, size=2000) for task in range(2)]
    batches = Mixture("size", "mixed").batches(lengths, 16, np.random.default_rng(1))
    real = padded = 0
    for batch in islice(batches, 250):
        for task, numbers in batch:
            real += lengths[task][numbers].sum()
            padded += lengths[task][numbers].max() * len(numbers)
    assert padded / real < 1.1


# What is learnt


@pytest.fixture
def mix(encoded: dict[str, Path], model: Path) -> Mix:
    """A function: the data of a training on the tiny tasks of some forms."""
    torch.set_num_threads(1)

    def make(
        *forms: str,
        sampler: str = "size",
        mixing: str = "mixed",
        kept: str = "per-task",
        heads: str = "per-task",
    ) -> TrainingData:
        cases = [
            Case(form, SETTINGS, examples=24 - 8 * n, standardise=form == "regression")
            for n, form in enumerate(forms)
        ]
        parts = [case.data(encoded[case.form]) for case in cases if case.form != MLM]
        if MLM in forms:
            parts.append(masked(parts, model, pretrained=True))
        references: list[float] = []
        if sampler == "dynamic":
            parts = [replace(part, held_aside=part.validation.slice(0, 8)) for part in parts]
            references = [0.9 - 0.3 * n for n in range(len(forms))]
        return mixed(parts, sampler, mixing, kept, heads, references)

    return make


def built(model: Path, data: TrainingData, settings: Any = SETTINGS) -> TaskModel:
    return build_model(model, None, data, settings, seed=5)


def trained(
    model: Path, data: TrainingData, settings: Any = SETTINGS, checkpoints: Any = None
) -> Trained:
    fresh = built(model, data, settings)
    return train(fresh, data, settings, 5, CPU, True, lambda *_: None, checkpoints)


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_losses_and_weights_are_those_of_a_plain_loop(
    sampler: str, mixing: str, mix: Mix, model: Path
) -> None:
    changes = {"epochs": 3, "evaluations": 50} if sampler == "dynamic" else {}  # report each step
    assert_like_plain(mix("pair", "tagging", sampler=sampler, mixing=mixing), model, **changes)


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "dynamic"])
def test_masked_lm_beside_a_task_is_that_of_a_plain_loop(
    sampler: str, mixing: str, mix: Mix, model: Path
) -> None:
    assert_like_plain(mix("pair", MLM, sampler=sampler, mixing=mixing), model, epochs=1)


def assert_like_plain(data: TrainingData, model: Path, **changes: Any) -> None:
    """Hold losses, weights and predictions of a training to those of a plain loop."""
    settings = replace(SETTINGS, select="last", **changes)
    said: list[float] = []
    result = train(
        built(model, data), data, settings, 5, CPU, True, lambda *told: said.append(told[2])
    )
    plain = plainly_built(model, data)
    measured: list[list[float]] = []

    def scores(epoch: int) -> list[float]:
        of_parts = enumerate(part.on_held_aside() for part in data.parts)
        measured.append([first_score(evaluate(plain, of, CPU, n)[0]) for n, of in of_parts])
        return measured[epoch - 1]

    wanted = plain_loop(plain.train(), data, settings, 5, 32, scores)
    assert [epoch["scores"] for epoch in result.epochs] == measured
    assert any(map(any, measured)) is (data.parts[0].held_aside is not None)
    steps = [0, *(int(point["step"] or 0) for point in result.parts[0].curve)]
    assert np.all(np.diff(steps) == 1), "each point is the loss of one step"
    np.testing.assert_allclose(said, wanted, atol=1e-5)
    assert result.encoder is not None
    for name, weight in plain.encoder.state_dict().items():
        if weight.ndim > 1:  # the loss is blind to some biases, whose gradient is rounding error
            torch.testing.assert_close(result.encoder[name], weight, atol=2e-4, rtol=1e-3)
    for number, (part, of_task) in enumerate(zip(result.parts, data.parts, strict=True)):
        assert without_surprisals(part.predictions) == without_surprisals(
            evaluate(plain, of_task, CPU, number)[1]
        )


def without_surprisals(predictions: list[Any]) -> list[Any]:
    """Return predictions without how sure the head was of them, which is as exact as a loss."""
    return [each["tokens"] if isinstance(each, dict) else each for each in predictions]


def plainly_built(model: Path, data: TrainingData) -> TaskModel:
    """Return the same fresh heads on an encoder without any speed-up."""
    encoder: Any = load_encoder(model, None, 0.0)
    heads = [*built(model, data).heads]
    for head in heads:
        if isinstance(head, TiedHead):
            head.tie(encoder.get_input_embeddings())
    return TaskModel(encoder, heads)


def test_tasks_with_as_many_labels_may_share_a_head(mix: Mix, model: Path) -> None:
    data = mix("single", "tagging", "pair", heads="by-labels")
    single, tagging, pair = built(model, data).heads
    assert sharing([single, tagging, pair]) == [[0, 2], [1]]
    assert single is not pair
    own = built(model, replace(data, heads="per-task"))
    assert sharing(list(own.heads)) == [[0], [1], [2]]
    torch.testing.assert_close(single.state_dict(), own.heads[0].state_dict())
    result = trained(model, data)
    assert result.heads is not None
    torch.testing.assert_close(result.heads[0], result.heads[2])
    assert not torch.equal(result.heads[0]["linear.weight"], single.state_dict()["linear.weight"])


def test_tasks_that_share_a_head_keep_the_scales_of_their_numbers(mix: Mix, model: Path) -> None:
    data = mix("regression", "regression", heads="by-labels")
    scales = [part.form.scale for part in data.parts]
    assert scales[0] != scales[1]
    heads = built(model, data).heads
    assert sharing(list(heads)) == [[0, 1]]
    assert [float(head.state_dict()["mean"]) for head in heads] == [s.mean for s in scales if s]


@pytest.mark.parametrize("heads", ["per-task", "by-labels"])
def test_losses_with_shared_heads_are_those_of_a_plain_loop(
    heads: str, mix: Mix, model: Path
) -> None:
    data = mix("single", "pair", heads=heads)
    settings = replace(SETTINGS, select="last")
    said: list[float] = []
    train(built(model, data), data, settings, 5, CPU, True, lambda *told: said.append(told[2]))
    fresh = [*built(model, data).heads]
    if heads == "by-labels":
        fresh[1] = fresh[0]
    wanted = plain_loop(
        TaskModel(load_encoder(model, None, 0.0), fresh).train(), data, settings, 5, places=32
    )
    np.testing.assert_allclose(said, wanted, atol=1e-5)


@pytest.mark.parametrize("forms", [("single", "span"), ("choice", "regression", "spans")])
def test_tasks_of_any_forms_are_learnt_together(
    forms: tuple[str, ...], mix: Mix, model: Path
) -> None:
    settings = replace(SETTINGS, epochs=8)
    result = trained(model, mix(*forms), settings)
    for part in result.parts:
        losses = [point["loss"] for point in part.curve if point["loss"] is not None]
        assert losses[-1] < 0.8 * losses[0]
        assert part.tokens > 0


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize("kept", ["per-task", "mean"])
def test_each_task_has_the_scores_of_its_kept_evaluation(
    kept: str, mixing: str, mix: Mix, model: Path
) -> None:
    settings = replace(SETTINGS, epochs=6, evaluations=9, learning_rate=2e-2)
    data = mix("tagging", "pair", mixing=mixing, kept=kept)
    result = trained(model, data, settings)
    curves = [
        {p["step"]: p["score"] for p in part.curve if p["score"] is not None}
        for part in result.parts
    ]
    means = {step: np.mean([curve[step] for curve in curves]) for step in curves[0]}
    assert result.mean_scores == pytest.approx(list(means.values()))
    best = max(means, key=lambda step: means[step])
    for part, curve in zip(result.parts, curves, strict=True):
        own = max(curve, key=lambda step: curve[step] or 0)
        assert part.best_step == (own if kept == "per-task" else best)
        assert next(iter(part.scores.values())) == curve[part.best_step]
    rebuilt = TaskModel(load_encoder(model, None, 0.0), [*built(model, data).heads])
    rebuilt.encoder.load_state_dict(result.encoder or {})
    for number, weights in enumerate(result.heads or []):
        rebuilt.heads[number].load_state_dict(weights)
        score = next(iter(evaluate(rebuilt, data.parts[number], CPU, number)[0].values()))
        assert score == curves[number][best], "what others start from is the best mean"


INTERRUPTED = [
    ("uniform", ("single", "choice"), "per-task"),
    ("temperature", ("single", "choice"), "per-task"),
    ("size", ("single", "pair"), "by-labels"),
    ("uniform", ("single", MLM), "per-task"),
]


class LostError(Exception):
    """What ends a training here, like a machine that fails."""


class Failing(Checkpoints):
    """Checkpoints of a machine that fails after so many steps, once."""

    last_step = 5

    def after_step(self, run: Any) -> None:
        super().after_step(run)
        if run.result.steps == self.last_step:
            raise LostError


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize(("sampler", "forms", "heads"), INTERRUPTED)
def test_a_seed_gives_the_same_bits_also_after_an_interruption(
    sampler: str,
    forms: tuple[str, ...],
    heads: str,
    mixing: str,
    mix: Mix,
    model: Path,
    tmp_path: Path,
) -> None:
    settings = replace(SETTINGS, dropout=0.2)
    data = mix(*forms, sampler=sampler, mixing=mixing, heads=heads)
    undisturbed = outcome(trained(model, data, settings))
    with (
        pytest.raises(LostError),
        Failing(tmp_path / "state", lambda: "this training", 0.0) as lost,
    ):
        trained(model, data, settings, lost)
    assert (tmp_path / "state").exists()
    with Checkpoints(tmp_path / "state", lambda: "this training", 0.0) as going_on:
        resumed = outcome(trained(model, data, settings, going_on))
    assert resumed == undisturbed


@pytest.mark.parametrize("last_step", [5, 7])
@pytest.mark.parametrize("mixing", MIXINGS)
def test_an_interruption_anywhere_changes_nothing_of_what_dynamic_draws(
    mixing: str, last_step: int, mix: Mix, model: Path, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, dropout=0.2, epochs=3)
    data = mix("tagging", "single", sampler="dynamic", mixing=mixing)
    undisturbed = outcome(trained(model, data, settings))
    assert len(undisturbed["epochs"]) >= 2
    assert any(any(epoch["scores"]) for epoch in undisturbed["epochs"])
    state = tmp_path / "state"
    lost = Failing(state, lambda: "this training", 0.0)
    lost.last_step = last_step
    with pytest.raises(LostError), lost:
        trained(model, data, settings, lost)
    with Checkpoints(state, lambda: "this training", 0.0) as going_on:
        assert outcome(trained(model, data, settings, going_on)) == undisturbed


def test_scores_of_a_mixture_that_is_lost_are_not_measured(mix: Mix, model: Path) -> None:
    data = mix("regression", "single", sampler="dynamic")
    broken = built(model, data)
    torch.nn.init.constant_(next(broken.heads[1].parameters()), float("nan"))
    settings = replace(SETTINGS, epochs=20, evaluations=1)
    result = train(broken, data, settings, 5, CPU, True, lambda *_: None)
    assert result.diverged
    assert result.epochs[0]["scores"] == [0.0, 0.0]


def test_a_loss_of_one_task_that_is_not_finite_ends_the_training(mix: Mix, model: Path) -> None:
    data = mix("single", "choice")
    broken = built(model, data)
    torch.nn.init.constant_(next(broken.heads[1].parameters()), float("nan"))
    result = train(broken, data, SETTINGS, 5, CPU, True, lambda *_: None)
    assert result.diverged
    assert result.encoder is None
    assert [(part.scores, part.predictions) for part in result.parts] == [({}, []), ({}, [])]
