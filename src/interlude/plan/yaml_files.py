"""YAML files as people write them: read so that nothing in one is lost, faults named by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from interlude.errors import InputError, shown_key

# As `yaml.safe_load`, but that of libyaml, where PyYAML was built with it: ten times as fast.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 100  # mappings and lists within each other
_LONG = 5_000  # characters; libyaml composes shorter files however deep they are nested
_NOT_READ = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")  # the keys << and =
_Repeated = tuple[tuple[str, ...], yaml.Node, yaml.Node]


class _Loader(_SafeLoader):  # type: ignore[misc]
    """A loader for which a value that its tag does not allow, as 2026-13-01, is a fault of YAML.

    So is text that no file name and no file can hold.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            if isinstance(node, yaml.ScalarNode) and b"\0" in node.value.encode():
                raise _at(node, "text must not hold the character 0")
            return super().construct_object(node, deep)
        except UnicodeEncodeError:
            raise _at(node, "text must not hold half a character") from None
        except (ValueError, LookupError, AttributeError, OverflowError):
            kind = node.tag.rpartition(":")[2]
            raise _at(node, f"this is no {kind}; write text in quotes") from None


def _at(node: yaml.Node, problem: str) -> ConstructorError:
    return ConstructorError(problem=problem, problem_mark=node.start_mark)


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises InputError, with the line, where it is missing, no YAML, or has a key twice.
    """
    text = _text(path)
    try:
        if len(text) > _LONG:
            _refuse_deep(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        _refuse_repeated_keys(loader, node, path)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise InputError(f"{path}: not valid YAML: {_explained(error)}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{path}: not valid YAML: nested too deep.") from None


def _refuse_deep(text: str) -> None:
    """Raise RecursionError where libyaml, which recurs in C, would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


def check_config_file(path: Path) -> None:
    """Refuse a file with a key twice, of which Snakemake would take the last one; also if JSON."""
    try:
        json.loads(_text(path), object_pairs_hook=lambda pairs: _once(path, pairs))
    except (ValueError, RecursionError):
        read_yaml(path)


def _once(path: Path, pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _twice(path, (name,), "twice in one mapping")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    try:
        return content.decode("utf8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: not valid YAML: line {line} is not UTF-8 text. Save the file as UTF-8."
        ) from None


def _explained(error: yaml.MarkedYAMLError) -> str:
    """Return the line and column of a fault, and what is wrong, in one line."""
    mark = error.problem_mark or error.context_mark
    at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    begun = error.context_mark and error.context_mark.line + 1
    context = f"{error.context} of line {begun}" if error.context and begun else error.context
    return at + " ".join(", ".join(filter(None, (context, error.problem))).split())


def _refuse_repeated_keys(loader: _Loader, node: yaml.Node | None, path: Path) -> None:
    for keys, first, second in _repeated(loader, node, (), set()):
        lines = sorted({each.start_mark.line + 1 for each in (first, second)})
        named = " and ".join(map(str, lines))
        raise _twice(path, keys, f"twice, in line{'s' * (len(lines) > 1)} {named}")


def _twice(path: Path, keys: tuple[str, ...], where: str) -> InputError:
    named = ".".join(map(shown_key, keys))
    return InputError(f"{path}: key {named}: found {where}. Allowed: once.")


def _repeated(
    loader: _Loader, node: yaml.Node | None, keys: tuple[str, ...], seen: set[int]
) -> Iterator[_Repeated]:
    """Yield each key that a mapping has twice, with both nodes; an alias is looked at once.

    Of the nodes, since what is constructed of them has it once, and keys that `<<` brings as well.
    """
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if len(keys) > _DEEPEST:
        raise RecursionError
    first: dict[Any, yaml.Node] = {}
    for key, value in _within(node):
        if isinstance(key, yaml.ScalarNode):
            earlier = first.setdefault(_meant(loader, key), key)
            if earlier is not key:
                yield (*keys, key.value), earlier, key
        yield from _repeated(loader, value, (*keys, _name(key)), seen)


def _within(node: yaml.Node) -> list[tuple[Any, yaml.Node]]:
    """Return keys, or numbers in a list, and the nodes there."""
    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    return list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []


def _meant(loader: _Loader, key: yaml.ScalarNode) -> Any:
    """Return what a key is once it is read: yes and true are one, and so are a and "a"."""
    return key.tag if key.tag in _NOT_READ else loader.construct_object(key)


def _name(key: Any) -> str:
    return str(key.value) if isinstance(key, yaml.Node) else str(key)
