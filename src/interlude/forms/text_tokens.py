"""The tokens of a text and the characters they cover: where its spans and words lie.

Characters are those of the text as it stands in the row, whatever the tokenizer makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from interlude.forms.examples import CUT, Row
from interlude.forms.rows import per_example

# Of the columns that `placed` makes.
SPAN_TYPES = {"span_starts": pa.list_(pa.int32()), "span_ends": pa.list_(pa.int32())}

Offsets = list[tuple[int, int]]


@dataclass(frozen=True)
class TextTokens:
    """The tokens of one text of an example.

    first: the place of its first token in the sequence. kept: how many of its tokens are there.
    offsets: the characters [start, end) of each of its tokens, also of those that truncation cut
    off, without white space at either end; start = end for a token of white space.
    """

    first: int
    kept: int
    offsets: Offsets

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the places of the first and the last token that overlap characters [start, end).

        CUT twice when truncation took one of these tokens, or when there are none.
        """
        inside = [
            number
            for number, (left, right) in enumerate(self.offsets)
            if max(left, start) < min(right, end)
        ]
        if not inside or inside[-1] >= self.kept:
            return CUT, CUT
        return self.first + inside[0], self.first + inside[-1]

    def first_places(self, words: Sequence[tuple[int, int]]) -> list[int]:
        """Return the place of each word's first token, 0 for a word that has none or lost it.

        words: the characters [start, end) of each, in order and apart from each other.
        """
        places = [0] * len(words)
        word_of = {letter: number for number, word in enumerate(words) for letter in range(*word)}
        for number, (left, right) in reversed(list(enumerate(self.offsets[: self.kept]))):
            for word in {word_of[letter] for letter in range(left, right) if letter in word_of}:
                places[word] = self.first + number
        return places


def text_tokens(tokenizer: Any, encoding: Any, i: int, text: str, segment: int = 0) -> TextTokens:
    """Return the tokens of a text, which is a segment of example i of a tokenizer's batch output.

    A truncated example's text is tokenised once more as a whole, to know what was cut off.
    """
    segments = encoding.sequence_ids(i)
    places = [place for place, found in enumerate(segments) if found == segment]
    if encoding.encodings[i].overflowing:
        whole = tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        offsets = whole["offset_mapping"]
    else:
        offsets = [encoding["offset_mapping"][i][place] for place in places]
    first = places[0] if places else len(segments)
    return TextTokens(first, len(places), [_trimmed(text, *each) for each in offsets])


def one_or_two_spans(row: Row) -> list[tuple[int, int]]:
    """Return the span of a row, or both where there is a second one."""
    numbers = (1,) if row["span2_start"] is None else (1, 2)
    return [(row[f"span{n}_start"], row[f"span{n}_end"]) for n in numbers]


def encode_with_spans(
    rows: Sequence[Row],
    tokenizer: Any,
    max_length: int,
    spans_of: Callable[[Row], list[tuple[int, int]]] = one_or_two_spans,
) -> list[Row]:
    """Tokenise rows of a text with spans; a text that rows share only once.

    Returns for each row its sequence, and `span_starts` and `span_ends`: the places of the first
    and the last token of each span.
    """
    texts = list(dict.fromkeys(row["text"] for row in rows))
    encoding = tokenizer(texts, truncation=True, max_length=max_length, return_offsets_mapping=True)
    sequences = dict(zip(texts, per_example(encoding), strict=True))
    tokens = {text: text_tokens(tokenizer, encoding, i, text) for i, text in enumerate(texts)}
    return [
        {**sequences[text], **placed(tokens[text].place(*span) for span in spans_of(row))}
        for row, text in ((row, row["text"]) for row in rows)
    ]


def placed(spans: Iterable[tuple[int, int]]) -> Row:
    """Return the columns that hold an example's spans, each with its first and its last place."""
    starts, ends = zip(*spans, strict=True)
    return {"span_starts": list(starts), "span_ends": list(ends)}


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a token's characters without white space: some tokenizers count the blank before."""
    piece = text[start:end]
    start = end - len(piece.lstrip())
    return start, start + len(piece.strip())
