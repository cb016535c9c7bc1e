"""The examples in docs/add-a-task.md of what a task file says of a row."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlude.data.read import reader_by_ending
from interlude.data.read.rows import reader_of
from interlude.data.shape.normalise import normalise
from interlude.plan.tasks import Task

PAGE = Path(__file__).parents[3] / "docs/add-a-task.md"
BLOCK = re.compile(r"<!-- examples -->\n```yaml\n(.*?)```", re.DOTALL)
EXAMPLES = BLOCK.findall(PAGE.read_text(encoding="utf8"))[0].split("---\n")


CONLL = re.compile(r"```conll\n(.*?)```\n\n```yaml\n(.*?)```", re.DOTALL)


def test_a_file_of_columns_is_a_task(task: Callable[..., Task]) -> None:
    ((content, example),) = CONLL.findall(PAGE.read_text(encoding="utf8"))
    said = yaml.safe_load(example)
    (name,) = said.pop("source")["files"].values()
    read = reader_of(reader_by_ending([name]) or "no reader")
    rows = read({"all": content.encode()}, Counter())["all"]
    found = normalise(task(rows, labels=None, **said), {"all": rows})
    assert set(found.labels) == {"O", "B-PER"}
    assert [row["tokens"] for rows in found.parts.values() for row in rows] == [
        ["Anna", "met", "Bob"],
        ["It", "rained"],
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: yaml.safe_load(text)["form"])
def test_an_example_is_a_task(example: str, task: Callable[..., Task]) -> None:
    row: dict[str, Any] = json.loads(example.splitlines()[0].removeprefix("# "))
    said = yaml.safe_load(example)
    label = said["columns"].get("label")
    rows = [row, row | ({label: "other"} if isinstance(label, str) else {})]
    found = normalise(task(rows, labels=None, **said), {"all": rows})
    assert [len(part) for part in found.parts.values()] == [1, 1]
