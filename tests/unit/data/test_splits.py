"""Cuts: the slicing syntax of the datasets library, and groups that stay whole."""

from __future__ import annotations

import pytest

from interlude.data.read.similar import families
from interlude.data.shape.splits import cut
from interlude.errors import InputError

ROWS = {"all": [{"group": f"g{i % 7}"} for i in range(100)], "more": [{"group": "x"}] * 5}


def positions(instruction: str, split_by: str | None = None) -> list[int]:
    return [index for _, index in cut(ROWS, instruction, split_by, "task")]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("all", range(100)),
        ("all[:70%]", range(70)),
        ("all[70%:]", range(70, 100)),
        ("all[10:20]", range(10, 20)),
        ("all[-5:]", range(95, 100)),
        ("all[:3]+more[-2:]", [0, 1, 2, 3, 4]),
    ],
)
def test_without_groups_a_slice_counts_rows(instruction: str, expected: list[int]) -> None:
    assert positions(instruction) == list(expected)


@pytest.mark.parametrize("at", ["10%", "50%", "70%", "33"])
def test_no_group_is_on_both_sides_of_a_cut(at: str) -> None:
    before, after = positions(f"all[:{at}]", "group"), positions(f"all[{at}:]", "group")
    assert sorted(before + after) == list(range(100))
    assert not {i % 7 for i in before} & {i % 7 for i in after}


def test_a_cut_between_groups_is_near_the_fraction() -> None:
    assert 70 - 15 < len(positions("all[:70%]", "group")) <= 70


def test_case_and_punctuation_make_no_other_group() -> None:
    rows = {"all": [{"q": q} for q in ("Is it safe?", "is it safe", "IS IT SAFE ?", "why")]}
    sides = [{i for _, i in cut(rows, part, "q", "task")} for part in ("all[:50%]", "all[50%:]")]
    assert {0, 1, 2} in [side - {3} for side in sides]


def test_the_order_of_groups_depends_on_their_value_alone() -> None:
    reversed_rows = {"all": ROWS["all"][::-1]}
    groups = [ROWS["all"][i]["group"] for i in positions("all[:50%]", "group")]
    again = [
        reversed_rows["all"][i]["group"] for _, i in cut(reversed_rows, "all[:50%]", "group", "")
    ]
    assert groups == again


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    rows = {"all": [{"group": value} for value in ["a", *[None, "", float("nan")] * 30, "a"]]}
    before = cut(rows, "all[:50%]", "group", "task")
    after = cut(rows, "all[50%:]", "group", "task")
    assert sorted(before + after) == [("all", index) for index in range(92)]
    assert 44 <= len(before) <= 46


def test_groups_called_by_symbols_are_several() -> None:
    rows = {"all": [{"group": "+-*"[n % 3]} for n in range(12)]}
    assert [len(cut(rows, f"all[{part}]", "group", "task")) for part in (":40%", "40%:")] == [4, 8]


def test_a_shuffled_cut_is_the_same_each_time_and_leaves_no_row_out() -> None:
    before, again, after = (
        [index for _, index in cut(ROWS, part, None, "task", shuffle=True)]
        for part in ("all[:30%]", "all[:30%]", "all[30%:]")
    )
    assert before == again
    assert sorted(before + after) == list(range(100))
    assert 4 <= sum(index < 50 for index in before) <= 26


def test_a_longer_file_is_shuffled_in_much_the_same_order() -> None:
    longer = {"all": [{}] * 110}
    orders = [
        [index for _, index in cut(rows, "all", None, "task", shuffle=True) if index < 100]
        for rows in (ROWS, longer)
    ]
    assert orders[0] == orders[1]


def test_an_unknown_split_has_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"task: unknown split 'al'. Did you mean 'all'"):
        positions("al[:10%]")


@pytest.mark.parametrize("instruction", ["all[:70", "all[:170%]", "all[a:b]", ""])
def test_a_malformed_slice_is_shown_with_what_is_allowed(instruction: str) -> None:
    with pytest.raises(InputError, match=r"task: found '.*Allowed: slices such as 'all\[:70%\]'"):
        positions(instruction)


def test_a_missing_group_column_is_named_with_those_found() -> None:
    with pytest.raises(InputError, match=r"key split_by: no column 'grop'. Did you mean 'group'"):
        positions("all", "grop")


def test_flipped_pairs_are_one_family() -> None:
    texts = [
        "If Jim lowers the pH of his solution the acidity increases or decreases",
        "A very dense medium will cause light to move faster or slower",
        "If Jim raises the pH of his solution the acidity increases or decreases",
        "A very rarefied medium will cause light to move faster or slower",
        "Plants need water",
        "-",
    ]
    assert families(texts) == [0, 1, 0, 1, 4, 5]


def test_texts_without_words_are_families_of_their_own() -> None:
    assert families(["-", "?"]) == [0, 1]
    assert families([]) == []
