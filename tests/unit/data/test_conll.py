"""CoNLL columns: sentences as the file has them, or the line at fault."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import interlude.data.read.conll  # noqa: F401  registers its readers
from interlude.data.made_from import code_of
from interlude.data.read import reader_module
from interlude.data.read.readers import READERS
from interlude.data.read.rows import read_rows
from interlude.errors import InputError
from interlude.plan.digest import reading_code
from interlude.plan.tasks import Task

from .conftest import Rows

ANNA = {"tokens": ["Anna", "ran"], "tags": ["B-PER", "O"]}
BOB = {"tokens": ["Bob"], "tags": ["B-PER"]}


def table(text: str, reader: str = "conll", **options: Any) -> Rows:
    return READERS[reader]({"all": text.encode()}, Counter(), **options)["all"]


def sentences(text: str, **options: Any) -> Rows:
    """Return the rows without the number of their document."""
    return [
        {name: value for name, value in row.items() if name != "document"}
        for row in table(text, **options)
    ]


def refused(text: str, message: str, **options: Any) -> None:
    with pytest.raises(InputError, match=rf"split 'all', {message}"):
        table(text, **options)


@pytest.mark.parametrize(
    "text",
    [
        "Anna B-PER\nran O\n\nBob B-PER\n",
        "Anna\tB-PER\nran\tO\n\nBob\tB-PER",
        "\ufeffAnna  B-PER \r\nran \t O\r\n \t\r\n\r\n\r\nBob B-PER\r\n\r\n",
        "Anna B-PER\rran O\r\rBob B-PER\r",
        "-DOCSTART- O\n\nAnna B-PER\nran O\n\nBob B-PER\n",
        "-DOCSTART- -X- -X- O\nAnna B-PER\nran O\n-DOCSTART-\nBob B-PER\n",
        "# of any length\nAnna B-PER\n#another\nran O\n\n# id: 1\n\n# from: a\tb c\nBob B-PER",
        "# id\nAnna\tB-PER\nran\tO\n\n# a b\nBob\tB-PER\n",
    ],
)
def test_sentences_are_those_of_the_file(text: str) -> None:
    assert sentences(text) == [ANNA, BOB]


def test_columns_between_tabs_may_hold_blanks() -> None:
    assert sentences("10 000\tB-NUM\nkr\u00a0.\tO\n") == [
        {"tokens": ["10 000", "kr\u00a0."], "tags": ["B-NUM", "O"]}
    ]
    assert sentences("a\u2028b\u00a0c O\n\u200b O\n")[0]["tokens"] == ["a\u2028b\u00a0c", "\u200b"]


def test_the_columns_between_the_first_and_the_last_are_numbered_or_named() -> None:
    text = "Anna NNP B-NP B-PER\nran VBD B-VP O\n"
    assert sentences(text) == [{**ANNA, "column2": ["NNP", "VBD"], "column3": ["B-NP", "B-VP"]}]
    named = sentences(text, names=["word", "pos", "chunk", "entity"])
    assert named[0]["pos"] == ["NNP", "VBD"]
    assert list(named[0]) == ["word", "pos", "chunk", "entity"]


def test_documents_are_numbered_so_that_a_cut_can_be_between_them() -> None:
    text = "-DOCSTART- O\n\na O\n\nb O\n\n-DOCSTART- O\n\nc O\n"
    assert [row["document"] for row in table(text)] == [1, 1, 2]
    assert [row["document"] for row in table("a O\n\nb O\n")] == [0, 0]


def test_a_word_may_begin_with_the_mark_of_comments() -> None:
    assert sentences("#ner\tB-X\n#\tO\nis\tO\n") == [
        {"tokens": ["#ner", "#", "is"], "tags": ["B-X", "O", "O"]}
    ]
    assert sentences("a O\n# O\n#b O\n")[0]["tokens"] == ["a", "#", "#b"]
    refused("# O\na O\n", "line 1: found '# O', which may be a word or a comment.*comments: true")
    assert sentences("# O\na O\n", comments=False)[0]["tokens"] == ["#", "a"]
    assert sentences("# O\na O\n", comments=True)[0]["tokens"] == ["a"]
    refused("# a comment\na O\n", "line 1: found 3 columns", comments=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: found no line with a word"),
        ("\n-DOCSTART- O\n\n", "line 1: found no line with a word"),
        ("Anna\nran\n", "line 1: found 1 column. Allowed: two or more"),
        (
            "a O\n\nb\n",
            r"line 3: found 1 column, 'b'. Allowed: 2 \(tokens, tags\), as in the first",
        ),
        ("a O\r\nb c O\r\n", "line 2: found 3 columns, 'b c O'"),
        ("a\tO\nb O\n", "line 2: found 1 column, 'b O'"),
        ("a\tO\n\tO\n", "line 2: found nothing in the column 'tokens'"),
        ("a\tX\tO\nb\t \tO\n", "line 2: found nothing in the column 'column2'"),
        ("a\tO\nb\t\n", "line 2: found nothing in the column 'tags'"),
    ],
)
def test_a_line_that_is_not_as_the_others_is_named(text: str, message: str) -> None:
    refused(text, message)


def test_names_that_are_not_as_many_as_the_columns_are_refused() -> None:
    refused(
        "a O\n",
        r"line 1: found 2 columns. Allowed: 3, as source.options.names has",
        names=["a", "b", "c"],
    )


def test_a_byte_that_is_no_text_is_named_with_its_line() -> None:
    with pytest.raises(InputError, match="line 2: found the byte 0xe9"):
        READERS["conll"]({"all": b"a O\nb\xe9 O\n"}, Counter())


UD = """# newdoc
# sent_id = 1
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\tde\tADP\tE\t_\t3\tcase\t_\t_
2\tle\tle\tDET\tRD\t_\t3\tdet\t_\t_
2.1\tun\tun\tX\t_\t_\t_\t_\t_\t_
3\tNew York\tNew York\tPROPN\tSP\t_\t0\troot\t_\t_

# text = #
1\t#\t#\tSYM\tS\t_\t0\troot\t_\t_
"""


def test_conllu_is_read_by_the_names_of_its_columns() -> None:
    rows = table(UD, "conllu")
    assert [row["form"] for row in rows] == [["de", "le", "New York"], ["#"]]
    assert [row["upos"] for row in rows] == [["ADP", "DET", "PROPN"], ["SYM"]]
    refused("1\ta\tX\n", "line 1: found 3 columns. Allowed: 10", reader="conllu")


@pytest.mark.parametrize("name", ["my.conll", "MY.CoNLL", "my.conllu"])
def test_the_ending_tells_how_a_file_is_read(
    name: str, task: Callable[..., Task], tmp_path: Path
) -> None:
    content, columns = (UD, "form") if name.endswith("u") else ("a O\n", "tokens")
    mine = task([], source={"files": {"all": name}})
    assert columns in read_rows(mine, {"all": name}, {"all": content.encode()})[0]["all"][0]
    assert code_of(mine) == reading_code(reader_module("conll"), "single")
    assert code_of(mine) != code_of(task([]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": "tokens"}, "names: found 'tokens'. Allowed: the names of all columns"),
        ({"names": ["tokens"]}, r"names: found .*\(2 or more"),
        ({"names": ["a", "a"]}, r"names: found .*\(each once"),
        ({"comments": "some"}, "comments: found 'some'. Allowed: true or false"),
    ],
)
def test_an_option_is_held_to_what_is_allowed(
    options: dict[str, Any], message: str, task: Callable[..., Task]
) -> None:
    mine = task([], source={"files": {"all": "my.conll"}, "options": options})
    with pytest.raises(InputError, match=rf"key source\.options\.{message}"):
        read_rows(mine, {"all": "my.conll"}, {"all": b"a O\n"})


def test_random_sentences_are_read_back_exactly() -> None:
    draw = random.Random(17)
    pieces = [*"#'\"-.0[]_", "a", "语", "\u2028", "\u00a0", "\x85", "O", "B-PER", "DOCSTART"]
    for _ in range(500):
        separator = draw.choice([" ", "\t", "   "])
        inner = [*pieces, " "] if separator == "\t" else pieces
        width = draw.randint(2, 4)
        wanted = [
            [[f"x{''.join(draw.choices(inner, k=3))}x" for _ in range(width)] for _ in range(words)]
            for words in draw.choices(range(1, 5), k=3)
        ]
        ends = draw.choice(["\n", "\r\n"])
        text = (ends * 2).join(ends.join(separator.join(w) for w in s) for s in wanted)
        found = [[*zip(*row.values(), strict=True)] for row in sentences(text)]
        assert [[list(w) for w in s] for s in found] == wanted, text
