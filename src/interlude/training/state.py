"""What changes while a run trains: the model, its optimiser, and the results so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.forms.head import Outputs, Tensors
from interlude.training.vocabulary import UsedRows

KEPT = ("encoder", "head")  # the weights of the kept evaluation


@dataclass
class Trained:
    """What a run ends with. Predictions and scores are those of the kept evaluation.

    stopped_by: schedule (all planned steps are done), patience or divergence.
    """

    planned_steps: int
    steps: int = 0
    stopped_by: str = "schedule"
    best_step: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    predictions: list[Any] = field(default_factory=list)
    encoder: Tensors | None = None
    head: Tensors | None = None
    curve: list[dict[str, float | int | None]] = field(default_factory=list)
    tokens: int = 0
    evaluation_tokens: int = 0
    train_seconds: float = 0.0
    evaluation_seconds: float = 0.0

    @property
    def diverged(self) -> bool:
        """Whether a loss or a gradient was not finite."""
        return self.stopped_by == "divergence"

    def without_result(self) -> Trained:
        """Return what is left of a run that diverged: its costs, and its curve until then."""
        nothing: dict[str, Any] = {"scores": {}, "predictions": [], "encoder": None, "head": None}
        return replace(self, stopped_by="divergence", best_step=None, **nothing)


class TaskModel(nn.Module):
    """An encoder with the head of a form; `used_rows` when not all embedding rows are trained."""

    def __init__(
        self, encoder: nn.Module, head: nn.Module, used_rows: UsedRows | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.used_rows = used_rows

    @override
    def forward(self, inputs: Tensors, targets: Tensors) -> Outputs:
        outputs: Outputs = self.head(self.encoder(**inputs).last_hidden_state, targets)
        return outputs

    def decay_unused_rows(self, amount: float) -> None:
        """Give the embedding rows that are not trained their weight decay of one step."""
        if self.used_rows is not None:
            self.used_rows.decay(1 - amount)


@dataclass
class RunState:
    """All that a run has to go on from after any step; losses are those since the last report."""

    model: TaskModel
    optimizer: torch.optim.Optimizer
    result: Trained
    healthy: Tensor
    losses: list[Tensor] = field(default_factory=list)

    def tensors(self) -> Tensors:
        """Return every tensor under a name of its own."""
        found = {f"model.{name}": tensor for name, tensor in self._model_tensors()}
        for number, state in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        for part in KEPT:
            weights = getattr(self.result, part) or {}
            found |= {f"{part}.{name}": tensor for name, tensor in weights.items()}
        if self.losses:
            found["losses"] = torch.stack(self.losses)
        return found | {f"random.{name}": state for name, state in _random_states().items()}

    def metadata(self) -> dict[str, Any]:
        """Return the rest, which fits into JSON."""
        names = [each.name for each in fields(self.result) if each.name not in KEPT]
        rows = self.model.used_rows
        return {
            "result": {name: getattr(self.result, name) for name in names},
            "healthy": bool(self.healthy),
            "unseen_factor": None if rows is None else rows.unseen_factor,
        }

    def resume(self, tensors: Tensors, metadata: dict[str, Any]) -> None:
        """Take over the tensors and metadata of a state of the same run."""
        with torch.no_grad():
            for name, tensor in self._model_tensors():
                tensor.copy_(tensors[f"model.{name}"])
        if self.model.used_rows is not None:
            self.model.used_rows.unseen_factor = metadata["unseen_factor"]
        self._resume_optimizer(_below("optimizer", tensors))
        self.result = Trained(**metadata["result"])
        for part in KEPT:
            setattr(self.result, part, _below(part, tensors) or None)
        self.healthy.fill_(metadata["healthy"])
        self.losses = list(tensors["losses"].to(self.healthy.device)) if "losses" in tensors else []
        _set_random_states(_below("random", tensors))

    def _model_tensors(self) -> Iterator[tuple[str, Tensor]]:
        return chain(self.model.named_parameters(), self.model.named_buffers())

    def _resume_optimizer(self, tensors: Tensors) -> None:
        states: dict[int, Tensors] = {}
        for name, tensor in tensors.items():
            number, _, key = name.partition(".")
            states.setdefault(int(number), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": states, "param_groups": groups})


def _below(prefix: str, tensors: Tensors) -> Tensors:
    """Return the tensors whose names begin with a prefix, under the rest of their names."""
    start = f"{prefix}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def _random_states() -> Tensors:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _set_random_states(states: Tensors) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"])
