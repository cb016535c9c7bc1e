"""The training loop. It reads top to bottom; everything it needs is passed in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from statistics import fmean
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from interlude.forms.head import Tensors
from interlude.plan.settings import Settings
from interlude.training.batches import Scores, collate, evaluation_batches, rows_of
from interlude.training.data import TaskData, TrainingData
from interlude.training.optimizer import make_optimizer, set_learning_rate
from interlude.training.platform import Platform
from interlude.training.reference import first_score
from interlude.training.schedule import learning_rate_factor, out_of_patience, plan
from interlude.training.state import PartResult, RunState, TaskModel, Trained

Progress = Callable[[int, int, float, float | None], None]
# Number of the task, inputs, targets, and the number of real tokens.
Prepared = tuple[int, Tensors, Tensors, int]


class Checkpoints(Protocol):
    """What keeps the state of an interrupted training."""

    def restore(self, run: RunState) -> bool:
        """Bring a training to where it was interrupted; False when it was not."""

    def after_step(self, run: RunState) -> None:
        """Save the state if it is time for that."""


def train(
    model: TaskModel,
    data: TrainingData,
    settings: Settings,
    seed: int,
    platform: Platform,
    keep_weights: bool,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train a model on one or several tasks and evaluate it on schedule.

    Stops at the first point of the curve by which a loss or a gradient was not finite, without a
    result, even if an evaluation came before. keep_weights: return those of the evaluation that
    `settings.select` keeps. Where scheduled evaluations see only some validation examples, the kept
    model is evaluated on all of them in the end. With checkpoints, it goes on where it was.
    """
    schedule = plan(data.steps_per_epoch(settings.batch_size), settings)
    state = _fresh(model, len(data.parts), schedule.steps, settings, platform)
    if checkpoints is not None:
        checkpoints.restore(state)
    result = state.result
    scores_after = _scores_after_epochs(state, data, platform)
    batches = _prepared(data, settings.batch_size, seed, platform, result.steps, scores_after)
    interim = data.interim(settings.interim_examples)
    copy_weights = keep_weights or interim is not data

    for step in range(result.steps + 1, schedule.steps + 1):
        started = time.perf_counter()
        learning_rate = settings.learning_rate * learning_rate_factor(
            step - 1, schedule.steps, settings.warmup
        )
        _take_step(state, next(batches), learning_rate, settings, platform)
        if step in schedule.reports:
            losses = _mean_losses(state)
        result.train_seconds += time.perf_counter() - started

        if step in schedule.reports:
            loss, mean_score = sum(each or 0 for each in losses), None
            if not state.healthy:
                progress(step, schedule.steps, loss, None)
                return result.without_result()
            scores: Sequence[float | None] = [None] * len(losses)
            if step in schedule.evaluations:
                scores = _evaluate_into(result, model, interim, settings, platform, copy_weights)
                mean_score = result.mean_scores[-1]
            _extend_curves(result, step, losses, scores)
            progress(step, schedule.steps, loss, mean_score)
            if out_of_patience(result.mean_scores, settings.patience):
                result.stopped_by = "patience"
                break
        if checkpoints is not None:
            checkpoints.after_step(state)

    if interim is not data:
        _evaluate_kept(result, model, data, platform)
    return result


def _fresh(
    model: TaskModel, n_parts: int, n_steps: int, settings: Settings, platform: Platform
) -> RunState:
    """Return the state of a run before its first step."""
    return RunState(
        model=model,
        optimizer=make_optimizer(model, settings),
        result=Trained(n_steps, [PartResult() for _ in range(n_parts)]),
        healthy=torch.tensor(True, device=platform.device),
        losses=[[] for _ in range(n_parts)],
    )


def _take_step(
    state: RunState,
    batch: list[Prepared],
    learning_rate: float,
    settings: Settings,
    platform: Platform,
) -> None:
    """Take one optimiser step on a batch; the losses of its tasks, a mean each, are summed."""
    model, optimizer, result = state.model, state.optimizer, state.result
    set_learning_rate(optimizer, learning_rate)
    model.train()
    for part, inputs, targets, n_tokens in batch:
        with platform.autocast():
            outputs = model(inputs, targets, part)
        outputs.loss.backward()
        told = outputs.loss if outputs.told is None else outputs.told
        state.losses[part].append(told.detach())
        state.healthy &= outputs.loss.isfinite()
        result.parts[part].tokens += n_tokens
    norm = nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
    optimizer.step()
    model.decay_unused_rows(learning_rate * settings.weight_decay)
    optimizer.zero_grad()
    state.healthy &= norm.isfinite()
    result.steps += 1


def _mean_losses(state: RunState) -> list[float | None]:
    """Return the mean loss of each task since the last report; None where it had no batch."""
    means = [float(torch.stack(each).mean()) if each else None for each in state.losses]
    for each in state.losses:
        each.clear()
    return means


def _extend_curves(
    result: Trained, step: int, losses: Sequence[float | None], scores: Sequence[float | None]
) -> None:
    for part, loss, score in zip(result.parts, losses, scores, strict=True):
        part.curve.append({"step": step, "loss": loss, "score": score})


def evaluate(
    model: TaskModel, data: TaskData, platform: Platform, part: int = 0
) -> tuple[dict[str, float], list[Any]]:
    """Return all scores of a model on a task's validation set, and its predictions in row order.

    part: number of the task among those of the model.
    """
    model.eval()
    predictions: list[Any] = [None] * data.validation.num_rows
    with torch.inference_mode(), platform.autocast():
        for numbers in evaluation_batches(data.validation):
            rows = rows_of(data.validation, numbers)
            inputs, targets = _moved(collate(data.form, rows, data.pad_id), platform)
            decoded = data.form.decode(model(inputs, targets, part).logits, rows)
            for number, prediction in zip(numbers, decoded, strict=True):
                predictions[number] = prediction
    gold = data.form.gold(data.validation_rows())
    return data.metric(predictions, gold), predictions


def _evaluate_into(
    result: Trained,
    model: TaskModel,
    data: TrainingData,
    settings: Settings,
    platform: Platform,
    copy_weights: bool,
) -> list[float]:
    """Evaluate, keep what the settings select, and return the score of each task."""
    started = time.perf_counter()
    found = _evaluated(model, data, platform)
    scores = [first_score(of_task) for of_task, _ in found]
    mean, last = fmean(scores), settings.select == "last"
    best = last or mean > max(result.mean_scores, default=-math.inf)
    result.mean_scores.append(mean)
    for number, (part, score) in enumerate(zip(result.parts, scores, strict=True)):
        own_best = last or score > next(iter(part.scores.values()), -math.inf)
        if own_best if data.kept == "per-task" else best:
            part.best_step, (part.scores, part.predictions) = result.steps, found[number]
            part.held_aside_score = _held_aside_score(result, model, data, platform, number)
    if best and copy_weights:
        result.encoder = _copied(model.encoder)
        result.heads = [_copied(head) for head in model.heads]
    _count_evaluation(result, data, started)
    return scores


def _held_aside_score(
    result: Trained, model: TaskModel, data: TrainingData, platform: Platform, part: int
) -> float | None:
    """Return the score of a task on the examples held aside; None where there are none."""
    of_task = data.parts[part]
    if of_task.held_aside is None:
        return None
    result.evaluation_tokens += int(_sizes(of_task.held_aside)[1].sum())
    return first_score(evaluate(model, of_task.on_held_aside(), platform, part)[0])


def _scores_after_epochs(state: RunState, data: TrainingData, platform: Platform) -> Scores:
    """Return what a sampler asks for the scores of the tasks after an epoch.

    They are measured when that epoch has just ended, and kept with the state of the run, so that an
    interrupted one draws the same again. Of a run that is lost already they are 0.
    """
    result = state.result

    def scores_after(epoch: int) -> list[float]:
        if epoch > len(result.epochs):
            started = time.perf_counter()
            parts = range(len(data.parts) if state.healthy else 0)
            found = [_held_aside_score(result, state.model, data, platform, n) for n in parts]
            scores = found or [0.0] * len(data.parts)
            result.epochs.append({"step": result.steps, "scores": scores})
            seconds = time.perf_counter() - started
            result.evaluation_seconds += seconds
            result.train_seconds -= seconds  # it is part of getting the next batch
        scores_then: list[float] = result.epochs[epoch - 1]["scores"]
        return scores_then

    return scores_after


def _evaluate_kept(
    result: Trained, model: TaskModel, data: TrainingData, platform: Platform
) -> None:
    """Put the kept weights back and evaluate them on all validation examples."""
    started = time.perf_counter()
    model.eval()  # before the weights, since it brings up the embedding rows of the last step
    _put_back(model.encoder, result.encoder or {})
    for head, weights in zip(model.heads, result.heads or [], strict=True):
        _put_back(head, weights)
    for part, found in zip(result.parts, _evaluated(model, data, platform), strict=True):
        part.scores, part.predictions = found
    _count_evaluation(result, data, started)


def _evaluated(
    model: TaskModel, data: TrainingData, platform: Platform
) -> list[tuple[dict[str, float], list[Any]]]:
    return [evaluate(model, part, platform, number) for number, part in enumerate(data.parts)]


def _count_evaluation(result: Trained, data: TrainingData, started: float) -> None:
    result.evaluation_seconds += time.perf_counter() - started
    result.evaluation_tokens += sum(int(_sizes(part.validation)[1].sum()) for part in data.parts)


def _copied(module: nn.Module) -> Tensors:
    """Return the weights of a module, without those that are frozen; all, where all are."""
    frozen = {name for name, each in module.named_parameters() if not each.requires_grad}
    if len(frozen) == len([*module.parameters()]):
        frozen = set()
    return {
        name: weight.detach().to("cpu", copy=True)
        for name, weight in module.state_dict().items()
        if name not in frozen
    }


def _put_back(module: nn.Module, weights: Tensors) -> None:
    own = module.state_dict()
    for name, weight in weights.items():
        own[name].copy_(weight)


def _prepared(
    data: TrainingData,
    batch_size: int,
    seed: int,
    platform: Platform,
    skip: int,
    scores: Scores,
) -> Iterator[list[Prepared]]:
    """Yield the training batches after `skip`."""
    lengths, tokens = zip(*(_sizes(part.train) for part in data.parts), strict=True)
    batches = data.sampling.batches(lengths, batch_size, np.random.default_rng(seed), scores)
    for number, batch in enumerate(islice(batches, skip, None), start=skip):
        of_step = np.random.default_rng((seed, number))  # so that one that goes on draws the same
        yield [
            (
                part,
                *_tensors(data.parts[part], numbers, of_step, platform),
                int(tokens[part][numbers].sum()),
            )
            for part, numbers in batch
        ]


def _tensors(
    data: TaskData, numbers: np.ndarray, rng: np.random.Generator, platform: Platform
) -> tuple[Tensors, Tensors]:
    """Return inputs and targets of some training examples of a task; rng: of the step."""
    rows = data.form.seen(rows_of(data.train, numbers), rng)
    return _moved(collate(data.form, rows, data.pad_id), platform)


def _sizes(examples: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    return examples["length"].to_numpy(), examples["tokens"].to_numpy()


def _moved(batch: tuple[Tensors, Tensors], platform: Platform) -> tuple[Tensors, Tensors]:
    inputs, targets = (
        {name: tensor.to(platform.device, non_blocking=True) for name, tensor in part.items()}
        for part in batch
    )
    return inputs, targets
