"""Analysis and figures read tables: they import words, errors, files and each other, no more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src/interlude"
ALLOWED = {"words", "errors", "files"}


def rooms_imported(path: Path) -> set[str]:
    """The modules and rooms of the package that a module imports, lazily or not."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("interlude.")}


@pytest.mark.parametrize(("room", "others"), [("analysis", set()), ("figures", {"analysis"})])
def test_what_a_room_imports(room: str, others: set[str]) -> None:
    found = {path: rooms_imported(path) for path in (SOURCES / room).glob("*.py")}
    assert len(found) > 5
    allowed = ALLOWED | others | {room}
    assert {path.name: more for path, rooms in found.items() if (more := rooms - allowed)} == {}


def test_the_words_import_nothing_of_the_package() -> None:
    assert rooms_imported(SOURCES / "words.py") == set()
