"""Sources are distinguished by colours as long as there are enough of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from interlude.figures.colours import apart, colours_of, levels_of, lines_of, others_of
from interlude.figures.style import COLOURS, OTHERS


def levels(count: int) -> pd.Series[float]:
    """As many names, of which the fifth is the highest and the last the lowest."""
    numbers = pd.Series(np.arange(count, 0, -1.0), [f"n{number}" for number in range(count)])
    numbers.iloc[4:5] = 100.0
    return numbers


def test_a_few_have_a_colour_each_in_their_order() -> None:
    colours = colours_of(levels(7))
    assert list(colours) == [f"n{number}" for number in range(7)]
    assert [*colours.values()] == [*COLOURS[:7]]
    assert others_of(colours) == ""


def test_of_more_the_three_highest_and_the_three_lowest_have_one() -> None:
    colours = colours_of(levels(20))
    assert list(colours)[:6] == ["n4", "n0", "n1", "n17", "n18", "n19"]
    assert len(set(list(colours.values())[:6])) == 6
    assert set(list(colours.values())[6:]) == {OTHERS}
    assert others_of(colours) == "14 others"
    lines, names = lines_of(colours)
    assert names == ["n4", "n0", "n1", "n17", "n18", "n19", "14 others"]
    assert [line.get_color() for line in lines] == [*COLOURS[:6], OTHERS]


@pytest.mark.parametrize("count", [3, 20])
def test_what_has_no_source_always_has_a_colour_and_the_baseline_is_black(count: int) -> None:
    alone = ["single", "mtl-all"]
    colours = colours_of(pd.concat([levels(count), pd.Series(0.0, alone)]), alone)
    assert colours["single"] == "#000000"
    assert colours["mtl-all"] == COLOURS[0]
    named = [colour for colour in colours.values() if colour != OTHERS]
    assert len(set(named)) == len(named)


def test_what_is_not_known_is_at_no_end() -> None:
    unknown = levels(9).mask(lambda of: of < 8)
    assert apart(unknown) == ["n4", "n0", "n1"]
    assert apart(levels(9) * np.nan) == []


def test_a_level_is_compared_with_the_mean_of_each_panel() -> None:
    rows = [("easy", "a", 90.0), ("easy", "a", 92.0), ("easy", "b", 95.0), ("hard", "b", 20.0)]
    rows.append(("hard", "c", 10.0))
    table = pd.DataFrame(rows, columns=["task", "source", "score"])
    # Of easy the mean is 93, of hard 15.
    expected = {"a": -2.0, "b": (2 + 5) / 2, "c": -5.0}
    levels = levels_of(table, "source", "score", ["task"])
    assert list(levels.index) == ["a", "b", "c"]
    assert levels.to_dict() == pytest.approx(expected)
