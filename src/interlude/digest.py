"""A digest of the code behind a step, blind to comments, docstrings and layout.

Snakemake keeps it as a parameter: a change of code that computes something reruns the step,
a comment or a touched file does not, and neither does a change of code the step never imports.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parents[1]
PACKAGE = "interlude"
NO_RESULT_DEPENDS_ON = {"interlude.errors"}  # words for people, no numbers


def code_digest(script: Path) -> str:
    """Return 16 hex digits for a script and every module of this package that it imports."""
    files = sorted(_reachable(script), key=lambda path: path.as_posix())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n{_bare_source(path)}\n".encode())
    return digest.hexdigest()[:16]


def _reachable(script: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return found


@cache
def _tree(path: Path) -> ast.Module:
    """Return the syntax tree of a source, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_docstring(line)] or [ast.Pass()]
    return tree


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    names = (name for node in ast.walk(_tree(path)) for name in _imported_names(node))
    candidates = (_module_file(name) for name in names)
    return tuple(sorted({path for path in candidates if path is not None}))


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


@cache
def _bare_source(path: Path) -> str:
    """Return the source without comments, docstrings and layout."""
    return ast.unparse(_tree(path))


def _is_docstring(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
