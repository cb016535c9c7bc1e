"""The state of a long run on disk, from which it goes on to the same bits after an interruption.

A checkpoint is one safetensors file beside the record: all tensors, and the rest as JSON in its
metadata. It belongs to one training, known by its identity; that of another is never read. Saved
are the weights, the optimiser's moments, the random state, the results so far and the kept weights;
the order of the batches follows from the run's seed and the number of steps done.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol

from interlude.errors import InputError
from interlude.jobs.meter import Meter
from interlude.training.tensor_file import Tensors, read_tensors, save_tensors

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A shorter run takes less time again than its state takes to be written and read.
SHORTEST_SECONDS = 30.0


class Resumable(Protocol):
    """What a checkpoint saves and restores: tensors by name, and metadata that fits into JSON."""

    def tensors(self) -> Tensors:
        """Return every tensor under a name of its own."""

    def metadata(self) -> dict[str, Any]:
        """Return the rest, which fits into JSON."""

    def resume(self, tensors: Tensors, metadata: dict[str, Any]) -> None:
        """Restore what these two returned."""


@dataclass
class Checkpoints:
    """When to save a run, and where. Within it, SIGINT and SIGTERM end the run after a step.

    meter: of the run; what was used until a checkpoint is saved with it.
    """

    path: Path
    identity: Callable[[], str]
    every_seconds: float
    meter: Meter = field(default_factory=Meter)
    clock: Callable[[], float] = time.monotonic

    def __enter__(self) -> Checkpoints:
        self._received: int | None = None
        self._saved_at = self.clock()
        self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if kind is None:
            self.path.unlink(missing_ok=True)

    def restore(self, run: Resumable) -> bool:
        """Restore a run from its checkpoint; False when there is none of this run."""
        if not self.path.exists():
            return False
        try:
            tensors, kept = read_tensors(self.path)
        except InputError:
            return False  # written by no run of ours, or broken since
        metadata: dict[str, Any] = json.loads(kept.get("metadata", "{}"))
        if metadata.pop("identity", None) != self.identity():
            return False
        self.meter.add(metadata.pop("costs"))
        run.resume(tensors, metadata)
        return True

    def after_step(self, run: Resumable) -> None:
        """Save when it is time; after a signal, save and end with its exit status."""
        waited = self.clock() - self._saved_at
        if self._received is not None:
            if waited > min(SHORTEST_SECONDS, self.every_seconds):
                self._save(run)
            raise SystemExit(128 + self._received)
        if waited > self.every_seconds:
            self._save(run)
            self._saved_at = self.clock()

    def _save(self, run: Resumable) -> None:
        metadata = {"identity": self.identity(), "costs": self.meter.costs(), **run.metadata()}
        save_tensors(self.path, run.tensors(), {"metadata": json.dumps(metadata)})

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received = number
