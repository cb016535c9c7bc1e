"""The plan as a table that people open: a line per cell."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from interlude.errors import InputError
from interlude.plan.cells import Cell, read_plan, scored, to_csv, tried

CELLS = [
    Cell("stilts", "intermediate", "none", 50, "sst-2", 1, None, "0" * 16),
    Cell("single", "target", "none", None, "rte", 1, None, "1" * 16),
    Cell("stilts", "target", "sst-2", 50, "rte", 2, 7, "2" * 16),
    Cell("stilts", "target", "sst-2", None, "rte", 1, None, "4" * 16, task_examples=30),
    Cell("sweep", "target", "none", None, "rte", None, 1, "3" * 16),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "plan.csv").write_text(to_csv(CELLS))
    return tmp_path / "plan.csv"


def test_the_table_can_be_read_by_people() -> None:
    assert to_csv(CELLS).splitlines() == [
        "arm,role,source,examples,task,task_examples,restart,point,id",
        "stilts,intermediate,none,50,sst-2,,1,,0000000000000000",
        "single,target,none,,rte,,1,,1111111111111111",
        "stilts,target,sst-2,50,rte,,2,7,2222222222222222",
        "stilts,target,sst-2,,rte,30,1,,4444444444444444",
        "sweep,target,none,,rte,,,1,3333333333333333",
    ]


def test_the_table_is_read_back(path: Path) -> None:
    assert list(read_plan(path)) == CELLS


def test_cells_of_the_sweep_are_told_from_results() -> None:
    assert scored(CELLS) == CELLS[:4]
    assert tried(CELLS) == CELLS[4:]


def test_names_say_what_was_cut() -> None:
    assert [cell.name for cell in CELLS] == [
        "stilts intermediate: none > sst-2 (50), restart 1",
        "single target: none > rte, restart 1",
        "stilts target: sst-2 (50) > rte, restart 2, point 7",
        "stilts target: sst-2 > rte (30), restart 1",
        "sweep target: none > rte, point 1",
    ]


def test_a_table_of_before_target_sizes_is_read(path: Path) -> None:
    before = [cell for cell in CELLS if cell.task_examples is None]
    table = pd.read_csv(io.StringIO(to_csv(before)), dtype=str).drop(columns="task_examples")
    table.to_csv(path, index=False)
    assert list(read_plan(path)) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found the columns nothing. Allowed: arm, role"),
        ("arm,role\n", "found the columns arm, role. Allowed: arm, role, source"),
        (to_csv(CELLS)[:-20], "line 6: not a whole line"),
        (to_csv(CELLS).replace(",2,7,", ",two,7,"), "line 4: not a whole line"),
    ],
)
def test_a_broken_table_is_named(content: str, message: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(InputError) as raised:
        list(read_plan(path))
    assert message in str(raised.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plan\.csv: No such file.*snakemake plan"):
        list(read_plan(tmp_path / "plan.csv"))
