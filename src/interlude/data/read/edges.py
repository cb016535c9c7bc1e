"""Readers of edge probing (Tenney et al. 2019): one row for each target, a span or two of a text.

Each row has `text`, `span1` and, where there is one, `span2` ([start, end] in characters),
`labels` (a list) and `group`, which the targets of one sentence share.
"""

from __future__ import annotations

import re
from itertools import combinations, groupby

from interlude.data.read.benchmarks import exploded
from interlude.data.read.readers import Dropped, Members, Row, Rows, UnusableError, reader
from interlude.data.read.tokens import Tokens

MARKS = re.compile(r"<(/?)(e[12])>")
SENTENCES = 3  # of a window of text in which mentions are paired


@reader
def edge_probing(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """The format of jiant: `text`, and `targets` with `span1`, `span2` (of tokens) and `label`.

    Tokens are those of the column `tokens`, or the words of the text.
    """
    return exploded(members, dropped, _targets)


def _targets(row: Row) -> Rows:
    tokens = Tokens(row.get("tokens") or row["text"].split())
    return [
        _target(tokens, target["span1"], target.get("span2"), target["label"])
        for target in row["targets"]
    ]


def _target(tokens: Tokens, first: list[int], second: list[int] | None, label: object) -> Row:
    row: Row = {"text": tokens.text, "span1": tokens.characters(*first)}
    if second is not None:
        row["span2"] = tokens.characters(*second)
    return row | {"labels": label if isinstance(label, list) else [label]}


@reader
def labelled_words(members: Members, dropped: Dropped, column: str) -> dict[str, Rows]:
    """A treebank: each word is a target, with its value of a column (such as xpos) as label."""

    def words(row: Row) -> Rows:
        tokens = Tokens(row["tokens"])
        return [_target(tokens, [i, i + 1], None, label) for i, label in enumerate(row[column])]

    return exploded(members, dropped, words)


@reader
def dependencies(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """A treebank: word and head are a target, with the relation as label; the root heads itself."""

    def arcs(row: Row) -> Rows:
        heads = [str(head) for head in row["head"]]
        if not all(head.isdigit() for head in heads):
            raise UnusableError("a word has no head")
        tokens = Tokens(row["tokens"])
        places = [int(head) - 1 if head != "0" else i for i, head in enumerate(heads)]
        return [
            _target(tokens, [i, i + 1], [head, head + 1], label)
            for i, (head, label) in enumerate(zip(places, row["deprel"], strict=True))
        ]

    return exploded(members, dropped, arcs)


@reader
def marked_relation(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """SemEval-2010 task 8: two spans are marked in the sentence; the marks are removed."""

    def unmarked(row: Row) -> Rows:
        bounds: dict[str, int] = {}
        text = ""
        for piece, name in _pieces(row["sentence"]):
            text += piece
            bounds[name] = len(text)
        try:
            spans = {f"span{n}": [bounds[f"e{n}"], bounds[f"/e{n}"]] for n in (1, 2)}
        except KeyError:
            raise UnusableError("a span is not marked") from None
        return [{"text": text, **spans, "labels": [row["relation"]]}]

    return exploded(members, dropped, unmarked)


def _pieces(sentence: str) -> list[tuple[str, str]]:
    """Cut a sentence at its marks: each piece and the mark that follows it; '' at the end."""
    pieces, start = [], 0
    for mark in MARKS.finditer(sentence):
        pieces.append((sentence[start : mark.start()], mark[1] + mark[2]))
        start = mark.end()
    return [*pieces, (sentence[start:], "")]


@reader
def pronoun_candidates(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """Definite pronoun resolution: pronoun and candidate are a target; is it the antecedent?

    Adds `twins`, shared by the two sentences of a pair, which differ in few words.
    """

    def pairs(row: Row) -> Rows:
        text = row["sentence"]
        pronoun = _only(rf"(?<!\w){re.escape(row['pronoun'])}(?!\w)", text)
        candidates = [_first(name, text) for name in row["candidates"]]
        twins = " ".join(row["candidates"])
        return [
            {"text": text, "span1": pronoun, "span2": span, "twins": twins}
            | {"labels": ["yes" if i == row["label"] else "no"]}
            for i, span in enumerate(candidates)
        ]

    return exploded(members, dropped, pairs)


def _only(pattern: str, text: str) -> list[int]:
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        raise UnusableError("the pronoun is not in the sentence, or several times")
    return list(found[0].span())


def _first(name: str, text: str) -> list[int]:
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
    if found is None:
        raise UnusableError("a candidate is not in the sentence word for word")
    return list(found.span())


@reader
def coreference(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """Documents with `tokens`, `sentence_index` and `clusters` of mentions (spans of tokens).

    Every two mentions of a window of three sentences are a target; do they corefer?
    """
    return exploded(members, dropped, _coreferring)


def _coreferring(row: Row) -> Rows:
    places = enumerate(row["sentence_index"])
    windows = groupby(places, key=lambda place: int(place[1]) // SENTENCES)
    return [
        target | {"group": f"{row['doc_id']}-{number}"}
        for number, window in windows
        for target in _pairs(row, [token for token, _ in window])
    ]


def _pairs(row: Row, window: list[int]) -> Rows:
    """Return the pairs of mentions inside a window, from the numbers of its tokens."""
    low, high = window[0], window[-1] + 1
    tokens = Tokens(row["tokens"][low:high])
    inside = sorted(
        ([start - low, end - low], cluster)
        for cluster, mentions in enumerate(row["clusters"])
        for start, end in mentions
        if low <= start and end <= high
    )
    return [
        _target(tokens, first, second, "yes" if a == b else "no")
        for (first, a), (second, b) in combinations(inside, 2)
    ]
