"""Probing tasks in the manner of SentEval (Conneau et al. 2018), made from BoolQ's passages.

Each reader turns the passages of one split into labelled sentences with the columns `article`
(to split by), `text` and `label`. No sentence is used twice, and nothing is random: what is drawn
depends on a hash of the sentence, so the same passages give the same rows in the same order.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise, takewhile
from typing import NamedTuple

from interlude.data.read.readers import Dropped, Members, Row, Rows, json_lines, reader
from interlude.data.read.sentences import sentences

# The bins of SentEval: numbers of words from, to.
LENGTHS = ((5, 8), (9, 12), (13, 16), (17, 20), (21, 25), (26, 28))
SHORTEST, LONGEST = LENGTHS[0][0], LENGTHS[-1][1]
LONGEST_COMPOUND = 45  # a compound sentence has two clauses


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COORDINATION = re.compile(r"(.+?), (and|but|or) (.+)\.")
_PRONOUNS = _vocabulary("he she it they we there")
_DETERMINERS = _vocabulary(
    "the a an this these those its their his her most some many both each no"
)
_FINITE = _vocabulary(
    "is are was were has have had does do did can could will would may might must shall should "
    "became becomes began made makes took takes went goes came comes gave gives found won lost "
    "includes remains plays led said says"
)
_SUBORDINATORS = _vocabulary(
    "which who whom whose that as since when where while because if after before until"
)


class Sentence(NamedTuple):
    """A sentence and the title of the article that it is from."""

    article: str
    text: str


@reader
def probe_bigram_shift(members: Members, dropped: Dropped, rows: int = 6000) -> dict[str, Rows]:
    """Were two neighbouring words swapped? Labels `original` and `shifted`."""
    return {split: _bigram_shift(_sentences(content), rows) for split, content in members.items()}


@reader
def probe_sentence_length(members: Members, dropped: Dropped, rows: int = 6000) -> dict[str, Rows]:
    """How many words has the sentence? Labels `5-8` to `26-28`, SentEval's six bins."""
    labels = [f"{low}-{high}" for low, high in LENGTHS for _ in range(low, high + 1)]

    def bin_of(sentence: Sentence) -> str:
        return labels[len(sentence.text.split()) - SHORTEST]

    return {s: _balanced(_sentences(content), bin_of, rows) for s, content in members.items()}


@reader
def probe_word_content(
    members: Members, dropped: Dropped, words: list[str], rows: int = 6000
) -> dict[str, Rows]:
    """Which of these words is in the sentence? Only sentences with exactly one, once."""
    wanted = frozenset(words)

    def content_word(sentence: Sentence) -> str | None:
        found = [word for word in _words(sentence.text) if word in wanted]
        return found[0] if len(found) == 1 else None

    return {s: _balanced(_sentences(content), content_word, rows) for s, content in members.items()}


@reader
def probe_coordination_inversion(
    members: Members, dropped: Dropped, rows: int = 6000
) -> dict[str, Rows]:
    """Were the clauses around a conjunction swapped? Labels `original` and `inverted`."""
    return {
        split: _inversion(_sentences(content, LONGEST_COMPOUND), rows)
        for split, content in members.items()
    }


def _bigram_shift(candidates: list[Sentence], rows: int) -> Rows:
    usable = [sentence for sentence in candidates if _swappable(sentence.text)]
    return _half_changed(usable, rows, _shifted, ("original", "shifted"))


def _swappable(text: str) -> list[int]:
    """Return the positions of words that can change places with the next one.

    Both are plain lower-case words, so that no capital letter and no punctuation gives it away.
    """
    words = text.split()
    pairs = enumerate(pairwise(words))
    return [i for i, (a, b) in pairs if a != b and _is_plain(a) and _is_plain(b)]


def _is_plain(word: str) -> bool:
    return word.isalpha() and word.islower()


def _shifted(text: str) -> str:
    words, positions = text.split(), _swappable(text)
    at = positions[_draw(text, "position") % len(positions)]
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def _inversion(candidates: list[Sentence], rows: int) -> Rows:
    usable = [sentence for sentence in candidates if _clauses(sentence.text)]
    in_lower_case = _written_in_lower_case(candidates)

    def inverted(text: str) -> str:
        first, conjunction, second = _clauses(text)
        if first.split()[0].lower() in in_lower_case:
            first = first[0].lower() + first[1:]
        return f"{second[0].upper()}{second[1:]}, {conjunction} {first}."

    return _half_changed(usable, rows, inverted, ("original", "inverted"))


def _clauses(text: str) -> tuple[str, ...]:
    """Return the first clause, the conjunction and the second clause of a compound sentence.

    Empty when in doubt: several conjunctions after a comma, a list, or a part that may be no
    clause. What opens with a pronoun is a clause; what opens with a noun needs a verb.
    """
    found = _COORDINATION.fullmatch(text)
    if found is None or _COORDINATION.fullmatch(f"{found[3]}."):
        return ()
    first, conjunction, second = found.groups()
    opening = second.split()[0]
    is_noun = opening in _DETERMINERS or opening[0].isupper()
    if opening in _PRONOUNS:
        is_clause = text.count(",") <= 2
    else:
        is_clause = is_noun and text.count(",") == 1 and _has_verb(first) and _has_verb(second)
    long_enough = min(len(first.split()), len(second.split())) >= 4
    return (first, conjunction, second) if is_clause and long_enough else ()


def _has_verb(clause: str) -> bool:
    """Return whether a finite verb stands after the first word, before a subordinate clause."""
    main = takewhile(lambda word: word not in _SUBORDINATORS, clause.lower().split()[1:])
    return any(word in _FINITE or word.endswith("ed") for word in main)


def _written_in_lower_case(candidates: list[Sentence]) -> set[str]:
    """Return the words that, inside of a sentence, stand in lower case more often than not."""
    balance: Counter[str] = Counter()
    for sentence in candidates:
        for word in sentence.text.split()[1:]:
            balance[word.lower()] += 1 if word.islower() else -1
    return {word for word, surplus in balance.items() if surplus > 0}


def _half_changed(
    usable: list[Sentence], rows: int, change: Callable[[str], str], labels: tuple[str, str]
) -> Rows:
    """Change every other sentence, in the order of a hash."""
    chosen = _shuffled(usable)[:rows]
    return [
        _row(sentence, change(sentence.text) if number % 2 else sentence.text, labels[number % 2])
        for number, sentence in enumerate(chosen)
    ]


def _balanced(
    candidates: list[Sentence], label_of: Callable[[Sentence], str | None], rows: int
) -> Rows:
    """Return equally many sentences of each label, as many as the rarest label allows."""
    by_label: dict[str, list[Sentence]] = defaultdict(list)
    for sentence in _shuffled(candidates):
        label = label_of(sentence)
        if label is not None:
            by_label[label].append(sentence)
    each = min([rows // max(len(by_label), 1), *map(len, by_label.values())])
    return [_row(s, s.text, label) for label in sorted(by_label) for s in by_label[label][:each]]


def _row(sentence: Sentence, text: str, label: str) -> Row:
    return {"article": sentence.article, "text": text, "label": label}


def _sentences(content: bytes, longest: int = LONGEST) -> list[Sentence]:
    """Return the sentences of BoolQ's passages ('title -- text') within the lengths, each once."""
    found: dict[str, Sentence] = {}
    for passage in dict.fromkeys(row["passage"] for row in json_lines(content, "passages")):
        article, _, text = passage.partition(" -- ")
        for sentence in sentences(text):
            if SHORTEST <= len(sentence.split()) <= longest:
                found.setdefault(sentence.casefold(), Sentence(article, sentence))
    return list(found.values())


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _shuffled(candidates: Iterable[Sentence]) -> list[Sentence]:
    return sorted(candidates, key=lambda sentence: _draw(sentence.text, "order"))


def _draw(text: str, purpose: str) -> int:
    """Return a whole number that depends on the text and on what it is drawn for alone."""
    return int.from_bytes(hashlib.sha256(f"{purpose}\n{text}".encode()).digest()[:8])
