"""Task files and configs with random faults: a value, or one line that names the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from helpers import tiny
from helpers.fuzzing import repeatable
from hypothesis import given
from hypothesis import strategies as st

from interlude.errors import InputError
from interlude.plan.planner import plan_of
from interlude.plan.study import load_study
from interlude.plan.tasks import load_task
from interlude.plan.yaml_files import read_yaml

TRIED = 300  # files of a kind
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 3, 2**70, 0.5, 3.0, 1e300, float("nan"), float("inf")),
    *("", " ", "no", "2e-5", "3", "none", "all[:70%]", "all[", "a" * 3000, "../x", "=1+1", "{x}"),
    *("{", "é\u2028ü", "\n", "\t", "\x85", "\U0001f600", "tiny-pair", "accuracy", "text"),
    *([], [[]], [None], ["a", "a"], [1, "b"], {}, {"a": {}}, {"": None}, {"a\nb": 1}, [{}]),
]
ODD_KEYS: list[Any] = ["", "name", "label", "epochs", "é\n", "none", 3, None, True, 1.5, "a" * 500]
LINES = [
    "- x",
    "x: 1",
    "x: [",
    "  y: 2",
    "<<: {a: 1}",
    "x: !!int y",
    "? [a]",
    "&a *a",
    "x: 2026-13-01",
]
LINES += [
    "---",
    "\tx: 1",
    "x: \x07",
    "#",
    "x: *no",
    "%YAML",
    "!!python/object:x {}",
    'x: "\\ud800"',
]
LINES += ['x: "\\0"', "a: &a [*a]"]

FULL_CONFIG = {
    "seeds": [1, {"intermediate": 1, "target": 2, "probing": 3}],
    "restarts": 2,
    "arms": {
        "single": [{"parts": ["task"]}],
        "stilts": [{"parts": ["source"]}, {"parts": ["task"]}],
    },
    "contrasts": [{"arm": "stilts", "against": "single"}],
    "sizes": {"tiny-single": [5]},
    "target_sizes": {"tiny-pair": [5]},
    "training": {"target": {"epochs": 2, "learning_rate": 0.001}},
    "overrides": {"target": {"tiny-pair": {"batch_size": 4}}},
    "sweep": {"learning_rate": [0.1, 0.01]},
    "degenerate": {"margin": 0.1},
    "compute": {"device": "cpu", "shared": None},
    "statistics": {"alpha": 0.1},
    "task_folders": ["config/tasks"],
    "skip_unavailable": True,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny.write_registry(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["task", "config"])
def test_a_file_with_faults_is_read_or_refused_in_a_line_that_names_it(
    kind: str, root: Path
) -> None:
    read = _read_task if kind == "task" else _read_config
    outcomes = Counter[str]()

    @repeatable(TRIED)
    @given(random=st.randoms(use_true_random=False))
    def read_or_refused(random: Random) -> None:
        outcomes.update([_outcome(read, _written(kind, root, random), root)])

    read_or_refused()
    print(f"{kind}: {dict(outcomes)}")  # what was tried, in the log
    assert outcomes.total() >= TRIED
    assert min(outcomes["read"], outcomes["refused"]) > TRIED // 20


def _read_task(path: Path, root: Path) -> None:
    task = load_task(path)
    json.dumps([task.digest, task.inputs(), task.model_dump(mode="json")])


def _read_config(path: Path, root: Path) -> None:
    plan_of(load_study(read_yaml(path), root, str(path), lambda task, config: None))


def _outcome(read: Callable[[Path, Path], None], path: Path, root: Path) -> str:
    try:
        read(path, root)
    except InputError as error:
        message = str(error)
        assert message.startswith(f"{path}: "), message
        assert message.isprintable(), message
        assert len(message) < 3000, message
        return "refused"
    except Exception as error:
        error.add_note(path.read_text(encoding="utf8"))
        raise
    return "read"


def _written(kind: str, root: Path, random: Random) -> Path:
    """Write a task file or a config with up to three faults; return its path."""
    form = random.choice(tiny.FORMS)
    path = root / (f"config/tasks/tiny-{form}.yaml" if kind == "task" else "study.yaml")
    document = tiny.task_file(form) if kind == "task" else tiny.config(**FULL_CONFIG)
    document = json.loads(json.dumps(document))  # no part of it is shared
    for _ in range(random.randint(0, 2)):
        _change(document, random)
    text = yaml.safe_dump(document, allow_unicode=random.random() < 0.5, sort_keys=False)
    if random.random() < 0.3:
        text = _changed_text(text, random)
    path.write_text(text, encoding="utf8")
    return path


def _change(document: dict[Any, Any], random: Random) -> None:
    """Change something at a random place in a document."""
    around, key = random.choice(list(_places(document)))
    value = around[key]
    change = random.randrange(6)
    if change == 0:
        del around[key]
    elif change == 1 and isinstance(around, dict):
        around[random.choice(ODD_KEYS)] = around.pop(key)
    elif change == 2:
        around[key] = random.choice([[value], {key: value}, {"a": value}])
    elif change == 3:
        other, _ = random.choice(list(_places(document)))
        if isinstance(other, dict):  # to a place where it does not belong
            other[key] = json.loads(json.dumps(value))
    else:
        around[key] = json.loads(json.dumps(random.choice(ODD)))


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list in a document with each of its keys."""
    keys = list(document) if isinstance(document, dict) else range(len(document))
    for key in keys:
        yield document, key
        if isinstance(document[key], dict | list):
            yield from _places(document[key])


def _changed_text(text: str, random: Random) -> str:
    lines = text.splitlines()
    at = random.randrange(len(lines) or 1)
    part = random.choice([[], [lines[at]] * 2 if lines else [], [random.choice(LINES)]])
    return "\n".join([*lines[:at], *part, *lines[at + 1 :]])
