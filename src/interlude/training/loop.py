"""The training loop. It reads top to bottom; everything it needs is passed in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from interlude.forms.head import Tensors
from interlude.plan.settings import Settings
from interlude.training.batches import collate, evaluation_batches, rows_of, training_batches
from interlude.training.data import TaskData
from interlude.training.optimizer import make_optimizer, set_learning_rate
from interlude.training.platform import Platform
from interlude.training.reference import first_score
from interlude.training.schedule import learning_rate_factor, out_of_patience, plan
from interlude.training.state import RunState, TaskModel, Trained

Progress = Callable[[int, int, float, float | None], None]


class Checkpoints(Protocol):
    """What keeps the state of an interrupted training."""

    def restore(self, run: RunState) -> bool:
        """Bring a training to where it was interrupted; False when it was not."""

    def after_step(self, run: RunState) -> None:
        """Save the state if it is time for that."""


def train(
    model: TaskModel,
    data: TaskData,
    settings: Settings,
    seed: int,
    platform: Platform,
    keep_weights: bool,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train a model on a task and evaluate it on schedule.

    Stops at the first point of the curve by which a loss or a gradient was not finite, without a
    result, even if an evaluation came before. keep_weights: return those of the evaluation that
    `settings.select` keeps. Where scheduled evaluations see only some validation examples, the kept
    model is evaluated on all of them in the end. With checkpoints, it goes on where it was.
    """
    schedule = plan(data.train.num_rows, settings)
    state = RunState(
        model=model,
        optimizer=make_optimizer(model, settings),
        result=Trained(planned_steps=schedule.steps),
        healthy=torch.tensor(True, device=platform.device),
    )
    if checkpoints is not None:
        checkpoints.restore(state)
    result = state.result
    batches = _prepared(data, settings.batch_size, seed, platform, skip=result.steps)
    interim = data.interim(settings.interim_examples)
    copy_weights = keep_weights or interim is not data

    for step in range(result.steps + 1, schedule.steps + 1):
        started = time.perf_counter()
        learning_rate = settings.learning_rate * learning_rate_factor(
            step - 1, schedule.steps, settings.warmup
        )
        _take_step(state, next(batches), learning_rate, settings, platform)
        if step in schedule.reports:
            mean_loss = float(torch.stack(state.losses).mean())
            state.losses.clear()
        result.train_seconds += time.perf_counter() - started

        if step in schedule.reports:
            if not state.healthy:
                progress(step, schedule.steps, mean_loss, None)
                return result.without_result()
            score = None
            if step in schedule.evaluations:
                score = _evaluate_into(result, model, interim, settings, platform, copy_weights)
            result.curve.append({"step": step, "loss": mean_loss, "score": score})
            progress(step, schedule.steps, mean_loss, score)
            if out_of_patience(_scores(result.curve), settings.patience):
                result.stopped_by = "patience"
                break
        if checkpoints is not None:
            checkpoints.after_step(state)

    if interim is not data:
        _evaluate_kept(result, model, data, platform)
    return result


def _take_step(
    state: RunState,
    batch: tuple[Tensors, Tensors, int],
    learning_rate: float,
    settings: Settings,
    platform: Platform,
) -> None:
    """Take one optimiser step on a batch: inputs, targets and the number of its real tokens."""
    model, optimizer, result = state.model, state.optimizer, state.result
    inputs, targets, n_tokens = batch
    set_learning_rate(optimizer, learning_rate)
    model.train()
    with platform.autocast():
        loss = model(inputs, targets).loss
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
    optimizer.step()
    model.decay_unused_rows(learning_rate * settings.weight_decay)
    optimizer.zero_grad()
    state.losses.append(loss.detach())
    state.healthy &= loss.isfinite() & norm.isfinite()
    result.tokens += n_tokens
    result.steps += 1


def evaluate(
    model: TaskModel, data: TaskData, platform: Platform
) -> tuple[dict[str, float], list[Any]]:
    """Return all scores of a model on the validation set, and its predictions in row order."""
    model.eval()
    predictions: list[Any] = [None] * data.validation.num_rows
    with torch.inference_mode(), platform.autocast():
        for numbers in evaluation_batches(data.validation):
            rows = rows_of(data.validation, numbers)
            inputs, targets = _moved(collate(data.form, rows, data.pad_id), platform)
            decoded = data.form.decode(model(inputs, targets).logits, rows)
            for number, prediction in zip(numbers, decoded, strict=True):
                predictions[number] = prediction
    gold = data.form.gold(data.validation_rows())
    return data.metric(predictions, gold), predictions


def _evaluate_into(
    result: Trained,
    model: TaskModel,
    data: TaskData,
    settings: Settings,
    platform: Platform,
    copy_weights: bool,
) -> float:
    """Evaluate, keep what the settings select, and return the score."""
    started = time.perf_counter()
    scores, predictions = evaluate(model, data, platform)
    score = first_score(scores)
    best = next(iter(result.scores.values()), -math.inf)
    if settings.select == "last" or score > best:
        result.best_step, result.scores, result.predictions = result.steps, scores, predictions
        if copy_weights:
            result.encoder, result.head = _copied(model.encoder), _copied(model.head)
    _count_evaluation(result, data, started)
    return score


def _evaluate_kept(result: Trained, model: TaskModel, data: TaskData, platform: Platform) -> None:
    """Put the kept weights back and evaluate them on all validation examples."""
    started = time.perf_counter()
    model.eval()  # before the weights, since it brings up the embedding rows of the last step
    _put_back(model.encoder, result.encoder or {})
    _put_back(model.head, result.head or {})
    result.scores, result.predictions = evaluate(model, data, platform)
    _count_evaluation(result, data, started)


def _count_evaluation(result: Trained, data: TaskData, started: float) -> None:
    result.evaluation_seconds += time.perf_counter() - started
    result.evaluation_tokens += int(_sizes(data.validation)[1].sum())


def _copied(module: nn.Module) -> Tensors:
    return {
        name: weight.detach().to("cpu", copy=True) for name, weight in module.state_dict().items()
    }


def _put_back(module: nn.Module, weights: Tensors) -> None:
    for name, weight in module.state_dict().items():
        weight.copy_(weights[name])


def _scores(curve: list[dict[str, float | int | None]]) -> list[float]:
    return [point["score"] for point in curve if point["score"] is not None]


def _prepared(
    data: TaskData, batch_size: int, seed: int, platform: Platform, skip: int
) -> Iterator[tuple[Tensors, Tensors, int]]:
    """Yield inputs, targets and the number of real tokens of each training batch after `skip`."""
    lengths, tokens = _sizes(data.train)
    batches = training_batches(lengths, batch_size, np.random.default_rng(seed))
    for numbers in islice(batches, skip, None):
        rows = rows_of(data.train, numbers)
        inputs, targets = _moved(collate(data.form, rows, data.pad_id), platform)
        yield inputs, targets, int(tokens[numbers].sum())


def _sizes(examples: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    return examples["length"].to_numpy(), examples["tokens"].to_numpy()


def _moved(batch: tuple[Tensors, Tensors], platform: Platform) -> tuple[Tensors, Tensors]:
    inputs, targets = (
        {name: tensor.to(platform.device, non_blocking=True) for name, tensor in part.items()}
        for part in batch
    )
    return inputs, targets
