"""The key `columns` of a task file: what stands for each normalised column of its form."""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, create_model, model_validator

from interlude.forms import declaration_of
from interlude.forms.declaration import Column
from interlude.plan.declared import Declared, Omittable, refuse_unless_one

Name = Annotated[str, Field(min_length=1, description="a column, or a template of some")]
KINDS: dict[type, str] = {list: "array", dict: "object"}  # of a value -> its type in a JSON schema


class SpanColumns(Declared):
    """A span in columns of its own: its first character, and its end or its text."""

    start: Name = Field(description="column with the first character of the span")
    end: Omittable[Name] = Field(None, description="column with the character behind its last")
    text: Omittable[Name] = Field(None, description="column with the text of the span")

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        refuse_unless_one(self, {"end": None, "text": None})
        return self


class JoinedColumn(Declared):
    """A text that a column holds in pieces."""

    join: Name = Field(description="column with a list of texts, or a template of such columns")
    between: str = Field(description='what stands between them, such as " " or "\\n"')


MAPPINGS: dict[str, type[Declared]] = {"span": SpanColumns, "text": JoinedColumn}


@cache
def columns_model(form: str) -> type[Declared]:
    """Return the model of the key `columns` in the task files of a form."""
    columns = declaration_of(form).columns
    return create_model("Columns", __base__=Declared, **{n: _field(c) for n, c in columns.items()})


def _field(column: Column) -> Any:
    """Return type and field of a column in a task file."""
    described = Field(min_length=1, description=column.description)
    ways: dict[str, Any] = {"string": Annotated[str, described]}
    if column.kind in MAPPINGS:
        ways["object"] = MAPPINGS[column.kind]
    if column.several:
        one: Any = _one_of(ways)
        ways["array"] = Annotated[list[one], Field(min_length=2)]
    default = None if column.optional else ...
    return _one_of(ways), Field(default, description=column.description)


def _one_of(ways: dict[str, Any]) -> Any:
    """Return the type of a value that is declared in one of several ways, by its kind in JSON."""
    if len(ways) == 1:
        return ways["string"]

    def way(value: Any) -> str:
        kind = KINDS.get(type(value), "string")
        return kind if kind in ways else "string"

    union: Any = reduce(or_, [Annotated[each, Tag(name)] for name, each in ways.items()])
    return Annotated[union, Discriminator(way)]
