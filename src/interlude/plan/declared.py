"""What people write in YAML files, as pydantic models: schema, defaults and reference in one.

The description of a field is its documentation (docs/config.md is made of it) and says what is
allowed where a message refuses a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    RootModel,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from interlude.errors import InputError
from interlude.plan.as_meant import as_meant
from interlude.plan.faults import FOUND, NOT_AMONG, Elsewhere, first_fault
from interlude.plan.hints import in_words
from interlude.plan.yaml_files import read_yaml

T = TypeVar("T")
Kind = TypeVar("Kind", bound=BaseModel)


class Declared(BaseModel):
    """A mapping in a file: no key but those named, no value of another type, none changed later.

    Nothing is converted: 3.0 is no whole number, true is no number, and .nan and .inf are none.
    But text such as 2e-5 is a number where one is due: see `as_meant`.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, regex_engine="python-re"
    )


class DeclaredByName(RootModel[Any]):
    """A file that is a mapping from names to parts which are alike: its `root`."""

    model_config = ConfigDict(strict=True, frozen=True, regex_engine="python-re")


class AsWritten:
    """Check a value, and keep it as it is written: 3 does not become 3.0, and keys their order.

    kind: what it is checked as, where that is not the annotated type.
    """

    def __init__(self, kind: Any = None) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def kept(value: Any, check: Callable[[Any], Any]) -> Any:
            check(value)
            return value

        kind = handler(source) if self._kind is None else handler.generate_schema(self._kind)
        as_it_is = core_schema.plain_serializer_function_ser_schema(lambda value: value)
        return core_schema.no_info_wrap_validator_function(kept, kind, serialization=as_it_is)


def _different(values: list[T]) -> list[T]:
    if any(value in values[:place] for place, value in enumerate(values)):
        raise PydanticCustomError("repeated", "each once")
    return values


def among(names: Callable[[], Sequence[str]]) -> AfterValidator:
    """Return a check that a text is among names; the list is read anew at each check."""

    def known(name: str) -> str:
        if name not in (allowed := names()):
            raise PydanticCustomError(NOT_AMONG, "one of them", {"allowed": allowed})
        return name

    return AfterValidator(known)


def refuse_unless_one(model: BaseModel, ways: Mapping[str, str | None]) -> None:
    """Refuse a mapping that does not have exactly one of some keys.

    ways: each of these keys -> another that it needs beside it, or None. For a model's validator.
    """
    there = [name for name in ways if getattr(model, name) is not None]
    if len(there) != 1 or ((beside := ways[there[0]]) and getattr(model, beside) is None):
        named = [f"{name} (with {needed})" if needed else name for name, needed in ways.items()]
        allowed = f"exactly one of {', '.join(named[:-1])} and {named[-1]}"
        raise PydanticCustomError("ways", allowed, {FOUND: ", ".join(there) or "none of them"})


# A key that may be left out, and is not null where it is there.
if TYPE_CHECKING:
    Omittable: TypeAlias = T | None
else:
    Omittable = Annotated[T, "left out: None"]

Number = Annotated[float, AsWritten()]
Different = Annotated[list[T], AfterValidator(_different)]
# `\Z` and not `$`, before which a newline may stand.
Name = Annotated[
    str,
    Field(
        pattern=r"^(?!none\Z)[a-z0-9][a-z0-9-]{0,63}\Z",
        description="lower case, digits and hyphens; not none, which stands for no source",
    ),
]
HubId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?\Z",
        description="owner and name of a repository, such as nyu-mll/glue",
    ),
]
# What a table or a figure can show: neither control nor direction, and no formula where a
# spreadsheet opens a CSV file.
Title = Annotated[
    str,
    Field(
        max_length=100,
        pattern=r"^(?![=+@-])[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+\Z",
        description="short name for figures and tables; one line, 1 to 100 characters, the first "
        "one none of = + - @",
    ),
]
Sha256 = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{64}\Z", description="64 hexadecimal digits in lower case"),
]


def read(kind: type[Kind], path: Path, elsewhere: Elsewhere = dict) -> Kind:
    """Read a YAML file as a model, with its defaults.

    elsewhere: as in `checked`. Raises InputError when the file is missing, is no YAML mapping, or
    breaks the model.
    """
    return checked(kind, read_yaml(path), where=str(path), elsewhere=elsewhere)


def checked(
    kind: type[Kind],
    document: Any,
    where: str,
    key: str = "",
    elsewhere: Elsewhere = dict,
) -> Kind:
    """Return a document as a model, with its defaults; the document itself stays as it is.

    where: the file name for messages; key: that of the document in its file, where it is not the
    whole; elsewhere: returns key -> the key around it, for keys of the file that this model lacks.
    Raises InputError for the first fault.
    """
    if not isinstance(document, dict):
        at = f"key {key}: " if key else ""
        raise InputError(f"{where}: {at}expected a mapping of keys, found {in_words(document)}.")
    try:
        return _validated(kind, document)
    except ValidationError as error:
        fault = first_fault(error, _schema(kind), key, elsewhere)
        raise InputError(f"{where}: {fault}") from None


def _validated(kind: type[Kind], document: dict[str, Any]) -> Kind:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        corrected = as_meant(document, error.errors(include_url=False))
        if corrected is document:
            raise
        return kind.model_validate(corrected)


@cache
def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    return kind.model_json_schema()
