"""An extraction: what an encoder, trained or not, makes of the examples of a task."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from interlude.plan.methods import FULL, Method, method_of
from interlude.plan.trainings import Part, digest_of

Kind = Literal["features", "fisher", "vocabulary"]
FEATURES: Kind = "features"
FISHER: Kind = "fisher"
VOCABULARY: Kind = "vocabulary"
TENSORS = "extraction.safetensors"  # the file beside its manifest


@dataclass(frozen=True)
class Extraction:
    """One pass over training examples of a task, identified by all that it can depend on.

    kind: features, what a head would read; fisher, the diagonal of the Fisher information of the
    encoder's trained weights, with the head that the start has for the task; vocabulary, which
    tokens occur, where no encoder reads. model, declared, layers, method: as in `Training`. start:
    id of the training whose encoder reads; None for the pretrained one. part: the task, with its
    number of examples. head: of features, the task of the start whose head's predictions are kept
    as well; None for no such.
    """

    kind: Kind
    model: str
    declared: str
    layers: int | None
    part: Part
    max_length: int
    device: str
    start: str | None = None
    head: Part | None = None
    method: Method = FULL

    @cached_property
    def id(self) -> str:
        """The digest under which it lies in `results/features`."""
        return digest_of(self._as_dict())

    @property
    def name(self) -> str:
        """What people call it."""
        extractor = f"training {self.start}" if self.start else f"pretrained {self.model}"
        return f"{self.kind} of {self.part.task} by {extractor}"

    def to_json(self) -> str:
        """Return the extraction as one line of JSON."""
        return json.dumps(self._as_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Extraction:
        """Read it back; TypeError when a field is missing or unknown."""
        values: dict[str, Any] = json.loads(text)
        head = values["head"] and Part.from_dict(values["head"])
        of = {"part": Part.from_dict(values["part"]), "head": head}
        return cls(**values | of | {"method": method_of(values["method"])})

    def _as_dict(self) -> dict[str, Any]:
        head = self.head and self.head.to_dict()
        parts = {"part": self.part.to_dict(), "head": head, "method": self.method.to_dict()}
        return asdict(self) | parts
