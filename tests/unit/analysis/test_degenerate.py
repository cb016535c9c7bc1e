"""The degenerate rule marks what it should, says why, and removes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.synthetic import demo_options, demo_runs, record, runs_of

from interlude.analysis.degenerate import (
    CHANCE,
    CONSTANT,
    DIVERGED,
    DegenerateRule,
    degenerate_table,
    excluded_table,
    flag_degenerate,
)

EVERYTHING = DegenerateRule()


def reason(rule: DegenerateRule, **run: Any) -> str | None:
    """The reason that a rule gives for a run with majority score .6 and chance score .5."""
    made = {**record("target", "none", "boolq", 1, 0.7), "majority_score": 0.6, "chance_score": 0.5}
    flagged = flag_degenerate(runs_of([made | run]), rule)
    text = flagged["degenerate_reason"].iloc[0]
    assert flagged["degenerate"].iloc[0] == isinstance(text, str)
    return text if isinstance(text, str) else None


@pytest.mark.parametrize(
    ("rule", "run", "expected"),
    [
        (EVERYTHING, {}, None),
        (EVERYTHING, {"score": 0.6}, CHANCE),
        (EVERYTHING, {"score": 0.1 + 0.2 + 0.3}, CHANCE),
        (EVERYTHING, {"score": 0.601}, None),
        (EVERYTHING, {"score": 0.55, "majority_score": None}, None),
        (EVERYTHING, {"score": 0.0, "majority_score": None, "chance_score": None}, None),
        (EVERYTHING, {"constant": True}, CONSTANT),
        (EVERYTHING, {"constant": True, "score": 0.6}, CONSTANT),
        (EVERYTHING, {"constant": None}, None),
        (EVERYTHING, {"status": "diverged", "score": None}, DIVERGED),
        (EVERYTHING, {"status": "failed", "score": None}, None),
        (EVERYTHING, {"status": "mean_only", "score": 0.2}, None),
        (DegenerateRule(margin=0.05), {"score": 0.65}, CHANCE),
        (DegenerateRule(constant=False), {"constant": True}, None),
        (DegenerateRule(chance=False), {"score": 0.2}, None),
        (DegenerateRule(chance=False), {"status": "diverged", "score": None}, DIVERGED),
    ],
)
def test_the_rule(rule: DegenerateRule, run: dict[str, Any], expected: str | None) -> None:
    assert reason(rule, **run) == expected


def test_no_row_is_removed_and_the_tables_count_per_cell() -> None:
    options = demo_options()
    runs = demo_runs()
    flagged = flag_degenerate(runs, options.degenerate)
    assert len(flagged) == len(runs)
    table = degenerate_table(flagged, options.degenerate).set_index(["source", "task", "reason"])
    assert table["n_degenerate"].to_dict() == {
        ("sarcasm", "boolq", CONSTANT): 1,
        ("sarcasm", "finance-ner", DIVERGED): 1,
    }
    assert set(table["n_runs"]) == {3}
    excluded = excluded_table(flagged)
    assert sorted(excluded["excluded"]) == sorted([CONSTANT, DIVERGED, "failed", "missing"])
    assert "out of memory" in set(excluded["reason"])
