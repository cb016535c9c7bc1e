"""Text tables: a header, then rows of fields between separators, read strictly.

Every row has as many fields as the header, every quote is closed, and what can be read in two ways
is refused. A message names the line, as an editor counts them: a row may go over several.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from interlude.data.read.lines import LinedRows
from interlude.errors import InputError

Separator = Annotated[
    str,
    Field(
        pattern=r"^([^\w\"\\\r\n\0]|\\t)\Z",
        description=r"one character that is no letter, digit, quote or backslash, such as ; or \t",
    ),
]
Quoting = Literal["double", "backslash", "none"]
Numbered = Iterator[tuple[int, list[str]]]

USUAL = (",", ";", "\t", "|")
DIALECTS: dict[Quoting, dict[str, Any]] = {
    "double": {},
    "backslash": {"escapechar": "\\"},
    "none": {"quoting": csv.QUOTE_NONE, "quotechar": None},
}
# First words of an error of the csv module -> for our message: what was found, what is allowed.
FAULTS = {
    "unexpected end": ("a quote that begins a field and is never closed", "one that is closed"),
    "new-line": ("a carriage return that ends no line", "one in a field in double quotes"),
    "": ("text behind the quote that ends a field", 'a quote in such a field written twice ("")'),
}
OTHER_QUOTES = (
    "Of another kind of file, source.options.quoting tells: backslash where a quote in a field is "
    '\\", none where quotes are text'
)

csv.field_size_limit(2**31 - 1)  # characters of a field; by default the module refuses 131,073


def table_rows(text: str, where: str, separator: str, quoting: Quoting | None) -> LinedRows:
    """Return the rows as column -> text. A column without a name is left out; '' stays ''.

    quoting: None for double, but with tabs for files in which no field begins with a quote.
    Raises InputError for the first row that is not exactly what the header says.
    """
    separator = separator.replace("\\t", "\t")
    rows = _records(text, where, separator, quoting)
    line, header = next(rows, (1, []))
    _check_header(header, f"{where}, line {line}", separator)
    return LinedRows(
        (number, _row(header, fields, f"{where}, line {number}", separator))
        for number, fields in rows
    )


def _records(text: str, where: str, separator: str, quoting: Quoting | None) -> Numbered:
    if quoting is None and separator == "\t":
        return _without_quotes(_read(text, where, separator, "none"), where)
    return _read(text, where, separator, quoting or "double")


def _read(text: str, where: str, separator: str, quoting: Quoting) -> Numbered:
    """Yield the fields of each row that is not blank, and its first line, from 1."""
    if quoting == "backslash":  # the module drops each one; only before \ and " it is no text
        text = re.sub(r'\\([\\"]?)', lambda found: found[0] if found[1] else r"\\", text)
    # The old line ends of the Mac, if there are no others; within a line they are a fault.
    lines = list(io.StringIO(text, newline="\n" if "\n" in text else ""))
    reader = csv.reader(lines, delimiter=separator, strict=True, **DIALECTS[quoting])
    start = 1
    try:
        for fields in reader:
            if quoting != "none":
                written = "".join(lines[start - 1 : reader.line_num])
                _check_blanks(fields, written, f"{where}, line {start}", separator)
            if fields:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        last = reader.line_num
        at = f"line {start}" if last == start else f"lines {start} to {last}"
        said = next(words for words in FAULTS if str(error).startswith(words))
        found, allowed = FAULTS[said]
        hint = "" if said == "new-line" else f" {OTHER_QUOTES}."
        raise InputError(f"{where}, {at}: found {found}. Allowed: {allowed}.{hint}") from None


def _check_blanks(fields: list[str], written: str, at: str, separator: str) -> None:
    """Refuse quotes that blanks before them make a part of the text; in quotes they are doubled."""
    loose = next((each for each in fields if re.match(' +"', each)), None)
    if loose and re.search(rf'(?:^|{re.escape(separator)}) +"(?!")', written):
        found = f"{loose[:40]!r}, with blanks before its first quote"
        raise InputError(f"{at}: found {found}. Allowed: none there.")


def _without_quotes(rows: Numbered, where: str) -> Numbered:
    """Yield the rows; a field that begins with a quote has two meanings in files with tabs."""
    for number, fields in rows:
        for field in fields:
            if field.startswith('"'):
                raise InputError(
                    f"{where}, line {number}: found {field[:40]!r}, which begins with a quote. Say "
                    "in source.options what quotes are, quoting: double (around a field, as pandas "
                    "and spreadsheets write) or quoting: none (text, as in the files of GLUE)."
                )
        yield number, fields


def _check_header(header: list[str], at: str, separator: str) -> None:
    names = Counter(name for name in header if name)
    if not names:
        raise InputError(f"{at}: found no header. Allowed: a first row with the names of columns.")
    if repeated := [name for name, count in names.items() if count > 1]:
        raise InputError(f"{at}: found the column {repeated[0]!r} twice. Allowed: each name once.")
    other = next((each for each in USUAL if each in header[0]), None)
    if other and len(header) == 1:
        raise InputError(
            f"{at}: found one column, {header[0][:80]!r}, and no {separator!r}. Where {other!r} "
            f"is between the fields, say so: source.options.separator."
        )


def _row(header: list[str], fields: list[str], at: str, separator: str) -> dict[str, str]:
    if len(fields) != len(header):
        found = f"{len(fields)} field{'s' * (len(fields) > 1)}{_why(header, fields, separator)}"
        allowed = f"{len(header)}, as in the header ({separator.join(header)[:200]})"
        raise InputError(f"{at}: found {found}. Allowed: {allowed}.")
    if fields[1:] == header[1:] and fields[0].removeprefix("\ufeff") == header[0]:
        raise InputError(f"{at}: found the header again. Allowed: once, as the first row.")
    row = {}
    for place, (name, field) in enumerate(zip(header, fields, strict=True)):
        if name:
            row[name] = field
        elif field and place:  # the first one may number the rows
            raise InputError(
                f"{at}: found {field[:40]!r} in a column without a name in the header."
            )
    return row


def _why(header: list[str], fields: list[str], separator: str) -> str:
    """Return what may be the reason for a wrong number of fields."""
    if len(fields) < len(header):
        return ""
    if not any(fields[len(header) :]):
        return f", with {separator!r} at the end of the line"
    return f"; one that holds {separator!r} stands in double quotes"
