"""A training: one optimisation, identified by all that can change its weights, and nothing else.

Its names in a study (arm, role, restart) are those of the cells that read it: see `cells`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

from interlude.plan.methods import FULL, Method, method_of
from interlude.plan.settings import Settings

DIGITS = 16  # of an id
MLM = "mlm"  # in place of a task and its form, of masked language modelling
PRETRAINED, RANDOM = "pretrained", "random"  # weights that an encoder begins with
TEXT_FILE = "text file"  # in place of a form, of texts that are of no task


def digest_of(document: Any) -> str:
    """Return 16 hex digits of the SHA-256 of a document that fits into JSON."""
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


@dataclass(frozen=True, order=True)
class Part:
    """One task in the data of a training.

    declared: digest of its data's declaration in the task file; metric: picks the kept model.
    examples: train on this many at most; None for all. standardise: targets that are numbers, by
    mean and deviation of those that are trained on. held_aside: leave out those on which the
    sampler dynamic measures. texts: of masked language modelling, the tasks whose sequences it
    masks. evaluate: of a metric of that library, which it is, as JSON (`evaluated.Evaluated`).
    """

    task: str
    form: str
    metric: str
    declared: str
    examples: int | None = None
    standardise: bool = False
    held_aside: bool = False
    texts: tuple[Part, ...] = ()
    evaluate: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return its fields; those that were added later only where they are not the default."""
        texts = [each.to_dict() for each in self.texts]
        names = ("standardise", "held_aside", "evaluate")
        later = {**{name: getattr(self, name) for name in names}, "texts": texts}
        first = {name: value for name, value in vars(self).items() if name not in later}
        return first | {name: value for name, value in later.items() if value}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Part:
        """Read it back; TypeError when a field is missing or unknown."""
        return cls(**fields | {"texts": tuple(map(cls.from_dict, fields.get("texts", ())))})


@dataclass(frozen=True)
class Choice:
    """Settings that a sweep chooses: among which trainings, which settings, by which rule."""

    trainings: tuple[str, ...]
    settings: tuple[str, ...]
    rule: str

    @cached_property
    def id(self) -> str:
        """The digest under which the choice lies in `results/chosen`."""
        return digest_of(asdict(self))


@dataclass(frozen=True)
class Training:
    """An encoder with its heads, optimised on the data of one or several tasks, from a start.

    declared: digest of the weights' declaration in the model file. start: id of the training whose
    encoder (and heads) it starts from; None for the pretrained encoder. sampler: how a mixture of
    several parts is drawn; mixing: how batches are made of it; kept: whose scores decide which
    evaluation stands (see `arms.Stage` for the three). choice: settings that override
    `settings` once a sweep has chosen them. carry_head: whether heads begin with those of the
    start. method: how weights are trained; full is all of them. heads: whether tasks of one shape
    share a head. references: for each part, the training on it alone that the sampler dynamic
    compares it with. adapter: what becomes of that of the start: continue or merge; None without a
    start, or where all weights are trained. frozen: whether only heads are trained. weights: of an
    encoder without a start: pretrained, or random, drawn from the seed.

    Fields with a default were, or may be, added later: while they have it they are left out of the
    id, so that a new one makes no finished training run again.
    """

    model: str
    declared: str
    layers: int | None
    parts: tuple[Part, ...]
    settings: Settings
    seed: int
    device: str
    precision: str
    start: str | None = None
    sampler: str | None = None
    mixing: str | None = None
    kept: str | None = None
    choice: Choice | None = None
    method: Method = FULL
    carry_head: bool = False
    heads: str = "per-task"
    references: tuple[str, ...] = ()
    adapter: str | None = None
    frozen: bool = False
    weights: str = PRETRAINED

    def __post_init__(self) -> None:
        # A mixture is the same in whatever order its parts are named.
        object.__setattr__(self, "parts", tuple(sorted(self.parts, key=lambda part: part.task)))

    @cached_property
    def id(self) -> str:
        """The digest under which the training lies in `results/trained`."""
        return digest_of(self._not_default())

    @property
    def part(self) -> Part:
        """The only part of a training on one task."""
        (part,) = self.parts
        return part

    @property
    def read(self) -> tuple[Part, ...]:
        """The tasks whose encodings it reads, each once: its parts, and the texts of such ones."""
        parts = (each for part in self.parts for each in part.texts or (part,))
        return tuple({part.task: part for part in parts}.values())

    @property
    def computed_with(self) -> tuple[set[str], set[str]]:
        """The forms and the metrics of all tasks that it reads or trains on."""
        parts = [part for part in (*self.parts, *self.read) if part.form != TEXT_FILE]
        return {part.form for part in parts}, {part.metric for part in parts}

    @property
    def evaluated(self) -> tuple[Part, ...]:
        """Its parts that are scored by a metric of evaluate."""
        return tuple(part for part in self.parts if part.evaluate)

    @property
    def switches(self) -> frozenset[str]:
        """What only some trainings do: the name of a module of `training` for each."""
        on = {
            "held_aside": any(part.held_aside for part in self.read),
            "shared_heads": self.heads != "per-task",
            "carried_heads": self.carry_head and self.start is not None,
        }
        return frozenset(name for name in on if on[name])

    def settled(self, chosen: dict[str, Any]) -> Training:
        """Return the training with the settings that a sweep chose; TypeError for an unknown one.

        Its id stays that of the plan, which knows the choice but not what is chosen.
        """
        settled = replace(self, settings=replace(self.settings, **chosen))
        vars(settled)["id"] = self.id
        return settled

    def to_json(self) -> str:
        """Return the training as one line of JSON."""
        return json.dumps(self._not_default(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Training:
        """Read a training back; TypeError when a field is missing or unknown."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{name: _READ.get(name, lambda value: value)(values[name]) for name in values})

    def _not_default(self) -> dict[str, Any]:
        values = {
            **vars(self),
            "parts": [part.to_dict() for part in self.parts],
            "settings": vars(self.settings),
            "choice": self.choice and asdict(self.choice),
        }
        values = {name: values[name] for name in _FIELDS if values[name] != _FIELDS[name]}
        return values | ({} if self.method.is_full else {"method": self.method.to_dict()})


_FIELDS = {each.name: each.default for each in fields(Training)}  # MISSING: it has no default


# How the fields are read that JSON has no type for.
_READ: dict[str, Callable[[Any], Any]] = {
    "parts": lambda value: tuple(map(Part.from_dict, value)),
    "references": tuple,
    "settings": lambda value: Settings(**value),
    "method": method_of,
    "choice": lambda value: Choice(
        tuple(value["trainings"]), tuple(value["settings"]), value["rule"]
    ),
}
