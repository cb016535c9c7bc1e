"""Arms: how a target is reached, as a list of stages, each a mixture of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Words that stand for tasks in the parts of a stage; any other is the name of a task.
TASK, SOURCE, ALL, MLM = "task", "source", "all", "mlm"
PLACEHOLDERS = (TASK, SOURCE, ALL, MLM)


@dataclass(frozen=True)
class Stage:
    """One training of an arm: the tasks in its data, in words; see the schema of the config.

    sampler: how a mixture is drawn; None where there is nothing to draw among.
    """

    parts: tuple[str, ...]
    sampler: str | None = "uniform"
    retrain: bool | None = None
    examples: int | None = None
    method: str = "full"

    def __post_init__(self) -> None:
        if not self.is_mixture:
            object.__setattr__(self, "sampler", None)

    @property
    def is_mixture(self) -> bool:
        return len(self.parts) > 1 or ALL in self.parts


@dataclass(frozen=True)
class Arm:
    """A name and the stages from the pretrained encoder to the target."""

    name: str
    stages: tuple[Stage, ...]

    @property
    def has_source(self) -> bool:
        return any(SOURCE in stage.parts for stage in self.stages)

    @property
    def mixes_source_and_task(self) -> bool:
        return any({SOURCE, TASK} <= set(stage.parts) for stage in self.stages)

    @property
    def last(self) -> Stage:
        return self.stages[-1]


DEFAULT: dict[str, list[dict[str, Any]]] = {
    "single": [{"parts": [TASK]}],
    "stilts": [{"parts": [SOURCE]}, {"parts": [TASK]}],
}


def arms_of(declared: Mapping[str, Any] | None) -> list[Arm]:
    """Return the arms of a config's key `arms`; None for the default ones, single and stilts."""
    return [Arm(name, _stages(stages)) for name, stages in (declared or DEFAULT).items()]


def _stages(declared: list[dict[str, Any]]) -> tuple[Stage, ...]:
    return tuple(Stage(**{**stage, "parts": tuple(stage["parts"])}) for stage in declared)
