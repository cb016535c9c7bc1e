"""The metric of a part that names one of `evaluate`, from the folder into which it was prepared."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from interlude.metrics import Metric, metric_of
from interlude.plan.trainings import Part

_PARAMETERS = ("score", "out_of", "config", "options")


def evaluated(part: Part, folder: Path) -> Metric:
    """Return the metric; it is loaded when it is first called."""
    declared = json.loads(part.evaluate)
    parameters: dict[str, Any] = {name: declared[name] for name in _PARAMETERS if name in declared}
    parameters["script"] = folder / f"{declared['name']}.py"
    parameters["where"] = f"task {part.task}: key evaluate"
    return partial(metric_of(part.metric), **parameters)
