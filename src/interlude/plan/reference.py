"""The tables of keys in docs/, made of the models: python -m interlude.plan.reference docs/*.md

A table stands between the lines `<!-- keys: NAME -->` and `<!-- end -->` of a page.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from interlude.forms import declaration_of, form_names
from interlude.plan.arms import Stage
from interlude.plan.config import SETTINGS, Config
from interlude.plan.declared import Declared
from interlude.plan.methods import METHODS
from interlude.plan.models import ModelFile
from interlude.plan.tasks import TaskFile

MODELS: dict[str, type[Declared]] = {
    "config": Config,
    "settings": SETTINGS,
    "stage": Stage,
    "task": TaskFile,
    "model": ModelFile,
}
NULL = {"type": "null"}
OF_SETTINGS = ("Grid", "Sweep")  # their keys have a table of their own
_TABLE = re.compile(r"(<!-- keys: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Schema = Mapping[str, Any]


def refreshed(page: str) -> str:
    """Return the text of a page with its tables as they are today; KeyError for an unknown one."""
    return _TABLE.sub(lambda match: f"{match[1]}{_table(match[2])}{match[3]}", page)


def _table(name: str) -> str:
    made = MADE.get(name)
    rows = made() if made else _keys(MODELS[name].model_json_schema())
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _forms() -> Iterator[tuple[str, ...]]:
    """Yield the columns and metrics of each form; a column that may be left out is in brackets."""
    yield "form", "columns", "metrics"
    yield "---", "---", "---"
    for name in form_names():
        form = declaration_of(name)
        columns = (f"[{key}]" if each.optional else key for key, each in form.columns.items())
        yield name, ", ".join(columns), ", ".join(form.metrics)


def _methods() -> Iterator[tuple[str, ...]]:
    """Yield the parameters of each method, the first with what the method is."""
    yield "method", "parameter", "default", "what"
    yield "---", "---", "---", "---"
    for name, method in METHODS.items():
        summary = str(method.__doc__).splitlines()[0]
        yield name, "", "", summary
        for each in fields(method):
            if each.name != "name":
                words = each.metadata["description"]
                yield "", f"`{each.name}`", f"`{_yaml(each.default)}`", words


def _keys(schema: Schema) -> Iterator[tuple[str, ...]]:
    yield "key", "default", "what"
    yield "---", "---", "---"
    yield from _rows(schema, schema.get("$defs", {}), "")


def _rows(schema: Schema, definitions: Schema, around: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each key, and for those within, under their dotted names."""
    for name, value in schema["properties"].items():
        inner = _within(value, definitions)
        if inner is None or "description" in value:
            default = _default(value) if name not in schema.get("required", []) else "–"
            yield f"`{around}{name}`", default, _words(value)
        if inner is not None:
            yield from _rows(inner, definitions, f"{around}{name}.")


def _within(value: Schema, definitions: Schema) -> Schema | None:
    """Return the schema of a value that is a mapping with keys of its own; None for another."""
    forms = [each for each in value.get("anyOf", [value]) if each != NULL]
    target = forms[0].get("$ref", "").rpartition("/")[2]
    return definitions[target] if target and target not in OF_SETTINGS else None


def _default(value: Schema) -> str:
    """Return a default as YAML has it; nothing where the keys within have theirs, or none is."""
    default = value.get("default")
    takes_null = NULL in value.get("anyOf", []) or None in value.get("enum", [])
    if "$ref" in value or (default is None and not takes_null):
        return ""
    return f"`{_yaml(default)}`"


def _yaml(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def _words(value: Schema) -> str:
    description: str = value["description"]
    choices = ["null" if each is None else str(each) for each in value.get("enum", [])]
    if any(choice not in description for choice in choices):
        description = f"{', '.join(choices)}: {description}"
    return description.replace("|", r"\|").replace("<", r"\<")


MADE = {"forms": _forms, "methods": _methods}  # tables that are not of one model


def main() -> None:
    """Write the tables of keys of the pages named on the command line."""
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(refreshed(page.read_text(encoding="utf8")), encoding="utf8")


if __name__ == "__main__":
    main()
