"""A task, encoded for a model: what a contestant is given. Needs no reader of task files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from interlude.plan.runspec import RunSpec, Settings


class Named(Protocol):
    """What a run is told of a task."""

    @property
    def name(self) -> str: ...

    @property
    def form(self) -> str: ...

    @property
    def metric(self) -> str: ...


@dataclass(frozen=True)
class Material:
    """A task, encoded for a model."""

    task: Named
    model: Path
    encoded: Path

    def arguments(self, spec: RunSpec, record: Path) -> list[str]:
        """Return the arguments of a run on this task, as workflow/scripts/train.py has them."""
        given = {"spec": spec.to_json(), "code": "bench", "model": str(self.model)}
        given |= {"encoded": str(self.encoded), "record": str(record)}
        return [part for name, value in given.items() for part in (f"--{name}", value)]

    def spec(self, settings: Settings, seed: int, device: str, precision: str) -> RunSpec:
        """Return a baseline run on this task."""
        return RunSpec(
            study="bench",
            kind="target",
            source="none",
            task=self.task.name,
            restart=1,
            seed=seed,
            source_seed=None,
            form=self.task.form,
            metric=self.task.metric,
            model=self.model.name,
            layers=None,
            device=device,
            precision=precision,
            settings=settings,
        )
