"""Steps of a training under torch's profiler: the seconds of each kind of operation."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch.profiler import ProfilerActivity, profile
from typing_extensions import override

from bench.contestant import interlude
from bench.material import Material, data_of
from bench.meter import Meter
from interlude.plan.trainings import Training
from interlude.training.data import alone
from interlude.training.schedule import plan

REST = "Python, the profiler and the rest"
# Operations of torch by the beginning of their name, without `aten::`; the first that fits.
KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm"),
    "activation (GELU)": ("gelu",),
    "masks of dropout": ("random_", "bitwise_and", "ge"),
    "layer norm and softmax": ("native_layer_norm", "_softmax", "_log_softmax"),
    "optimiser and clipping": ("_fused_adamw", "_foreach"),
    "casts and copies": ("copy_", "_to_copy", "clone"),
    "embeddings": ("embedding", "index", "_index_put"),
    "element-wise, sums": ("mul", "add", "sub", "div", "sum", "fill_", "zero_", "neg", "masked"),
}


class ProfiledSteps(Meter):
    """A meter that has the measured steps profiled."""

    def __init__(self, warm_up: int, steps: int) -> None:
        super().__init__(warm_up, steps)
        self.profiler = profile(activities=[ProfilerActivity.CPU])

    @override
    def _note_step(self, *given: Any) -> None:
        if len(self.clocks) + 1 == self.warm_up:
            self.profiler.start()
        super()._note_step(*given)
        if len(self.clocks) == self.ends[1]:
            self.profiler.stop()

    def seconds_by_kind(self) -> dict[str, float]:
        """Return the seconds of each kind of operation, by their own time; they sum to all."""
        seconds: Counter[str] = Counter(dict.fromkeys(KINDS, 0.0))
        for event in self.profiler.key_averages():
            seconds[kind_of(event.key)] += event.self_cpu_time_total / 1e6
        seconds[REST] += self.measures()["seconds"] - seconds.total()
        return dict(seconds)


def profiled(
    material: Material, training: Training, warm_up: int, meter: type[ProfiledSteps] = ProfiledSteps
) -> ProfiledSteps:
    """Carry out a training of Interlude under the profiler, and return what watched it."""
    with TemporaryDirectory() as folder:
        job = material.job(training, Path(folder))
        settings = training.settings
        steps = plan(alone(data_of(job)).steps_per_epoch(settings.batch_size), settings).steps
        with meter(warm_up, steps) as watching:
            interlude(job, 1, watching)
    return watching


def kind_of(operation: str) -> str:
    """Return the kind of one of torch's operations."""
    name = operation.removeprefix("aten::")
    return next((kind for kind, starts in KINDS.items() if name.startswith(starts)), REST)
