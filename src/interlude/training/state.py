"""What changes while a run trains: the model, its optimiser, and the results so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.forms.head import Outputs, Tensors
from interlude.training.vocabulary import UsedRows

KEPT = ("encoder", "heads")  # the weights of the kept evaluation


@dataclass
class PartResult:
    """What a run measures on a task. Predictions and scores are those of the kept evaluation.

    held_aside_score: that of the same model on the examples held aside, where there are some.
    """

    best_step: int | None = None
    scores: dict[str, float] = field(default_factory=dict)
    predictions: list[Any] = field(default_factory=list)
    curve: list[dict[str, float | int | None]] = field(default_factory=list)
    tokens: int = 0
    held_aside_score: float | None = None


@dataclass
class Trained:
    """What a run ends with: of each task in its data, and of the whole.

    encoder, heads: the weights of the evaluation with the best mean score of all tasks, or of the
    last one. stopped_by: schedule (all planned steps are done), patience or divergence. epochs: of
    a sampler that goes by scores, after which step each ended that another one followed, and the
    scores of the tasks then, on examples held aside.
    """

    planned_steps: int
    parts: list[PartResult]
    steps: int = 0
    stopped_by: str = "schedule"
    mean_scores: list[float] = field(default_factory=list)
    encoder: Tensors | None = None
    heads: list[Tensors] | None = None
    evaluation_tokens: int = 0
    train_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def part(self) -> PartResult:
        """The result of a run on one task."""
        (part,) = self.parts
        return part

    @property
    def tokens(self) -> int:
        """Tokens trained on, without padding."""
        return sum(part.tokens for part in self.parts)

    @property
    def diverged(self) -> bool:
        """Whether a loss or a gradient was not finite."""
        return self.stopped_by == "divergence"

    def without_result(self) -> Trained:
        """Return what remains of a run that diverged: its costs, and its curves until then."""
        parts = [PartResult(curve=part.curve, tokens=part.tokens) for part in self.parts]
        return replace(self, stopped_by="divergence", parts=parts, encoder=None, heads=None)


class TaskModel(nn.Module):
    """An encoder with a head for each task; `used_rows` when not all embedding rows are trained."""

    def __init__(
        self, encoder: nn.Module, heads: Sequence[nn.Module], used_rows: UsedRows | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(heads)
        self.used_rows = used_rows

    @property
    def head(self) -> nn.Module:
        """The head of a model for one task."""
        (head,) = self.heads
        return head

    @override
    def forward(self, inputs: Tensors, targets: Tensors, part: int = 0) -> Outputs:
        """Return what the head of a task makes of a batch of its examples."""
        outputs: Outputs = self.heads[part](self.encoder(**inputs).last_hidden_state, targets)
        return outputs

    @property
    def trained_parameters(self) -> int:
        """Numbers that are trained, those of embedding rows that only decay included."""
        trained = sum(each.numel() for each in self.parameters() if each.requires_grad)
        rows = self.used_rows
        return trained if rows is None else trained + rows.weight.numel() - rows.rows.numel()

    def decay_unused_rows(self, amount: float) -> None:
        """Give the embedding rows that are not trained their weight decay of one step."""
        if self.used_rows is not None:
            self.used_rows.decay(1 - amount)


@dataclass
class RunState:
    """All that a run has to go on from after any step.

    losses: of each task, since the last report.
    """

    model: TaskModel
    optimizer: torch.optim.Optimizer
    result: Trained
    healthy: Tensor
    losses: list[list[Tensor]]

    def tensors(self) -> Tensors:
        """Return every tensor under a name of its own."""
        found = {f"model.{name}": tensor for name, tensor in self._model_tensors()}
        for number, state in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        encoder, heads = self.result.encoder or {}, self.result.heads or []
        found |= {f"encoder.{name}": tensor for name, tensor in encoder.items()}
        for part, head in enumerate(heads):
            found |= {f"heads.{part}.{name}": tensor for name, tensor in head.items()}
        found |= {f"losses.{part}": torch.stack(of) for part, of in enumerate(self.losses) if of}
        return found | {f"random.{name}": state for name, state in _random_states().items()}

    def metadata(self) -> dict[str, Any]:
        """Return the rest, which fits into JSON."""
        names = [each.name for each in fields(self.result) if each.name not in KEPT]
        rows = self.model.used_rows
        return {
            "result": {name: getattr(self.result, name) for name in names}
            | {"parts": [vars(part) for part in self.result.parts]},
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
        kept = metadata["result"]
        self.result = Trained(**kept | {"parts": [PartResult(**each) for each in kept["parts"]]})
        self.result.encoder = _below("encoder", tensors) or None
        heads = [_below(f"heads.{part}", tensors) for part in range(len(self.losses))]
        self.result.heads = heads if self.result.encoder else None
        self.healthy.fill_(metadata["healthy"])
        losses = _below("losses", tensors)
        for part, of_part in enumerate(self.losses):
            of_part[:] = losses.get(str(part), self.healthy.new_empty(0)).to(self.healthy.device)
        _set_random_states(_below("random", tensors))

    def _model_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield what may change: all but frozen weights."""
        weights = self.model.named_parameters()
        trained = ((name, weight) for name, weight in weights if weight.requires_grad)
        return chain(trained, self.model.named_buffers())

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
