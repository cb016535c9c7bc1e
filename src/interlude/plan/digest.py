"""A digest of the code behind a step, blind to comments, docstrings and layout.

Snakemake keeps it as a parameter: a change of code that computes something reruns the step,
a comment or a touched file does not, and neither does a change of code the step never imports.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parents[2]
PACKAGE = "interlude"
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
NO_RESULT_DEPENDS_ON = {"interlude.errors"}  # words for people, no numbers


@dataclass(frozen=True)
class Source:
    """A source without comments, docstrings and layout, and the modules here that it imports."""

    bare: str
    imports: tuple[Path, ...]


def code_digest(script: Path) -> str:
    """Return 16 hex digits for a script and every module of this package that it imports."""
    files = sorted(_reachable(script), key=lambda path: path.as_posix())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n{_source(path).bare}\n".encode())
    return digest.hexdigest()[:16]


def _reachable(script: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_source(path).imports)
    return found


@cache
def _source(path: Path) -> Source:
    tree = ast.parse(path.read_text(encoding="utf8"), filename=str(path))
    names: list[str] = []
    for node in [tree, *_statements(tree)]:
        if isinstance(node, DOCUMENTED):
            node.body = [line for line in node.body if not _is_docstring(line)] or [ast.Pass()]
        names.extend(_imported_names(node))
    found = map(_module_file, names)
    modules = sorted({module for module in found if module is not None})
    return Source(ast.unparse(tree), tuple(modules))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below a node; expressions, which are most of a tree, hold none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from _statements(child)


def _imported_names(node: ast.AST) -> Iterator[str]:
    """Yield dotted names that may be modules of this package; relative imports are not used."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_file(name: str) -> Path | None:
    if name.split(".", maxsplit=1)[0] != PACKAGE or name in NO_RESULT_DEPENDS_ON:
        return None
    stem = SOURCES.joinpath(*name.split("."))
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _is_docstring(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
