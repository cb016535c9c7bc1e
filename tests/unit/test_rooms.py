"""The rooms of docs/design.md: a module imports from its own room and from those before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src/interlude"
WAY_OF_THE_DATA = (
    "words",
    "errors",
    "files",
    "versions",
    "metrics",
    "forms: rows",
    "plan",
    "data",
    "generate",
    "encode",
    "look",
    "forms: heads",
    "training",
    "jobs",
    "selection",
)
# What reads tables knows nothing of the plan, nor of how a number came about.
WAY_OF_THE_TABLES = ("words", "errors", "files", "analysis", "figures", "report")
OF_ROWS = {"__init__", "declaration", "columns", "rows"}  # of a form, and of all
SHARED_BY_ROWS = {
    "values",
    "names",
    "numbers",
    "listed",
    "places",
    "examples",
    "text_tokens",
    "schemes",
}

MODULES = sorted(path.relative_to(SOURCES) for path in SOURCES.rglob("*.py"))
ALONE = [Path("__init__.py"), Path("words.py")]  # they import nothing of the package


def room_of(module: tuple[str, ...]) -> str:
    """Return the room of a module, given its path or dotted name in parts: (plan, study)."""
    if module[0] != "forms":
        return module[0]
    is_of_rows = module[1:] == () or module[-1] in OF_ROWS | SHARED_BY_ROWS
    return "forms: rows" if is_of_rows else "forms: heads"


def rooms_imported(path: Path) -> Iterator[str]:
    """Yield the rooms that a module imports, lazily or not; not those of its types alone."""
    tree = ast.parse((SOURCES / path).read_text(encoding="utf8"))
    of_types = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - of_types:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [str(node.module)]
            if is_package(names[0]):  # `from interlude.plan import digest`
                names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (room_of(tuple(name.split(".")[1:])) for name in names if of_package(name))


def of_package(name: str) -> bool:
    return name.startswith("interlude.")


def is_package(name: str) -> bool:
    folder = SOURCES.joinpath(*name.split(".")[1:])
    return of_package(name) and folder.is_dir() and name != "interlude.forms"


@pytest.mark.parametrize("path", [path for path in MODULES if path not in ALONE], ids=str)
def test_a_module_imports_from_its_own_room_and_those_before_it(path: Path) -> None:
    room = room_of(path.with_suffix("").parts)
    way = next(way for way in (WAY_OF_THE_DATA, WAY_OF_THE_TABLES) if room in way)
    allowed = way[: way.index(room) + 1]
    assert [other for other in rooms_imported(path) if other not in allowed] == []


@pytest.mark.parametrize("path", ALONE, ids=str)
def test_what_everything_may_import_imports_nothing_of_the_package(path: Path) -> None:
    assert list(rooms_imported(path)) == []


def test_few_modules_lie_outside_of_a_room() -> None:
    assert len([path for path in MODULES if len(path.parts) == 1]) <= 6


def test_a_function_fits_on_a_page() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse((SOURCES / path).read_text(encoding="utf8"))):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path}: {node.name}"
