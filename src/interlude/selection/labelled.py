"""What a head reads of a batch, row by row with the labels, of forms with one label per row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interlude.forms.classification import Classification
from interlude.forms.head import Form, Tensors
from interlude.selection.estimators import CHOICES, CLASSES, NUMBERS

LINEAR = {"linear.weight", "linear.bias"}  # the weights of a head that is one layer
# Kinds of labels by the tensors that a form gives its head; those of other forms have no rows of
# one label each.
KINDS = {
    frozenset(names): kind
    for kind, names in (
        (CLASSES, ("label",)),
        (CLASSES, ("label", "spans")),
        (CLASSES, ("positions", "tags")),
        (CHOICES, ("label", "present")),
        (NUMBERS, ("value",)),
    )
}


@dataclass(frozen=True)
class Rows:
    """Rows of a batch: features [rows, width], labels [rows], and the place of each's example."""

    features: Tensor
    labels: Tensor
    examples: Tensor


def why_not(head: nn.Module, targets: Tensors) -> str | None:
    """Return why a head has no rows of features with one label each; None where it has."""
    if {name for name, _ in head.named_parameters()} != LINEAR:
        return "its head has weights below its last layer, which would have to be trained first"
    if frozenset(targets) not in KINDS:
        return "its examples have no one label each"
    return None


def kind_of(targets: Tensors) -> str:
    """Return the kind of the labels: classes, choices or numbers."""
    return KINDS[frozenset(targets)]


def rows_of(read: Tensor, targets: Tensors) -> Rows:
    """Return the rows of a batch, given what the last layer of a head reads.

    read: [examples, width]; of choices [sequences, width], of tags [examples, words, width].
    """
    if "tags" in targets:
        shown = targets["tags"] >= 0  # others are padding, or were cut off
        return Rows(read[shown], targets["tags"][shown], shown.nonzero()[:, 0])
    if "present" in targets:
        places = targets["present"].nonzero()
        right = targets["label"][places[:, 0]] == places[:, 1]
        return Rows(read, right.long(), places[:, 0])
    labels = targets["value"] if "value" in targets else targets["label"]
    return Rows(read, labels, torch.arange(len(read), device=read.device))


def classes_for(source: type[Form], target: Form, targets: Tensors) -> bool:
    """Return whether the head of a source gives classes for what the head of a target reads.

    So it does for a task of its own form that has classes, and, where it reads the first token
    alone, for all forms that do.
    """
    if isinstance(target, source):
        return kind_of(targets) == CLASSES
    both = source.first_token_only and target.first_token_only
    return both and issubclass(source, Classification)
