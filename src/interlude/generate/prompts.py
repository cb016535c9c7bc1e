"""From a corpus to sentences, each cut into a prompt and its real ending. No torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.read.text_lines import read_lines
from interlude.errors import InputError

if TYPE_CHECKING:  # see endings
    from interlude.plan.generated import Corpus, Generated

END_OF_SENTENCE = ". "

Part = list["Sentence"]


@dataclass(frozen=True, order=True)
class Sentence:
    """The beginning of a real sentence, and how it goes on."""

    prompt: str
    ending: str


def read_corpus(corpus: Corpus, path: Path, where: str) -> list[str]:
    """Return the different texts of a corpus in their order.

    path: the normalised training data of its task, or the file itself. where: the key, for
    messages. InputError for a column that is none of texts, and a file that cannot be read.
    """
    if corpus.task is None:
        texts = read_lines(path, f"{where}.file")
    else:
        texts = _column(corpus, path, where)
    return list(dict.fromkeys(text for each in texts if (text := each.strip())))


def _column(corpus: Corpus, path: Path, where: str) -> list[str]:
    schema = pq.read_schema(path)
    names = [field.name for field in schema if field.type == pa.string() and field.name != "id"]
    if corpus.column not in names:
        raise InputError(
            f"{where}.column: found {corpus.column!r}. Allowed: a column of {corpus.task} that "
            f"holds texts: {', '.join(names) or 'it has none'}."
        )
    return [text or "" for text in pq.read_table(path, columns=[corpus.column])[0].to_pylist()]


def choose(texts: Iterable[str], declared: Generated, where: str) -> dict[str, Part]:
    """Return the sentences of train and validation, of texts that the parts do not share.

    Texts, and then the sentences of a part, are in the order of a hash of the seed and themselves,
    so that more sentences to train on leave those to validate on as they are. A sentence that comes
    again counts once. InputError says how many there are where they are too few.
    """
    ordered = sorted(texts, key=lambda text: number_of(declared.seed, text))
    seen: set[Sentence] = set()
    validation: Part = []
    train: Part = []
    for text in ordered:
        part = validation if len(validation) < declared.validation else train
        new = [each for each in sentences(text, declared) if each not in seen]
        part.extend(dict.fromkeys(new))
        seen.update(new)
    if len(train) < declared.train:
        raise InputError(
            f"{where}: found {len(seen)} sentences of {declared.least_words} words or more in "
            f"{len(ordered)} texts of {declared.corpus.called}: {len(validation)} to validate on "
            f"and {len(train)} of other texts to train on. Needed: {declared.validation} and "
            f"{declared.train}. Allowed: smaller numbers, a smaller least_words, a larger corpus."
        )
    return {
        "train": _drawn(train, declared.train, declared.seed),
        "validation": _drawn(validation, declared.validation, declared.seed),
    }


def _drawn(part: Part, count: int, seed: int) -> Part:
    return sorted(part, key=lambda each: number_of(seed, each.prompt, each.ending))[:count]


def sentences(text: str, declared: Generated) -> Iterator[Sentence]:
    """Yield the sentences of a text that are long enough, cut off and divided as declared.

    A sentence ends at a full stop with a blank behind it, as in the release of Chang and Lu 2021.
    """
    for sentence in text.split(END_OF_SENTENCE):
        words = sentence.split()[: declared.most_words]
        if len(words) >= declared.least_words:
            prompt, ending = declared.cut(len(words))
            yield Sentence(" ".join(words[:prompt]), " ".join(words[prompt : prompt + ending]))


def number_of(seed: int, *texts: str | int) -> int:
    """Return a pseudo-random number of 64 bits: of a seed and what it is for.

    Equal on every machine, and independent of what else is drawn.
    """
    text = "\n".join(map(str, (seed, *texts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
