"""A text file of the user's, one text a line, that no task file describes."""

from __future__ import annotations

from pathlib import Path

from interlude.errors import InputError


def read_lines(path: Path, where: str) -> list[str]:
    """Return the lines of a text file in UTF-8.

    where: the key that names it, for messages. InputError for a file that cannot be read, or is in
    another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(
            f"{where}: {path}: {error.strerror}. Paths are relative to the working directory."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            f"{where}: {path}, line {line}: found the byte {error.object[error.start]:#04x}, "
            "which is no text in UTF-8. Allowed: a text file in UTF-8, one text a line."
        ) from None
