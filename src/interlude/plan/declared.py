"""What people write in YAML files, as pydantic models: schema, defaults and reference in one.

The description of a field is its documentation (docs/config.md is made of it) and says what is
allowed where a message refuses a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import yaml
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
from interlude.plan.faults import FOUND, NOT_AMONG, first_fault

T = TypeVar("T")
Kind = TypeVar("Kind", bound=BaseModel)

# As `yaml.safe_load`, but that of libyaml, where PyYAML was built with it: ten times as fast.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Declared(BaseModel):
    """A mapping in a file: no key but those named, no value of another type, none changed later.

    Nothing is converted: 3.0 is no whole number, true is no number, and .nan and .inf are none.
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


def among(names: Callable[[], list[str]]) -> AfterValidator:
    """Return what holds a text to a list of names, which is asked for at each check."""

    def known(name: str) -> str:
        if name not in (allowed := names()):
            raise PydanticCustomError(NOT_AMONG, "one of them", {"allowed": allowed})
        return name

    return AfterValidator(known)


def refuse_unless_one(given: BaseModel, ways: Mapping[str, str | None]) -> None:
    """Refuse a mapping that does not have exactly one of some keys.

    ways: each of these keys -> another that it needs beside it, or None. For a model's validator.
    """
    there = [name for name in ways if getattr(given, name) is not None]
    if len(there) != 1 or ((beside := ways[there[0]]) and getattr(given, beside) is None):
        named = [f"{name} (with {needed})" if needed else name for name, needed in ways.items()]
        allowed = f"exactly one of {', '.join(named[:-1])} and {named[-1]}"
        raise PydanticCustomError("ways", allowed, {FOUND: ", ".join(there) or "none of them"})


# A key that may be left out, and is not null where it is there.
if TYPE_CHECKING:
    IfGiven: TypeAlias = T | None
else:
    IfGiven = Annotated[T, "left out: None"]

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


def read(kind: type[Kind], path: Path) -> Kind:
    """Read a YAML file as a model, with its defaults.

    Raises InputError when the file is missing, is no YAML mapping, or breaks the model.
    """
    return checked(kind, read_yaml(path), where=str(path))


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; InputError names the file and the line of a fault."""
    try:
        return _SafeLoader(path.read_text(encoding="utf8")).get_single_data()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def checked(kind: type[Kind], document: Any, where: str, key: str = "") -> Kind:
    """Return a document as a model, with its defaults; the document itself stays as it is.

    where: the file name for messages; key: that of the document in its file, where it is not the
    whole. Raises InputError for the first fault.
    """
    if not isinstance(document, dict):
        at = f"key {key}: " if key else ""
        found = type(document).__name__
        raise InputError(f"{where}: {at}expected a mapping of keys, found {found}.")
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{where}: {first_fault(error, kind.model_json_schema(), key)}") from None
