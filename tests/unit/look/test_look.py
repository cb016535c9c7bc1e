"""A look at a task: what its data and encodings hold, as text and as a page."""

from __future__ import annotations

import json
import re
import runpy
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from typing_extensions import override

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.encode.encoding import encode_task
from interlude.errors import InputError
from interlude.look.examples import Piece
from interlude.look.facts import Look, look_at
from interlude.look.page import as_page
from interlude.look.text import as_text
from interlude.plan.tasks import load_task

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/look.py"
Row = dict[str, Any]

ASKED = {  # what is asked of the second of three examples
    "single": [("label", "good")],
    "choice": [("right", "sequence 2 of 3")],
    "span": [("answer", "blue")],
    "span-choice": [
        ("asked about", "s ##e ##c ##o ##n ##d"),
        ("choice 1", "anna"),
        ("choice 2", "tom"),
        ("right", "choice 2"),
    ],
    "spans": [("span 1", "the"), ("span 2", "cat"), ("labels", "none")],
    "regression": [("value", "0")],
    "multi-label": [("labels", "bad, small, song")],
    "word-in-context": [("span 1", "play"), ("span 2", "play"), ("label", "same")],
}


class Folder:
    """A task that is prepared and encoded in a folder, and a look at it."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model = folder, model

    def make(
        self, form: str, rows: list[Row], lengths: tuple[int, ...] = (32,), **changes: Any
    ) -> None:
        source = self.folder / "rows.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
        declared = tiny.task_file(form) | {"source": {"files": {"all": str(source)}}} | changes
        task = load_task(tiny.write_yaml(self.folder / f"tiny-{form}.yaml", declared))
        prepare(task, Places(self.folder / "archives.yaml"), self.data)
        self.encodings = [self.folder / f"encoded/{length}" for length in lengths]
        for length, out in zip(lengths, self.encodings, strict=True):
            encode_task(self.data, out, form, self.model, length)
        about = task.model_dump(include={"name", "title", "description", "form", "metric"})
        self.about = about | {"model": "Tiny"}

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def look(self) -> Look:
        return look_at(self.about, self.data, self.encodings, self.model)


@pytest.fixture
def folder(model: Path, tmp_path: Path) -> Folder:
    return Folder(tmp_path, model)


def cells(look: Look, group: str, name: str) -> list[str]:
    """Return what stands in a row of the group of this title."""
    (shown,) = (each for each in look.groups if each.title == group)
    return [cell.text for cell in shown.rows[name]]


def test_rows_labels_lengths_and_overlap_are_those_of_the_data(folder: Folder) -> None:
    rows = [
        {"text": " ".join(["red"] * (n + 1)), "label": "good" if n < 8 else "bad"}
        for n in range(10)
    ]
    rows += [{"text": "red", "label": "good"}, {"text": "dog", "label": "good"}]
    splits = {"train": "all[:10]", "validation": "all[10:]"}
    folder.make("single", rows, lengths=(8, 32), splits=splits)
    look = folder.look()
    assert cells(look, "", "rows") == ["10", "2"]
    assert cells(look, "labels (2)", "bad") == ["2 (20 %)", "0"]
    assert cells(look, "labels (2)", "good") == ["8 (80 %)", "2 (100 %)"]
    short, long = "tokens of an example, at most 8", "tokens of an example, at most 32"
    for group, longest, cut in ((short, "8", "4 (40 %)"), (long, "12", "0")):
        assert cells(look, group, "shortest") == ["3", "3"]
        assert cells(look, group, "longest") == [longest, "3"]
        assert cells(look, group, "examples cut off") == [cut, "0"]
    assert cells(look, long, "median") == ["8", "3"]
    assert cells(look, long, "90 % have at most") == ["12", "3"]
    assert "1 of 2 validation inputs (50 %) are in train as well" in look.warnings
    assert "train: 4 of 10 examples (40 %) are cut off at 8 tokens" in look.warnings
    assert not [warning for warning in look.warnings if "32" in warning]


@pytest.mark.parametrize("form", tiny.FORMS)
def test_examples_are_shown_as_the_model_sees_them_with_what_is_asked(
    form: str, folder: Folder, tokenizer: Any
) -> None:
    rows = tiny.source_rows(form, 40)[:15]
    folder.make(form, rows)
    look = folder.look()
    assert [example.name for example in look.examples] == ["all-0", "all-4", "all-8"]
    assert len(look.groups[-1].bins) == 40
    for example in look.examples:
        for sequence in example.sequences:
            ends = [sequence[place] for place in (0, -1)]
            assert ends == [Piece("[CLS]", special=True), Piece("[SEP]", special=True)]
    if form in ASKED:
        assert look.examples[1].asked == ASKED[form]
        assert all(f"  {name}: {text}\n" in as_text(look) for name, text in ASKED[form])


def test_what_is_asked_is_put_back_into_words(folder: Folder) -> None:
    rows = [
        {"tokens": ["anna", "\u200b", "berg", *["ran"] * 9], "tags": [1, 0, 3, *[0] * 9]}
        for _ in range(4)
    ]
    folder.make("tagging", rows, lengths=(6,))
    look = folder.look()
    (name, text) = look.examples[0].asked[0]
    assert name == "tags"
    assert text.startswith("anna (B-PER), cut off, or without a token (O), berg (B-LOC), ran (O)")
    assert cells(look, "tokens of an example, at most 6", "words cut off") == ["14 (58.3 %)"] * 2


def test_warnings_of_the_data_come_with_those_of_the_encoding(folder: Folder) -> None:
    folder.make("single", tiny.source_rows("single", 10), lengths=(6,))
    manifest = json.loads((folder.data / "manifest.json").read_text())
    manifest |= {"warnings": ["labels look odd"], "dropped": {"no text": 3}}
    (folder.data / "manifest.json").write_text(json.dumps(manifest))
    text = as_text(folder.look())
    assert "- labels look odd.\n" in text
    assert "- train: 4 of 6 examples (66.7 %) are cut off at 6 tokens.\n" in text
    assert "3 rows dropped: no text" in text
    assert "labels look odd." in as_page(folder.look())


def test_of_many_labels_the_most_frequent_ones_are_shown(folder: Folder) -> None:
    labels = [f"L{n}" for n in range(50)]
    rows = [{"text": "red", "label": f"L{n % 50}"} for n in range(99)]
    rows += [{"text": "dog", "label": "L49"}] * 3
    folder.make(
        "single", rows, labels=labels, splits={"train": "all[:90]", "validation": "all[90:]"}
    )
    group = next(each for each in folder.look().groups if each.title == "labels (50)")
    assert len(group.rows) == 21
    assert next(iter(group.rows)) == "L49"
    assert "(30 more)" in group.rows


HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\"'&<img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not {name for name, _ in attrs} - {"lang", "charset", "name", "content", "class",
                                                  "style", "colspan"}  # fmt: skip


def test_hostile_names_and_texts_stay_text(folder: Folder) -> None:
    rows = [{"text": HOSTILE, "label": "b" if n % 2 else HOSTILE} for n in range(8)]
    folder.make("single", rows, labels=["b", HOSTILE], description=HOSTILE.replace("\x1b", ""))
    look = folder.look()
    text, page = as_text(look), as_page(look)
    assert not [each for each in text + page if not each.isprintable() and each != "\n"]
    assert r"<script>alert(1)</script>\x1b[31m\u202e" in text
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img", "link", "iframe"} & tags.seen
    assert not re.search(r"https?:|url\(|@import", page)


def test_the_script_writes_text_and_page(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.make("pair", tiny.source_rows("pair", 10))
    arguments = ["--about", json.dumps(folder.about), "--data", f"{folder.data}"]
    arguments += ["--encoded", *map(str, folder.encodings), "--model", f"{folder.model}"]
    text, page = folder.folder / "looks/mine.txt", folder.folder / "looks/mine.html"
    monkeypatch.setattr(
        sys, "argv", ["look.py", *arguments, "--text", f"{text}", "--page", f"{page}"]
    )
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert text.read_text() == f"{as_text(folder.look())}page: {page}\n"
    assert page.read_text() == as_page(folder.look())


def test_a_task_that_is_not_encoded_is_named(folder: Folder) -> None:
    folder.make("single", tiny.source_rows("single", 10))
    (folder.encodings[0] / "train.arrow").write_bytes(b"")
    with pytest.raises(InputError, match=r"train\.arrow: not a readable Arrow file"):
        folder.look()
