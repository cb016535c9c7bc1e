"""What a digest covers of a source file: its statements, without what computes nothing.

Parsing some hundred files takes as long as all the rest of a plan, so the result for a file may be
kept between starts, by the file's content: beside the bytecode of this module, so that all working
folders of a clone have it in common.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

from interlude.errors import InputError
from interlude.files import written_atomically

KEPT = Path(cache_from_source(__file__)).with_suffix(".json")
MOST_KEPT = 2000  # sources: some five versions of all
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """SHA-256 of a source without what a digest is blind to, and the names that it may import."""

    bare: str
    imports: tuple[str, ...]


_kept: dict[str, Source] = {}  # by an earlier start
_seen: dict[str, Source] = {}  # by this one


def source_of(path: Path) -> Source:
    """Return what a digest sees of a file as it is now."""
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


def recall(file: Path = KEPT) -> None:
    """Read what an earlier start has kept in a file; nothing if the file cannot be read."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        read = json.loads(file.read_bytes())
        _kept.update({key: Source(bare, tuple(names)) for key, (bare, names) in read.items()})


def remember(file: Path = KEPT) -> None:
    """Keep in a file what this start has seen beside what was kept, where that is more.

    A file that cannot be written is not: the next start parses again.
    """
    if _seen.keys() <= _kept.keys():
        return
    earlier = {key: source for key, source in _kept.items() if key not in _seen}
    latest = [*earlier.items(), *_seen.items()][-MOST_KEPT:]
    content = json.dumps({key: (source.bare, source.imports) for key, source in latest})
    with suppress(InputError), written_atomically(file) as target:
        target.write_text(content, encoding="utf8")


@cache
def _read(path: Path, changed_ns: int, size: int) -> Source:
    """Return the source of a file, read once while its time and size are these."""
    content = path.read_bytes()
    key = hashlib.sha256(_parser() + content).hexdigest()
    _seen[key] = _kept.get(key) or _parsed(content)
    return _seen[key]


@cache
def _parser() -> bytes:
    """Return what makes a source of a content: this file, and the Python that parses."""
    return Path(__file__).read_bytes() + sys.version.encode()


def _parsed(content: bytes) -> Source:
    tree = ast.parse(content)
    names: list[str] = []
    for node in [tree, *_statements(tree)]:
        if isinstance(node, DOCUMENTED):
            node.body = [line for line in node.body if not _is_unseen(line)] or [ast.Pass()]
        elif isinstance(node, ast.Raise):
            _silence(node)
        names.extend(_imported_names(node))
    bare = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return Source(bare, tuple(sorted(set(names))))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements below a node; expressions, which are most of a tree, hold none."""
    for child in ast.iter_child_nodes(node):
        is_statement = isinstance(child, ast.stmt | ast.excepthandler | ast.match_case)
        if is_statement and not _is_unseen(child):
            yield child
            yield from _statements(child)


def _imported_names(node: ast.AST) -> Iterator[str]:
    """Yield dotted names that may be modules of this package; relative imports are not used."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_unseen(line: ast.AST) -> bool:
    """Return whether a statement does nothing: a docstring, or imports for annotations alone."""
    if isinstance(line, ast.If):
        test = line.test
        return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING" and not line.orelse
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _silence(statement: ast.Raise) -> None:
    """Take the words out of an error that is raised."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
