"""The examples in docs/add-a-task.md of what a task file says of a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlude.data.shape.normalise import normalise
from interlude.plan.tasks import Task

PAGE = Path(__file__).parents[3] / "docs/add-a-task.md"
BLOCK = re.compile(r"<!-- examples -->\n```yaml\n(.*?)```", re.DOTALL)
EXAMPLES = BLOCK.findall(PAGE.read_text(encoding="utf8"))[0].split("---\n")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: yaml.safe_load(text)["form"])
def test_an_example_is_a_task(example: str, task: Callable[..., Task]) -> None:
    row: dict[str, Any] = json.loads(example.splitlines()[0].removeprefix("# "))
    said = yaml.safe_load(example)
    label = said["columns"].get("label")
    rows = [row, row | ({label: "other"} if isinstance(label, str) else {})]
    found = normalise(task(rows, labels=None, **said), {"all": rows})
    assert [len(part) for part in found.parts.values()] == [1, 1]
