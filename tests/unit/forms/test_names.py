"""What a value is called: numbers in each of their spellings, and nothing, which has no name."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from interlude.forms.names import found_names, is_blank, is_missing, label_place, same_name

WORDS = ["bad", "good"]


@pytest.mark.parametrize("value", [None, math.nan, pd.NaT])
def test_nothing_is_missing(value: Any) -> None:
    assert is_missing(value)
    assert is_blank(value)


@pytest.mark.parametrize("value", ["None", "null", "NA", "nan", 0, False, [], "-"])
def test_a_word_for_nothing_is_a_word(value: Any) -> None:
    assert not is_blank(value)


@pytest.mark.parametrize("value", ["", " ", "\u00a0"])
def test_a_text_without_a_word_is_there_and_no_name(value: str) -> None:
    assert (is_missing(value), is_blank(value)) == (False, True)


@pytest.mark.parametrize(
    ("value", "labels", "place"),
    [
        # A number in each spelling, of labels called by words.
        (1, WORDS, 1), (1.0, WORDS, 1), ("1", WORDS, 1), ("1.0", WORDS, 1), (0.0, WORDS, 0),
        (2, WORDS, None), (-1, WORDS, None), ("01", WORDS, None), (0.5, WORDS, None),
        (True, WORDS, None),
        # A number that is a name goes before a number that counts.
        (1, ["1.0", "1.5", "2.0"], 0), (1.5, ["1.0", "1.5", "2.0"], 1), ("2", ["1.0", "2.0"], 1),
        (1, ["2", "1"], 1), (1.0, ["2", "1"], 1), (0, ["1", "2"], None), (0, ["5 stars", "x"], 0),
        # What is equal as a number is not always one name.
        ("1.10", ["1.1", "1.2"], None), ("1.1", ["1.10", "1.1"], 1), (1, ["01", "02"], None),
        ("1.0", ["1", "1.0"], 1),
        # True and false have a name in both spellings, and no number.
        (True, ["false", "true"], 1), (False, ["True", "False"], 1), (True, ["0", "1"], None),
        ("true", ["False", "True"], None),
    ],
)  # fmt: skip
def test_the_place_of_a_label(value: Any, labels: list[str], place: int | None) -> None:
    assert label_place(value, labels, first=0) == place


@pytest.mark.parametrize(("value", "place"), [(1, 0), ("2", 1), (2.0, 1), (0, None), (3, None)])
def test_numbers_may_count_from_1(value: Any, place: int | None) -> None:
    assert label_place(value, WORDS, first=1) == place


def test_found_labels_are_one_in_each_spelling_of_a_whole_number() -> None:
    assert found_names(["0", "1.0", 1, 0.0, "1", "0.0"]) == ["0", "1"]
    assert found_names(["1.0", "1.5", "2.0"]) == ["1.0", "1.5", "2.0"]
    assert found_names(["1.1", "1.10", "01", "1"]) == ["01", "1", "1.1", "1.10"]
    assert found_names([1.0, 0.0, True]) == ["0", "1", "True"]


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0"])
def test_an_id_is_one_in_each_spelling(value: Any) -> None:
    assert same_name(value) == "3"
