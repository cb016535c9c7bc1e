"""Lists and mappings written as text: read as what was written, or not at all."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from interlude.forms.listed import looks_listed, parsed

PIECES = [
    *"\"'\\,:;[](){} #.-0",
    "a",
    "é",
    "\n",
    "\t",
    "語",
    "None",
    "\U0001f600",
    "''",
    "\\n",
    "', '",
]


def words(draw: random.Random) -> list[str]:
    return ["".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(draw.randint(1, 5))]


def test_every_print_of_a_list_of_texts_is_read_back() -> None:
    draw = random.Random(3)
    for _ in range(2000):
        wanted = words(draw)
        prints = [str(wanted), json.dumps(wanted), str(np.array(wanted, object))]
        prints.append(repr(np.array(wanted, dtype=object)))
        for text in prints:
            assert parsed(text) == wanted, text
            assert looks_listed(text), text
        assert parsed(str(tuple(wanted))) == wanted


@pytest.mark.parametrize("values", [[1, 0, 0], [-1, 20], [0.5, 1.0, 2e-9], [True, False]])
def test_numbers_as_python_json_and_numpy_print_them(values: list[Any]) -> None:
    for text in (str(values), json.dumps(values), str(np.array(values)), repr(np.array(values))):
        assert parsed(text) == values, text


def test_a_long_array_of_numpy_is_on_several_lines_and_a_very_long_one_is_cut() -> None:
    many = [f"word{number}" for number in range(60)]
    text = str(np.array(many))
    assert "\n" in text
    assert parsed(text) == many
    assert parsed(str(np.array([str(number) for number in range(2000)]))) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[]", []),
        ("{'text': ['Oslo'], 'answer_start': [14]}", {"text": ["Oslo"], "answer_start": [14]}),
        (
            "{'text': array(['Oslo'], dtype=object), 'answer_start': array([14], dtype=int32)}",
            {"text": ["Oslo"], "answer_start": [14]},
        ),
        ("[{'label': 'A', 'text': None}]", [{"label": "A", "text": None}]),
        ('[{"a": true}, null]', [{"a": True}, None]),
        ("[array(['a', 'b'], dtype='<U1') array(['c'], dtype=object)]", [["a", "b"], ["c"]]),
        ("[[0 4]\n [5 8]]", [[0, 4], [5, 8]]),
        ("[list(['a', 'b'])]", [["a", "b"]]),
        ("('a',)", ["a"]),
        ("  ['a']\n", ["a"]),
    ],
)
def test_lists_and_mappings(text: str, wanted: Any) -> None:
    assert parsed(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Anna ran",
        "[CLS] Anna [SEP]",
        "[ sic ]",
        "[sic]",
        "(sic)",
        "['a' 'b', 'c']",  # a comma is missing
        "['a', 'b'",
        "['a' ... 'b']",
        "['a', nan]",
        "[NaN]",
        "[007]",
        "[1.2.3]",
        "['a'] ['b']",
        "{'a', 'b'}",
        "{'a': 1 'b': 2}",
        "[a, b]",
        "[1_0]",
        "['a'b]",
        "('a')",
        "[__import__('os')]",
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_what_may_be_something_else_is_not_read(text: str) -> None:
    assert parsed(text) is None


def test_a_text_in_brackets_is_no_list() -> None:
    assert not looks_listed("[ sic ]")
    assert not looks_listed("('tis the season)")
    assert not looks_listed("[ ' hello ' ]")
    assert looks_listed(json.dumps(["a", "b"], indent=1))
    assert looks_listed("['a' ... 'b']")
