"""From the bytes of a text file to its text."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from interlude.errors import InputError


def _known(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        allowed = "an encoding of text that Python knows, such as utf-8, utf-16, cp1252 or latin-1"
        raise PydanticCustomError("encoding", allowed) from None
    return name


Encoding = Annotated[str, AfterValidator(_known)]


def decoded(content: bytes, where: str, encoding: str = "utf-8") -> str:
    """Return a text without its byte order mark; InputError names the line of what is no text."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, errors="replace")
        byte = content[error.start]
        raise InputError(
            f"{_line(where, before)}: found the byte {byte:#04x}, {_no(encoding)}"
        ) from None
    if "\0" in text:
        before = text.partition("\0")[0]
        raise InputError(f"{_line(where, before)}: found the character NUL, {_no(encoding)}")
    return text.removeprefix("\ufeff")


def _line(where: str, before: str) -> str:
    return f"{where}, line {before.count(chr(10)) + 1}"


def _no(encoding: str) -> str:
    return (
        f"which is no text in {encoding}. Of a file in another encoding say which one: "
        "source.options.encoding, such as utf-16 or cp1252."
    )
