"""What an encoder makes of examples, as a head would read it, and as the mean of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from interlude.forms import form_of
from interlude.forms.examples import Row
from interlude.forms.head import Tensors
from interlude.plan.trainings import Part
from interlude.selection.extractor import Extractor
from interlude.selection.labelled import LINEAR, Rows, classes_for, kind_of, rows_of, why_not
from interlude.training.batches import evaluation_batches, numbered


@dataclass
class Made:
    """What was extracted: tensors by name; the kind of labels; name -> why there is no such."""

    tensors: Tensors
    kind: str | None = None
    lacks: dict[str, str] = field(default_factory=dict)


@torch.inference_mode()
def extract_features(extractor: Extractor, source: Part | None = None) -> Made:
    """Return what an encoder makes of training examples, the tensors on the processor.

    text: mean over examples of the mean of their tokens' hidden states, float32 [width]. features
    (float32), labels, groups (int64): rows as `estimators.Labelled` has them; of words there are as
    many rows as examples, drawn from all. predicted: probabilities by the head of `source`, a task
    of the start, float32 [rows, classes].
    """
    numbers = list(evaluation_batches(extractor.data.train))
    texts, batches, why = [], [], None
    for examples, inputs, targets in extractor.batches(numbers):
        hidden = extractor.model.encoder(**inputs).last_hidden_state
        texts.append(_text_sum(hidden, inputs, examples))
        why = why_not(extractor.model.head, targets)
        if why is None:
            batches.append(rows_of(_read_by_head(extractor, hidden, targets), targets))
    made = Made({"text": (torch.stack(texts).sum(0) / extractor.data.train.num_rows).cpu()})
    if why is not None:
        made.lacks |= dict.fromkeys(("features", "predicted"), why)
        return made
    made.kind = kind_of(targets)
    made.tensors |= _tensors(extractor, _joined(batches, numbers), words="tags" in targets)
    _predict(made, extractor, source, targets)
    return made


def _text_sum(hidden: Tensor, inputs: Tensors, examples: Sequence[Row]) -> Tensor:
    """Return the sum over examples of the mean of their sequences' means, [width]."""
    mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))[..., None]
    means = (hidden * mask).sum(1) / mask.sum(1)
    counts = torch.tensor([len(example["input_ids"]) for example in examples])
    shares = (1 / counts).repeat_interleave(counts).to(hidden.device)
    return (shares[:, None] * means).sum(0)


def _read_by_head(extractor: Extractor, hidden: Tensor, targets: Tensors) -> Tensor:
    """Return what the last layer of the head reads of hidden states."""
    seen: list[Tensor] = []
    layer = extractor.model.head.get_submodule("linear")
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    extractor.model.head(hidden, targets)
    hook.remove()
    return seen[0]


def _joined(batches: Sequence[Rows], numbers: Sequence[np.ndarray]) -> Rows:
    """Return the rows of all batches; the place of each's example is that among all."""
    places = [
        torch.from_numpy(of_batch)[rows.examples.cpu()]
        for rows, of_batch in zip(batches, numbers, strict=True)
    ]
    features = torch.cat([rows.features for rows in batches]).float().cpu()
    return Rows(features, torch.cat([rows.labels for rows in batches]).cpu(), torch.cat(places))


def _tensors(extractor: Extractor, rows: Rows, words: bool) -> Tensors:
    """Return rows by name, with the groups that the form keeps together; of words some alone."""
    train, together = extractor.data.train, extractor.data.form.kept_together
    group = np.arange(train.num_rows) if together is None else numbered(train[together])
    kept = torch.arange(len(rows.labels))
    if words and len(kept) > train.num_rows:
        drawn = np.random.default_rng(0).choice(len(kept), train.num_rows, replace=False)
        kept = torch.from_numpy(np.sort(drawn))
    groups = torch.from_numpy(group.astype(np.int64))[rows.examples[kept]]
    return {"features": rows.features[kept], "labels": rows.labels[kept], "groups": groups}


def _predict(made: Made, extractor: Extractor, source: Part | None, targets: Tensors) -> None:
    """Add what the head of a source makes of the features, or why it makes nothing of them."""
    weights = extractor.heads.get(source.task, {}) if source else {}
    if source is None or weights.keys() != LINEAR:
        made.lacks["predicted"] = "the start has no head of its source that is one layer"
    elif not classes_for(form_of(source.form), extractor.data.form, targets):
        made.lacks["predicted"] = f"the head of a source of form {source.form} gives it no classes"
    else:
        logits = made.tensors["features"] @ weights["linear.weight"].T + weights["linear.bias"]
        made.tensors["predicted"] = logits.softmax(-1)
