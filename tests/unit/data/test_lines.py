"""A fault in a row names the line where the row begins in its file, as an editor shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.csv", 'text,label\n"a\nb\nc",yes\n"d\ne",no\n\nf,on\n', "line 8"),
        ("a.tsv", "text\tlabel\r\na\tyes\r\nb\ton\r\n", "line 3"),
        ("a.jsonl", '{"text": "a", "label": "no"}\n\n\n{"text": "b", "label": "on"}\n', "line 4"),
        ("a.json", '[{"text": "a", "label": "no"},\n{"text": "b", "label": "on"}]', "row 2"),
    ],
)
def test_a_faulty_row_is_named_by_its_line(
    name: str, content: str, place: str, task: Callable[..., Task], tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    mine = task([], source={"files": {"all": str(tmp_path / name)}})
    with pytest.raises(InputError, match=f"split 'all', {place}: key label: unknown label 'on'"):
        prepare(mine, Places(tmp_path / "archives.yaml"), tmp_path / "out")


@pytest.mark.parametrize("reader", ["conll", "conllu"])
def test_a_faulty_sentence_is_named_by_the_line_of_its_first_word(
    reader: str, task: Callable[..., Task], tmp_path: Path
) -> None:
    words = [["Anna", "B-PER"], ["ran", "O"], [], ["Bob", "B-PER"], ["sat", "X-PER"]]
    as_conllu = [word and ["1", *word, *"_______"] for word in words]
    lines = ["\t".join(word) for word in (as_conllu if reader == "conllu" else words)]
    (tmp_path / "a").write_text("\n".join(["# a comment", *lines, ""]))
    columns = {"tokens": "form", "tags": "lemma"}
    if reader == "conll":
        columns = {"tokens": "tokens", "tags": "tags"}
    source = {"files": {"all": str(tmp_path / "a")}, "reader": reader}
    mine = task([], source=source, form="tagging", columns=columns, labels=["O", "B-PER"])
    with pytest.raises(InputError, match="split 'all', line 5: key tags: unknown label 'X-PER'"):
        prepare(mine, Places(tmp_path / "archives.yaml"), tmp_path / "out")
