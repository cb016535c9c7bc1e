"""A training loop as one writes it first: what the project's fast one is compared with."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interlude.plan.settings import Settings
from interlude.training.batches import Scores
from interlude.training.data import TrainingData
from interlude.training.state import TaskModel


def plain_loop(
    model: TaskModel,
    data: TrainingData,
    settings: Settings,
    seed: int,
    places: int | None,
    scores: Scores | None = None,
) -> list[float]:
    """Return the loss of every step of a loop in plain PyTorch, on the same batches.

    Of several tasks in a batch, the sum of their mean losses. places: the length in tokens to which
    every sequence is padded; None: the longest of its batch. scores: of the model after an epoch.
    """
    encoder, heads = model.encoder, model.heads
    decayed = [p for m in (encoder, heads) for p in m.parameters() if p.ndim > 1]
    others = [p for m in (encoder, heads) for p in m.parameters() if p.ndim == 1]
    groups: list[dict[str, Any]] = [{"params": decayed}]
    groups += [{"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups, settings.learning_rate, weight_decay=settings.weight_decay, foreach=False
    )
    rows = [part.train.to_pylist() for part in data.parts]
    lengths = [np.array([row["length"] for row in of_task]) for of_task in rows]
    n_steps = data.steps_per_epoch(settings.batch_size) * int(settings.epochs)
    warm = settings.warmup * n_steps
    rng = np.random.default_rng(seed)
    batches = data.sampling.batches(lengths, settings.batch_size, rng, scores)
    found = []
    for step, batch in enumerate(islice(batches, n_steps)):
        rise, fall = (step + 1) / (warm + 1), (n_steps - step) / (n_steps - warm)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (rise if step < warm else fall)
        losses, masks = [], np.random.default_rng((seed, step))
        for part, numbers in batch:
            examples = data.parts[part].form.seen([rows[part][i] for i in numbers], masks)
            hidden = encoder(**padded(examples, places))
            longest = max(row["length"] for row in examples)
            targets = data.parts[part].form.targets(examples)
            losses.append(heads[part](hidden.last_hidden_state[:, :longest], targets).loss)
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()
        gradients = [p.grad for p in [*decayed, *others] if p.grad is not None]
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
        for gradient in gradients:
            gradient.mul_(min(1.0, settings.gradient_clip / norm))
        optimizer.step()
        found.append(loss.item())
    return found


def padded(batch: list[dict[str, Any]], places: int | None) -> dict[str, Tensor]:
    """Return inputs that are padded to one length, with a mask."""
    sequences = [ids for row in batch for ids in row["input_ids"]]
    places = places or max(map(len, sequences))
    types = [ids for row in batch for ids in row["token_type_ids"]]
    rest = [places - len(ids) for ids in sequences]
    columns = {
        "input_ids": [ids + [0] * n for ids, n in zip(sequences, rest, strict=True)],
        "token_type_ids": [ids + [0] * n for ids, n in zip(types, rest, strict=True)],
        "attention_mask": [[1] * (places - n) + [0] * n for n in rest],
    }
    return {name: torch.tensor(values) for name, values in columns.items()}
