"""What an encoding leaves out of its examples is counted, told and kept in its manifest."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.encode.encoding import CHUNK, encode_task
from interlude.encode.truncation import truncation_of
from interlude.encode.truncation_report import warnings_of
from interlude.files import read_manifest
from interlude.forms import rows_of

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/encode.py"
Row = dict[str, Any]


def counted(form: str, rows: list[Row], tokenizer: Any, max_length: int = 8) -> Row:
    return truncation_of(rows_of(form).encode(rows, tokenizer, max_length))


def texts(*contents: str) -> list[Row]:
    return [{"text": content, "label": 0} for content in contents]


def pairs(*contents: tuple[str, str]) -> list[Row]:
    return [{"text_a": first, "text_b": second, "label": 0} for first, second in contents]


def test_texts_that_are_cut_off_and_texts_without_a_token(tokenizer: Any) -> None:
    rows = texts("red", "red " * 6, "red " * 7, "", " ", "\u200b")
    assert counted("single", rows, tokenizer) == {"examples": 6, "truncated": 1, "empty": 3}


def test_of_a_pair_either_text_counts(tokenizer: Any) -> None:
    rows = pairs(("red", "dog"), ("", "dog"), ("red", " "), ("red " * 9, "dog"), ("a", "dog " * 9))
    assert counted("pair", rows, tokenizer) == {"examples": 5, "truncated": 2, "empty": 2}


def test_of_a_choice_any_answer_counts_once(tokenizer: Any) -> None:
    rows: list[Row] = [
        {"text": "who", "choices": ["anna", "tom"], "label": 0},
        {"text": "who", "choices": ["anna " * 9, "tom " * 9, ""], "label": 0},
        {"text": "who", "choices": ["anna", "", ""], "label": 0},
    ]
    assert counted("choice", rows, tokenizer) == {"examples": 3, "truncated": 1, "empty": 2}


def test_answers_that_are_cut_off_or_give_no_token_are_lost(tokenizer: Any) -> None:
    place = {"question": "what", "answers": ["?"]}
    rows = [
        place | {"passage": "red dog", "start": 4, "end": 7},
        place | {"passage": "red " * 9 + "dog", "start": 36, "end": 39},
        place | {"passage": "red " * 9 + "dog", "start": 0, "end": 3},
        place | {"passage": "a \u200b b", "start": 2, "end": 3},
        place | {"passage": "\u200b", "start": 0, "end": 1},
    ]
    wanted = {"examples": 5, "truncated": 2, "empty": 1, "lost": 3}
    assert counted("span", rows, tokenizer) == wanted


@pytest.mark.parametrize("form", ["spans", "span-pair"])
def test_an_example_that_lacks_one_of_its_spans_is_lost(form: str, tokenizer: Any) -> None:
    text = "red " * 9 + "dog"
    first, last = (0, 3), (36, 39)
    names = ("span1_start", "span1_end", "span2_start", "span2_end")
    rows = [
        {"text": text, "label": 0, "labels": [0], **dict(zip(names, spans, strict=True))}
        for spans in ((*first, *first), (*first, *last), (*last, *last))
    ]
    wanted = {"examples": 3, "truncated": 3, "empty": 0, "lost": 2}
    assert counted(form, rows, tokenizer) == wanted


def test_words_that_are_cut_off_and_words_without_a_token(tokenizer: Any) -> None:
    sentences = (
        *(["red", "dog"], ["red", "\u200b", "dog", "\u200b"], ["\u200b"]),
        *(["red", "\u200b", *["dog"] * 7], ["x-" * 9, "dog"]),
    )
    rows = [{"tokens": words, "tags": [0] * len(words)} for words in sentences]
    wanted = {"examples": 5, "truncated": 2, "empty": 1, "lost": 1}
    words = {"words": 18, "words_truncated": 3, "words_empty": 4}
    assert counted("tagging", rows, tokenizer) == wanted | words


@pytest.mark.parametrize("form", tiny.FORMS)
def test_nothing_is_truncation_of_what_is_whole(form: str, tokenizer: Any) -> None:
    found = counted(form, tiny.rows(form, 5), tokenizer, max_length=32)
    words = found.pop("words", 0)
    assert found.pop("examples") == 5
    assert set(found.values()) == {0}
    assert bool(words) is (form == "tagging")


def encode(folder: Path, model: Path, rows: list[Row], max_length: int) -> Row:
    data = tiny.write_task(folder / "data", "single", {"train": rows, "validation": rows[:3]})
    encode_task(data, folder / "encoded", "single", model, max_length)
    return read_manifest(folder / "encoded")


def test_the_manifest_holds_the_truncation_of_all_rows(model: Path, tmp_path: Path) -> None:
    rows = [row | {"id": f"{n}"} for n, row in enumerate(texts(*["red " * 9, ""] * CHUNK))]
    assert encode(tmp_path, model, rows, 8)["truncation"] == {
        "train": {"examples": 2 * CHUNK, "truncated": CHUNK, "empty": CHUNK},
        "validation": {"examples": 3, "truncated": 2, "empty": 1},
    }


def test_the_script_tells_of_each_loss_in_a_line(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, cut = tiny.rows("tagging", 2), {"tokens": ["\u200b"] * 2, "tags": [0, 0]}
    parts = {"train": [whole[0], whole[1] | cut], "validation": whole}
    data = tiny.write_task(tmp_path / "mine", "tagging", parts)
    options = ["--data", f"{data}", "--model", f"{model}", "--form", "tagging"]
    monkeypatch.setattr(
        sys, "argv", ["encode.py", *options, "--max-length", "32", "--out", f"{tmp_path}/out"]
    )
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert capsys.readouterr().err.splitlines()[-3:] == [
        "warning: mine: train: 2 of 6 words (33.3 %) give no token.",
        "warning: mine: train: 1 of 2 examples (50 %) have a text that gives no token.",
        "warning: mine: train: 1 of 2 examples (50 %) have no token left of what is asked for, "
        "an answer, a span or words: they are not trained on.",
    ]


def test_shares_are_told_with_what_they_are_of() -> None:
    counts = {
        "train": {"examples": 2000, "truncated": 1020, "empty": 0, "lost": 0},
        "validation": {"examples": 400, "truncated": 400, "empty": 1, "lost": 2},
    }
    assert warnings_of(counts, 128) == [
        "train: 1,020 of 2,000 examples (51 %) are cut off at 128 tokens",
        "validation: 400 of 400 examples (100 %) are cut off at 128 tokens",
        "validation: 1 of 400 examples (0.25 %) have a text that gives no token",
        "validation: 2 of 400 examples (0.5 %) have no token left of what is asked for, an answer, "
        "a span or words",
    ]
    assert warnings_of({"train": {"examples": 3, "truncated": 0, "empty": 0}}, 8) == []
