"""Where spans and words lie among the tokens, for WordPiece and byte-level BPE.

What is expected never comes from the tokenizer's offsets: the tokens are spelt out from their ids,
which must give the text again, and a span's tokens are those that spell a part of it.
"""

from __future__ import annotations

import math
import os
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations_with_replacement, groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertConfig, PreTrainedTokenizerFast, RobertaConfig, RobertaTokenizerFast

from interlude.data.fetch.mirror import find_mirrored
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.encode.tokenizer import load_tokenizer
from interlude.forms import rows_of
from interlude.forms.examples import CUT
from interlude.plan.tasks import load_task

ROOT = Path(__file__).parents[3]
MIRROR = Path(os.environ.get("INTERLUDE_MIRROR", ROOT.parent / "shared/data"))
SLICES = ROOT / "config/mirrors/partial.yaml"
REAL = ("ep-dpr", "ep-rel", "uds-protoroles")
LONG = 10_000  # tokens, more than any text here has
NO_PLACE = (CUT, CUT)

Row = dict[str, Any]
Make = Callable[[Iterable[str]], Tokenizer]

TEXTS = [
    "red dog, red cat, red door: the red dog!",
    "an unbelievable, unbelievably believable believer",
    "Café café cafe\u0301 Cafe\u0301s",
    "naïve A\u030angström, Ångström čaj c\u030caj",
    "🙂 dog 🙂🙂 the 👩\u200d👩\u200d👧 family 🇳🇴 ❤\ufe0f!",
    "  two  blanks,\tone tab,\n\n two lines  ",
    "no\u00a0break and\u3000wide blanks",
    "日本 語 and Straße, ﬁne ŒUVRE İstanbul",
    "x-y (don't) 50% \"it's\" we'll ... end.",
    "a \u200d b \u200b c",
    "red",
]


# Tokenizers: trained here, saved, and loaded as those of a model are


def wordpiece(texts: Iterable[str], lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=1000))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=500, limit_alphabet=LONG, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary = tokenizer.get_vocab()
    alphabet = {token.removeprefix("##") for token in vocabulary if len(token.strip("#")) == 1}
    pieces = [form for letter in alphabet for form in (letter, f"##{letter}")]
    missing = [piece for piece in pieces if piece not in vocabulary]
    numbers = {token: len(vocabulary) + i for i, token in enumerate(missing)}
    tokenizer.model = models.WordPiece(
        vocabulary | numbers, unk_token="[UNK]", max_input_chars_per_word=1000
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def byte_level(texts: Iterable[str], trim_offsets: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")),
        ("<s>", tokenizer.token_to_id("<s>")),
        trim_offsets=trim_offsets,
        add_prefix_space=False,
    )
    return tokenizer


KINDS: dict[str, Make] = {
    "uncased WordPiece": lambda texts: wordpiece(texts, lowercase=True),
    "cased WordPiece": lambda texts: wordpiece(texts, lowercase=False),
    "byte-level": lambda texts: byte_level(texts, trim_offsets=True),
    "byte-level, blanks in the offsets": lambda texts: byte_level(texts, trim_offsets=False),
}


@dataclass(frozen=True)
class Speller:
    """A tokenizer, and how its tokens and the texts are spelt: as bytes, normalised as it does."""

    tokenizer: Any

    @cached_property
    def byte_of(self) -> dict[str, int] | None:
        """Return the byte of each letter of a byte-level vocabulary, by GPT-2's table."""
        if "ByteLevel" not in str(self.tokenizer.backend_tokenizer.pre_tokenizer):
            return None
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in plain]
        shifted = {chr(256 + i): byte for i, byte in enumerate(others)}
        return {chr(byte): byte for byte in plain} | shifted

    def token(self, number: int) -> bytes:
        token: str = self.tokenizer.convert_ids_to_tokens(number)
        if self.byte_of is not None:
            return bytes(self.byte_of[letter] for letter in token)
        return token.removeprefix("##").encode()

    def text(self, text: str) -> bytes:
        """Return all of a text, byte-level; else without blanks, which no token holds."""
        if self.byte_of is not None:
            return text.encode()
        normalised = self.tokenizer.backend_tokenizer.normalizer.normalize_str(text)
        return "".join(normalised.split()).encode()

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a whole text; they must spell it."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert b"".join(map(self.token, ids)) == self.text(text)
        return ids

    def tokens_of(self, text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return first and last token of each span of characters, NO_PLACE when it has none."""
        ends = list(accumulate(len(self.token(number)) for number in self.ids(text)))
        starts = [0, *ends[:-1]]
        found = []
        for start, end in spans:
            span = text[start:end]
            bare = (end - len(span.lstrip()), start + len(span.rstrip()))
            low, high = (len(self.text(text[:place])) for place in bare)
            first, last = bisect_right(ends, low), bisect_left(starts, high) - 1
            found.append((first, last) if low < high else NO_PLACE)
        return found


@pytest.fixture(scope="module", params=KINDS)
def speller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Speller:
    """A tokenizer trained on the texts of this module, so small that most words split."""
    return saved(KINDS[request.param](TEXTS), tmp_path_factory.mktemp("tokenizer"))


def saved(tokenizer: Tokenizer, folder: Path) -> Speller:
    names = {"[PAD]": "pad_token", "[UNK]": "unk_token", "<pad>": "pad_token", "<unk>": "unk_token"}
    names |= {"[CLS]": "cls_token", "[SEP]": "sep_token", "<s>": "cls_token", "</s>": "sep_token"}
    vocabulary = tokenizer.get_vocab()
    special = {role: name for name, role in names.items() if name in vocabulary}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=LONG, **special
    ).save_pretrained(folder)
    BertConfig(vocab_size=len(vocabulary)).save_pretrained(folder)
    return Speller(load_tokenizer(folder))


def words_of(text: str) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(r"\S+", text)]


def spans_of(text: str) -> list[tuple[int, int]]:
    """Return every span of whole words, with and without the blanks around it."""
    words = words_of(text)
    plain = [(a, b) for (a, _), (_, b) in combinations_with_replacement(words, 2)]
    wide = [(max(0, a - 1), min(len(text), b + 1)) for a, b in plain]
    return plain + [(a, b) for a, b in wide if text[a:b].strip() == text[a + 1 : b - 1]]


def texts_in(example: Row, speller: Speller) -> list[tuple[int, list[int]]]:
    """Return first place and tokens of each text in a sequence: what is between special tokens."""
    special = set(speller.tokenizer.all_special_ids)
    numbered = groupby(enumerate(example["input_ids"][0]), key=lambda each: each[1] in special)
    runs = [list(run) for is_special, run in numbered if not is_special]
    return [(run[0][0], [number for _, number in run]) for run in runs]


def placed_in(place: tuple[int, int], first: int, kept: int) -> tuple[int, int]:
    """Return where tokens of a text are in the sequence; NO_PLACE when one of them was cut off."""
    if place == NO_PLACE or place[1] >= kept:
        return NO_PLACE
    return first + place[0], first + place[1]


def encode(form: str, rows: list[Row], speller: Speller, max_length: int = LONG) -> list[Row]:
    return rows_of(form).encode(rows, speller.tokenizer, max_length)


def lengths(speller: Speller, *texts: str) -> range:
    """Return all lengths to which texts can be cut so that each has a token left, and one more."""
    special = speller.tokenizer.num_special_tokens_to_add(pair=len(texts) == 2)
    return range(special + len(texts), special + sum(len(speller.ids(t)) for t in texts) + 2)


# The check itself


def test_spelling_finds_the_tokens_of_a_known_example(tmp_path: Path) -> None:
    speller = saved(byte_level(["red dog"] * 9, trim_offsets=True), tmp_path)
    assert speller.tokenizer.tokenize("red dog é") == ["red", "Ġdog", "Ġ", "Ã", "©"]
    assert speller.tokens_of("red dog é", [(0, 3), (4, 7), (8, 9), (1, 5)]) == [
        *((0, 0), (1, 1), (3, 4), (0, 1))
    ]


def test_words_of_these_texts_split_and_special_cases_are_there(speller: Speller) -> None:
    counts = [
        last - first for text in TEXTS for first, last in speller.tokens_of(text, words_of(text))
    ]
    assert sum(count > 0 for count in counts) > len(counts) / 4
    assert {0, 1, 2} < set(counts)


# Each form


@pytest.mark.parametrize("text", TEXTS)
def test_spans_are_the_tokens_that_spell_them_at_every_length(text: str, speller: Speller) -> None:
    spans = spans_of(text)
    wanted = speller.tokens_of(text, spans)
    rows = [span_row(text, span) for span in spans]
    for max_length in lengths(speller, text):
        for example, tokens in zip(encode("spans", rows, speller, max_length), wanted, strict=True):
            ((first, kept),) = texts_in(example, speller)
            assert kept == speller.ids(text)[: len(kept)]
            found = (example["span_starts"][0], example["span_ends"][0])
            assert found == placed_in(tokens, first, len(kept))


@pytest.mark.parametrize("text", TEXTS)
def test_span_pairs_are_the_tokens_that_spell_them(text: str, speller: Speller) -> None:
    words = words_of(text)
    wanted = speller.tokens_of(text, words)
    rows = [span_row(text, one, other) | {"label": 0} for one in words for other in words]
    pairs = [(one, other) for one in wanted for other in wanted]
    for example, pair in zip(encode("span-pair", rows, speller), pairs, strict=True):
        ((first, kept),) = texts_in(example, speller)
        places = zip(example["span_starts"], example["span_ends"], strict=True)
        assert list(places) == [placed_in(tokens, first, len(kept)) for tokens in pair]


@pytest.mark.parametrize("other", ["the red dog", "❤\ufe0f unbelievable  Café dog 🙂"])
@pytest.mark.parametrize("text", TEXTS)
def test_words_in_context_are_the_tokens_that_spell_them_at_every_length(
    text: str, other: str, speller: Speller
) -> None:
    one, two = words_of(text), words_of(other)
    pairs = [(a, two[i % len(two)]) for i, a in enumerate(one)]
    keys = ("start_a", "end_a", "start_b", "end_b")
    rows = [
        {"text_a": text, "text_b": other, "label": 0, **dict(zip(keys, (*a, *b), strict=True))}
        for a, b in pairs
    ]
    wanted = zip(
        speller.tokens_of(text, [a for a, _ in pairs]),
        speller.tokens_of(other, [b for _, b in pairs]),
        strict=True,
    )
    all_tokens = list(wanted)
    for max_length in lengths(speller, text, other):
        examples = encode("word-in-context", rows, speller, max_length)
        for example, tokens in zip(examples, all_tokens, strict=True):
            texts = texts_in(example, speller)
            assert [kept for _, kept in texts] == [
                speller.ids(each)[: len(kept)]
                for each, (_, kept) in zip((text, other), texts, strict=True)
            ]
            places = list(zip(example["span_starts"], example["span_ends"], strict=True))
            assert places == [
                placed_in(place, first, len(kept))
                for place, (first, kept) in zip(tokens, texts, strict=True)
            ]


@pytest.mark.parametrize("text", TEXTS)
def test_answers_are_the_tokens_that_spell_them_at_every_length(
    text: str, speller: Speller
) -> None:
    question = "the red dog"
    spans = spans_of(text)
    wanted = speller.tokens_of(text, spans)
    rows = [
        {"question": question, "passage": text, "start": a, "end": b, "answers": [text[a:b]]}
        for a, b in spans
    ]
    for max_length in lengths(speller, question, text):
        for example, tokens in zip(encode("span", rows, speller, max_length), wanted, strict=True):
            _, (first, kept) = texts_in(example, speller)
            assert example["passage_start"] == first
            assert len(example["token_starts"]) == len(kept)
            found = (example["answer_start"], example["answer_end"])
            assert found == placed_in(tokens, first, len(kept))


@pytest.mark.parametrize("text", TEXTS)
def test_characters_of_the_tokens_of_a_passage_are_those_that_they_spell(
    text: str, speller: Speller
) -> None:
    row = {"question": "red", "passage": text, "start": 0, "end": 1, "answers": [text[:1]]}
    (example,) = encode("span", [row], speller)
    spelt = [place for place in range(len(text)) if speller.text(text[place]).strip()]
    tokens = speller.tokens_of(text, [(place, place + 1) for place in spelt])
    for number, bounds in enumerate(
        zip(example["token_starts"], example["token_ends"], strict=True)
    ):
        wanted = [
            place
            for place, (first, last) in zip(spelt, tokens, strict=True)
            if first <= number <= last
        ]
        assert [place for place in range(*bounds) if place in spelt] == wanted
        assert text[slice(*bounds)] == text[slice(*bounds)].strip()


@pytest.mark.parametrize("text", TEXTS)
def test_tags_are_read_from_the_first_token_that_spells_a_word_at_every_length(
    text: str, speller: Speller
) -> None:
    words = text.split()
    joined = " ".join(words)
    wanted = speller.tokens_of(joined, words_of(joined))
    row = {"tokens": words, "tags": [0] * len(words)}
    for max_length in lengths(speller, joined):
        (example,) = encode("tagging", [row], speller, max_length)
        ((first, kept),) = texts_in(example, speller)
        assert kept == speller.ids(joined)[: len(kept)]  # the words are tokenised as a text is
        assert example["positions"] == [
            first + token if token != CUT and token < len(kept) else 0 for token, _ in wanted
        ]


def test_words_are_tagged_with_the_tokenizer_of_a_byte_level_model(tmp_path: Path) -> None:
    """Given words instead of a text, this tokenizer would leave out the blanks between them."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "b", "Ġ", "Ġb"]
    RobertaTokenizerFast(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[("Ġ", "b")],
        model_max_length=LONG,
    ).save_pretrained(tmp_path)
    RobertaConfig(vocab_size=len(tokens)).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    row = {"tokens": ["a", "b", "ab"], "tags": [0, 0, 0]}
    (example,) = encode("tagging", [row], Speller(tokenizer))
    found = tokenizer.convert_ids_to_tokens(example["input_ids"][0])
    assert found == ["<s>", "a", "Ġb", "Ġ", "a", "b", "</s>"]
    assert [found[place] for place in example["positions"]] == ["a", "Ġb", "a"]


def span_row(
    text: str, one: tuple[int, int], other: tuple[int | None, int | None] = (None, None)
) -> Row:
    keys = ("span1_start", "span1_end", "span2_start", "span2_end")
    places = dict(zip(keys, (*one, *other), strict=True))
    return {"text": text, "labels": [0], "group": text, **places}


# Rows of real edge-probing sets

MOST = 2_500  # of a set


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Rows of a task of the mirror, from its start to its end."""
    if not (MIRROR / "MANIFEST.json").exists():
        pytest.skip(f"no mirror at {MIRROR}: set INTERLUDE_MIRROR to have this tested")
    task = load_task(ROOT / f"config/tasks/{request.param}.yaml")
    if find_mirrored(task, MIRROR, SLICES) is None:
        pytest.skip(f"the mirror at {MIRROR} has no data of {task.name}")
    folder = tmp_path_factory.mktemp(task.name)
    prepare(task, Places(ROOT / "config/archives.yaml", mirror=MIRROR, slices=SLICES), folder)
    parts = (pq.read_table(folder / f"{part}.parquet") for part in ("train", "validation"))
    rows = [row for part in parts for row in part.to_pylist()]
    return rows[:: math.ceil(len(rows) / MOST)]


@pytest.mark.parametrize("kind", ["uncased WordPiece", "byte-level, blanks in the offsets"])
def test_every_span_of_a_real_set_is_spelt_by_its_tokens(
    kind: str, real: list[Row], tmp_path: Path
) -> None:
    texts = dict.fromkeys(row["text"] for row in real)
    speller = saved(KINDS[kind](texts), tmp_path)
    examples = encode("spans", real, speller)
    first = speller.tokenizer.num_special_tokens_to_add() // 2
    exact = 0
    for text, group in groupby(zip(real, examples, strict=True), key=lambda each: each[0]["text"]):
        pairs = list(group)
        spans = [span for row, _ in pairs for span in spans_in(row)]
        found = [
            (start - first, end - first)
            for _, example in pairs
            for start, end in zip(example["span_starts"], example["span_ends"], strict=True)
        ]
        assert found == speller.tokens_of(text, spans)
        spelt = [speller.token(number) for number in pairs[0][1]["input_ids"][0][first:-first]]
        exact += sum(
            b"".join(spelt[a : b + 1]).strip() == speller.text(text[start:end])
            for (a, b), (start, end) in zip(found, spans, strict=True)
        )
    n_spans = sum(len(spans_in(row)) for row in real)
    assert exact > 0.99 * n_spans  # the others begin or end within a token


def spans_in(row: Row) -> list[tuple[int, int]]:
    two = ((row[f"span{n}_start"], row[f"span{n}_end"]) for n in (1, 2))
    return [(start, end) for start, end in two if start is not None]
