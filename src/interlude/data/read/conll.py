"""CoNLL columns: a line for each word, a blank line between sentences; read strictly.

A row is a sentence, with a list for each column. A message names the line at fault, and what can be
read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from interlude.data.read.decoded import Encoding, decoded
from interlude.data.read.lines import LinedRows
from interlude.data.read.readers import Dropped, Members, Row, Rows, reader
from interlude.errors import InputError
from interlude.plan.declared import Different

ColumnNames = Annotated[
    Different[str],
    Field(min_length=2, description="the names of all columns, in their order"),
]
Line = tuple[int, str]  # its number, from 1, and its text
DOCUMENT = "-DOCSTART-"  # begins the line between two documents
OF_CONLLU = ["id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"]
NO_WORD = re.compile(r"\d+[-.]\d+")  # an id in CoNLL-U, of several words as one, or of none


@reader
def conll(
    members: Members,
    dropped: Dropped,
    names: ColumnNames | None = None,
    comments: bool | None = None,
    encoding: Encoding = "utf-8",
) -> dict[str, Rows]:
    """Sentences with a list for each column, and `document`, the number of their document.

    names: of the columns; None for tokens, column2, column3, ... tags. comments: whether lines that
    begin with # are comments; None for those that are no word, having fewer columns or more.
    """
    return {
        split: _table(decoded(content, where, encoding), where, names, comments).rows()
        for split, content in members.items()
        for where in [f"split {split!r}"]
    }


@reader
def conllu(members: Members, dropped: Dropped, encoding: Encoding = "utf-8") -> dict[str, Rows]:
    """CoNLL-U, by the names of its columns, without lines of several words or none (1-2, 1.1)."""
    splits = conll(members, dropped, OF_CONLLU, comments=True, encoding=encoding)
    for rows in splits.values():
        rows[:] = map(_words_alone, rows)  # in place: they know their lines
    return splits


def _words_alone(row: Row) -> Row:
    kept = [place for place, number in enumerate(row["id"]) if not NO_WORD.fullmatch(number)]
    lists = {name: [row[name][place] for place in kept] for name in OF_CONLLU}
    return {**lists, "document": row["document"]}


@dataclass(frozen=True)
class _Table:
    """The lines of a file, and how they are read.

    separator: of columns, a regular expression. comments: as of `conll`.
    """

    lines: list[Line]
    where: str
    separator: str
    names: list[str]
    comments: bool | None

    def rows(self) -> LinedRows:
        """Return a row per sentence."""
        rows: list[tuple[int, Row]] = []
        words: list[list[str]] = []
        start = document = 0
        for number, line in [*self.lines, (0, "")]:
            begins_document = line.startswith(DOCUMENT)
            if line and not begins_document:
                start = start if words else number
                words += self._word(number, line, is_first=not words)
            elif words:
                lists = map(list, zip(*words, strict=True))
                columns = dict(zip(self.names, lists, strict=True))
                rows.append((start, {"document": document, **columns}))
                words = []
            document += begins_document
        return LinedRows(rows)

    def _word(self, number: int, line: str, is_first: bool) -> list[list[str]]:
        """Return the columns of a line as the only item, none of a comment."""
        fields = _fields(line, self.separator)
        at = f"{self.where}, line {number}"
        fits = len(fields) == len(self.names)
        if line.startswith("#") and self.comments is not False:
            if self.comments or not fits:
                return []
            if is_first and line.startswith("# "):
                raise InputError(
                    f"{at}: found {line[:40]!r}, which may be a word or a comment. Say in "
                    "source.options what lines are that begin with #, comments: true or false."
                )
        if not fits:
            shown = f"{len(fields)} column{'s' * (len(fields) > 1)}, {line[:40]!r}"
            allowed = f"{len(self.names)} ({', '.join(self.names)}), as in the first line of a word"
            raise InputError(f"{at}: found {shown}. Allowed: {allowed}.")
        if "" in fields:
            empty = self.names[fields.index("")]
            raise InputError(f"{at}: found nothing in the column {empty!r}. Allowed: a text.")
        return [fields]


def _table(text: str, where: str, names: list[str] | None, comments: bool | None) -> _Table:
    """Look at the first line of a word for how lines are read; InputError where there is none."""
    # Not splitlines(), which would also cut at marks that are letters here, such as U+2028.
    cut = enumerate(re.split(r"\r\n|\n|\r", text), start=1)
    lines = [(number, "" if not line.strip(" \t") else line.rstrip(" ")) for number, line in cut]
    number, first = _first_word(lines, where)
    separator = "\t" if "\t" in first.strip("\t") else "[ \t]+"
    if separator != "\t":
        lines = [(number, line.strip(" \t")) for number, line in lines]
    width = len(_fields(first, separator))
    return _Table(
        lines, where, separator, _names(names, width, f"{where}, line {number}"), comments
    )


def _first_word(lines: list[Line], where: str) -> Line:
    words = [(number, line) for number, line in lines if line and not line.startswith(DOCUMENT)]
    if not words:
        raise InputError(f"{where}, line 1: found no line with a word. Allowed: one or more.")
    return next(((number, line) for number, line in words if not line.startswith("#")), words[0])


def _names(names: list[str] | None, width: int, at: str) -> list[str]:
    if width == 1:
        raise InputError(f"{at}: found 1 column. Allowed: two or more, between tabs or blanks.")
    if names is None:
        return ["tokens", *(f"column{number}" for number in range(2, width)), "tags"]
    if len(names) != width:
        raise InputError(
            f"{at}: found {width} columns. Allowed: {len(names)}, as source.options.names "
            f"has ({', '.join(names)})."
        )
    return names


def _fields(line: str, separator: str) -> list[str]:
    return [field.strip(" ") for field in re.split(separator, line)]
