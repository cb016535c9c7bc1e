"""The answer says what the tables say, by one rule; and where they say nothing, it says that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.mixing import MIXING_OPTIONS, mixing_runs
from helpers.synthetic import TITLES, record, runs_of

from interlude.analysis.answer import answer_table, read_tables, table_files
from interlude.analysis.answer_page import as_markdown, sections
from interlude.analysis.answer_shown import as_text, sections_of
from interlude.analysis.averages import averages_by_filter
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.example_noise import with_example_noise
from interlude.analysis.options import Options, Statistics
from interlude.analysis.overview import task_table
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.restarts import restart_table
from interlude.analysis.results import trainings_of
from interlude.analysis.scope import described
from interlude.analysis.study_tables import study_tables
from interlude.analysis.study_warnings import study_warnings
from interlude.analysis.tables import write_csv
from interlude.analysis.transfer import transfer_table

OPTIONS = Options(titles=TITLES, statistics=Statistics(resamples=100))
SOURCES = ("sarcasm", "social-iqa", "privacy-qa")
TASKS = ("boolq", "finance-ner", "disfl-qa")
Effects = dict[tuple[str, str], float]
Record = dict[str, Any]


def records(
    effects: Effects, restarts: int = 3, tasks: tuple[str, ...] = TASKS, sd: float = 0.01
) -> list[Record]:
    """Scores of .6 and these effects, by source and task (or by source, for all), with noise."""
    noise = np.random.default_rng(1)
    made = [record("intermediate", "none", s, k, 0.8) for s in SOURCES for k in range(restarts)]
    for source in ("none", *SOURCES):
        for task in tasks:
            gain = effects.get((source, task), effects.get((source, "all"), 0.0))
            made += [
                record("target", source, task, k, 0.6 + gain + noise.normal(0, sd))
                for k in range(restarts)
            ]
    return made


def answered(
    made: list[Record], options: Options = OPTIONS
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """The answer of a study, and the tables that it is based on, as they are read back."""
    flagged = flag_degenerate(runs_of(made), options.degenerate)
    whole = described(options, flagged)
    main, every = (
        with_example_noise(transfer_table(flagged, whole, filtered), flagged, whole)
        for filtered in (True, False)
    )
    used = {
        **{"transfer": every, **pooled_tables(every, options.statistics.alpha)},
        "restarts": restart_table(flagged, every, False, options.statistics),
        "tasks": task_table(flagged, whole, True),
        "averages_by_filter": averages_by_filter(main, whole),
    }
    with TemporaryDirectory() as folder:
        for name, file in table_files(whole).items():
            write_csv(used[name], Path(folder) / f"{file}.csv")
        read = read_tables(Path(folder), whole)
    return answer_table(read, whole), read


def of(answer: pd.DataFrame, name: str, about: str = "target") -> Record:
    (row,) = answer[(answer["about"] == about) & (answer["name"] == name)].to_dict("records")
    return row


def sentences(answer: pd.DataFrame, about: str) -> list[str]:
    return answer.loc[answer["about"] == about, "sentence"].tolist()


def detected_by_three(restarts: pd.DataFrame, task: str) -> float:
    """The difference that a lone test of three restarts finds."""
    own = restarts[(restarts["task"] == task) & (restarts["level"] == "one test")]
    return float(own["found_3"].iloc[0])


CLEAR: Effects = {("social-iqa", "all"): 0.2, ("sarcasm", "all"): -0.2}


def test_a_source_that_survives_the_correction_is_what_to_start_from() -> None:
    answer, tables = answered(records(CLEAR))
    cells = tables["pooled_cells"].set_index(["source", "task"])
    tests = tables["transfer"].set_index(["source", "task"])
    for task in TASKS:
        row = of(answer, task)
        assert (row["answer"], row["source"]) == ("helps", "social-iqa")
        key = ("social-iqa", task)
        assert tests.loc[key, "p_holm"] < 0.05
        names = {"expected": "pooled", "low": "ci_low", "high": "ci_high", "p_gain": "p_gain"}
        assert {name: row[name] for name in names} == {
            name: cells.loc[key, column] for name, column in names.items()
        }
        shown = f"{row['expected']:+.1f} points [{row['low']:+.1f}, {row['high']:+.1f}]"
        assert row["sentence"].startswith(
            f"{TITLES[task]}: start from SocialIQA: expected {shown}, probability that it helps "
            "above .99, all 3 runs learnt, measured +"
        )
    assert sentences(answer, "study") == ["3 targets: 3 with a source that is known to help."]


def test_what_is_detectable_and_what_settles_it_are_of_the_same_runs() -> None:
    """A run that did not learn widens both, where sources are ranked by all outcomes."""
    made = records({})
    lost = {"sarcasm": 1, "social-iqa": 2}
    for each in made:
        if each["task"] == "boolq" and lost.get(each["source"]) == each["restart"]:
            each |= {"score": 0.5, "constant": True}
    tables = study_tables(runs_of(made), OPTIONS)
    used = {name: tables[file] for name, file in table_files(OPTIONS).items()}
    row = of(answer_table(used, OPTIONS), "boolq")
    assert row["detectable"] == pytest.approx(detected_by_three(used["restarts"], "boolq"))
    assert row["detectable"] > 2 * detected_by_three(tables["restarts"], "boolq")
    assert row["needed_2"] > tables["restarts"].query("task == 'boolq'")["needed_2"].max()


def test_of_two_that_help_the_larger_estimate_counts() -> None:
    answer, _ = answered(records({("social-iqa", "all"): 0.1, ("privacy-qa", "all"): 0.2}))
    assert set(answer.loc[answer["about"] == "target", "source"]) == {"privacy-qa"}


def test_a_large_difference_that_is_not_significant_may_help() -> None:
    effects: Effects = {("social-iqa", "all"): 0.05}
    answer, tables = answered(records(effects, sd=0.02))
    some = tables["transfer"].set_index(["source", "task"])
    rows = [of(answer, task) for task in TASKS]
    maybe = [row for row in rows if row["answer"] == "may help"]
    assert maybe
    for row in maybe:
        assert row["low"] > 0
        p = some.loc[(row["source"], row["name"]), "p_holm"]
        assert p >= 0.05
        assert f"not significant after correction (p {p:.2g})" in row["sentence"]
        assert row["sentence"].startswith(f"{TITLES[row['name']]}: perhaps start from ")


def test_where_no_start_is_known_to_help_it_says_what_could_have_beenfound_by_three() -> None:
    answer, tables = answered(records({}, sd=0.03))
    restarts = tables["restarts"].query("level == 'one test'").set_index("task")
    rows = [of(answer, task) for task in TASKS]
    none = [row for row in rows if row["answer"] == "none known"]
    assert none
    for row in none:
        cell = tables["transfer"].set_index(["source", "task"]).loc[(row["source"], row["name"])]
        assert row["detectable"] == cell["detectable"]
        assert row["needed_2"] == restarts.loc[row["name"], "needed_2"]
        assert row["sentence"].startswith(f"{TITLES[row['name']]}: none of 3 sources is known to")
        assert f"With 3 restarts a test finds {cell['detectable']:.1f} points." in row["sentence"]
        ending = f"To find 2 points takes {row['needed_2']} restarts on either side."
        assert row["sentence"].endswith(ending)


def test_more_restarts_are_not_promised_where_examples_matter_more() -> None:
    made = [{**each, "example_var": {"single": 0.01}} for each in records({}, sd=0.03)]
    answer, _ = answered(made)
    row = of(answer, "boolq")
    assert row["pays_to"] < row["needed_2"]
    ending = f", but beyond {row['pays_to']} the choice of validation examples matters more."
    assert row["sentence"].endswith(ending)


def test_where_every_source_harms_the_target_is_trained_alone() -> None:
    answer, _ = answered(records({(source, "all"): -0.2 for source in SOURCES}))
    row = of(answer, "boolq")
    assert row["answer"] == "alone"
    beginning = "BoolQ: train it alone; each of 3 sources is expected to lower it (the least"
    assert row["sentence"].startswith(beginning)


def one_restart() -> list[Record]:
    return records(CLEAR, restarts=1)


def no_baseline() -> list[Record]:
    return [each for each in records(CLEAR) if each["arm"] == "stilts"]


def all_degenerate() -> list[Record]:
    return [{**each, "constant": True, "score": 0.3} for each in records(CLEAR)]


def all_failed() -> list[Record]:
    return [{**each, "status": "failed", "score": None} for each in records(CLEAR)]


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (one_restart, "one run against one run: no difference can be estimated (3 of 3 cells)"),
        (no_baseline, "no baseline (3 of 3 cells)"),
        (all_degenerate, "none of its runs learnt"),
        (all_failed, "no run has a score (3 of 3 cells)"),
    ],
)
def test_without_an_estimate_it_says_why(case: Callable[[], list[Record]], reason: str) -> None:
    answer, _ = answered(case())
    assert set(answer.loc[answer["about"] == "target", "answer"]) == {"cannot be estimated"}
    assert of(answer, "boolq")["sentence"].startswith(f"BoolQ: cannot be estimated: {reason}")
    assert sentences(answer, "study") == ["3 targets: 3 without an estimate."]
    assert answer["expected"].isna().all()
    ways = {one_restart: "all 3 runs learnt.", all_failed: "no run has a score."}
    ending = ways.get(case, ".")
    assert all(line.endswith(ending) for line in sentences(answer, "source"))


def test_a_study_that_compares_nothing_says_so() -> None:
    answer, _ = answered(records(CLEAR), replace(OPTIONS, contrasts=()))
    (row,) = answer.to_dict("records")
    assert row["sentence"].startswith("Nothing can be said: no arm of this study is compared")


def test_with_one_target_the_difference_itself_counts() -> None:
    answer, tables = answered(records(CLEAR, tasks=("boolq",)))
    row = of(answer, "boolq")
    cell = tables["transfer"].set_index("source").loc["social-iqa"]
    numbers = [row[name] for name in ("expected", "low", "high")]
    assert numbers == cell[["delta", "ci_low", "ci_high"]].tolist()
    assert "probability" not in row["sentence"]
    assert "cannot be estimated: fewer than 2 tasks" in of(answer, "sarcasm", "source")["sentence"]


def test_a_line_for_each_source_with_the_effect_on_a_new_task() -> None:
    answer, tables = answered(records(CLEAR))
    pooled = tables["pooled"].set_index("source")
    assert answer.loc[answer["about"] == "source", "name"].tolist() == list(pooled.index)
    row, known = of(answer, "sarcasm", "source"), pooled.loc["sarcasm"]
    assert row["p_gain"] == known["p_new"]
    assert row["sentence"] == (
        f"Sarcasm: {known['mu']:+.1f} points [{known['ci_low']:+.1f}, {known['ci_high']:+.1f}] "
        "on average over 3 tasks; a new one gains with probability below .01 "
        f"[{known['new_low']:+.1f}, {known['new_high']:+.1f}]; "
        "known to help 0 and to harm 3 of 3; all 9 runs learnt."
    )


def test_every_contrast_has_its_answer() -> None:
    tables = study_tables(mixing_runs(), MIXING_OPTIONS)
    used = {name: tables[file] for name, file in table_files(MIXING_OPTIONS).items()}
    answer = answer_table(used, MIXING_OPTIONS)
    contrasts = [(each.arm, each.against) for each in MIXING_OPTIONS.contrasts]
    assert list(answer.groupby(["arm", "against"], sort=False).groups) == contrasts
    of_all = answer[(answer["arm"] == "mtl-all") & (answer["about"] == "target")]
    assert of_all["sentence"].str.contains("it is not known to gain|train it alone").all()
    direct = answer[(answer["against"] == "stilts") & (answer["about"] == "target")]
    pattern = "use mtl rather than stilts with|no source is known to make mtl better than stilts"
    assert direct["sentence"].str.contains(pattern).all()
    mixed = MIXING_OPTIONS.contrasts[1]._replace(together=True)
    options = replace(MIXING_OPTIONS, contrasts=(mixed,))
    first = answer_table(used, options)
    gains = first["answer"].isin(["helps", "may help"]) & (first["about"] == "target")
    ways = first.loc[gains, "sentence"]
    assert ways.str.contains("train it together with").all()
    assert len(ways)


def test_of_an_arm_without_sources_no_sentence_is_on_sources() -> None:
    tables = study_tables(mixing_runs(), MIXING_OPTIONS)
    used = {name: tables[file] for name, file in table_files(MIXING_OPTIONS).items()}
    answer = answer_table(used, MIXING_OPTIONS)
    of_all = answer[answer["arm"] == "mtl-all"]
    assert set(of_all["about"]) == {"study", "target", "source"}
    assert not of_all["sentence"].str.contains("source").any()
    lost = (of_all["answer"] == "alone") & (of_all["about"] == "target")
    sentences_of_lost = of_all.loc[lost, "sentence"].str
    assert sentences_of_lost.contains(r"train it alone; mtl-all is expected to lower it \(-").all()
    headings = [heading for heading, _ in sections(answer, [], MIXING_OPTIONS)]
    assert "Over all targets (mtl-all against single)" in headings
    assert "By source, over all targets (stilts against single)" in headings


def test_no_difference_is_minus_nothing() -> None:
    made = records({("sarcasm", "all"): -0.0004}, sd=1e-6)
    row = of(answered(made)[0], "sarcasm", "source")
    assert -0.05 < row["expected"] < 0
    assert row["sentence"].startswith("Sarcasm: +0.0 points [+0.0, +0.0]")


# The page


def test_the_page_says_the_same_in_every_form() -> None:
    hostile = "<b>Bool</b>_Q_ `x` *y* |\nz"
    options = replace(OPTIONS, titles={**TITLES, "boolq": hostile})
    answer, _ = answered(records(CLEAR), options)
    page = as_markdown("mine", sections(answer, ["A warning."], options), "figures/answer.svg")
    assert "<b>" not in page
    text = as_text(page)
    for sentence in answer["sentence"]:
        assert " ".join(sentence.split()) in text
    assert text.index("By target:") < text.index("By source, over all targets:")
    assert text.index("Warnings:") < text.index("- A warning.")
    assert "answer.svg" not in text
    shown = dict(sections_of(page))
    assert [*shown] == ["", "By target", "By source, over all targets", "Warnings"]
    assert shown["Warnings"] == ["A warning."]
    assert any(
        line.startswith("<b>Bool</b>_Q_ `x` *y* | z: start from SocialIQA")
        for line in shown["By target"]
    )


# Warnings


def warned(made: list[Record], options: Options = OPTIONS) -> str:
    runs = runs_of(made)
    flagged = flag_degenerate(runs, options.degenerate)
    whole = described(options, flagged)
    _, used = answered(made, options)
    return "\n".join(study_warnings(flagged, trainings_of(runs), used, whole))


def changed(change: Record, **of: Any) -> list[Record]:
    """The records of a clear study, of which those with these values are changed."""
    made = records(CLEAR)
    picked = [each for each in made if all(each[name] == value for name, value in of.items())]
    assert picked
    return [{**each, **change} if each in picked else each for each in made]


TRUNCATION = {"validation": {"examples": 100, "truncated": 30, "empty": 0, "lost": 2}}


@pytest.mark.parametrize(
    ("made", "warning"),
    [
        (
            changed({"score": 0.3}, role="intermediate", task="sarcasm"),
            "† Never above majority in its own training: Sarcasm.",
        ),
        (
            changed({"status": "failed", "score": None}, source="sarcasm", task="boolq"),
            "Of 45 runs 3 failed: they count nowhere (table excluded).",
        ),
        (
            records(CLEAR, restarts=1),
            "Fewer than two runs count in 9 of 9 cells (on BoolQ, FinanceNER, DisflQA)",
        ),
        (
            changed({"constant": True, "score": 0.3}, source="none", task="boolq"),
            "Without a source never above majority or chance: BoolQ.",
        ),
        (
            changed({"constant": True, "score": 0.3}, source="none", task="boolq"),
            "3 of 45 runs did not learn (on BoolQ)",
        ),
        (changed({"majority_score": 1.0}, task="boolq"), "all have one label: BoolQ."),
        (
            changed({"truncation": TRUNCATION}, task="boolq"),
            "More than 5 % of the examples are truncated: BoolQ.\n"
            "Examples lost their answer to truncation: BoolQ.",
        ),
        (changed({"device": "cuda"}, task="boolq"), "several devices: cpu, cuda."),
        (
            [
                {**each, "versions": {"torch": "2.1" if each["task"] == "boolq" else "2.0"}}
                for each in records(CLEAR)
            ],
            "several versions of torch: 2.0, 2.1.",
        ),
        (records(CLEAR), "what other examples would add is not known."),
        (
            changed({"example_var": {"single": 0.01}}, source="sarcasm"),
            "has a standard deviation of 10.0, and is the larger part on BoolQ, FinanceNER",
        ),
    ],
)
def test_warnings_name_what_to_be_wary_of(made: list[Record], warning: str) -> None:
    assert warning in warned(made)


def test_a_study_without_fault_has_the_one_about_examples() -> None:
    assert warned(records(CLEAR)).count("\n") == 0
