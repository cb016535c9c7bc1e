"""The examples of a training, and what is told of them without a model."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from helpers import tiny
from helpers.tiny_training import Case

from interlude.encode.encoding import encode_task
from interlude.errors import InputError
from interlude.training.data import TaskData, load_task
from interlude.training.reference import is_constant, reference_scores


def load(form: str, encoded: Path, examples: int | None = None, **settings: Any) -> TaskData:
    told = (f"tiny-{form}", form, tiny.METRICS[form], encoded, tiny.settings(**settings))
    return load_task(*told, examples)


@pytest.mark.parametrize("form", tiny.FORMS)
def test_all_examples_are_taken_unless_there_is_a_cap(form: str, encoded: dict[str, Path]) -> None:
    data = load(form, encoded[form])
    capped = load(form, encoded[form], 1000, validation_examples=1000)
    assert [data.train.num_rows, data.validation.num_rows] == [24, 16]
    assert data.train.equals(capped.train)
    assert data.validation.equals(capped.validation)


def test_capped_examples_are_the_same_each_time(encoded: dict[str, Path]) -> None:
    first, second = (load("single", encoded["single"], 10, validation_examples=5) for _ in range(2))
    assert [first.train.num_rows, first.validation.num_rows] == [10, 5]
    assert first.train.equals(second.train)
    assert first.validation.equals(second.validation)


@pytest.mark.parametrize("form", ["answer-option", "candidate"])
def test_capped_examples_are_whole_questions(form: str, encoded: dict[str, Path]) -> None:
    data = load(form, encoded[form], 10, validation_examples=9)
    for kept in (data.train, data.validation):
        questions = kept["question"].to_pylist()
        assert len(questions) == 8
        assert all(questions.count(question) == 4 for question in questions)


def test_a_task_of_which_truncation_leaves_no_example_is_refused(
    model: Path, tmp_path: Path
) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("span", 3))
    encode_task(tiny.write_task(tmp_path / "data", "span", parts), tmp_path, "span", model, 8)
    message = r"task tiny-span: no training example keeps its answer with max_length 8"
    with pytest.raises(InputError, match=message):
        load("span", tmp_path, max_length=8)


def test_chance_is_near_the_mean_of_one_over_the_number_of_choices(
    model: Path, tmp_path: Path
) -> None:
    rows = tiny.rows("choice", 400)
    parts = dict.fromkeys(("train", "validation"), rows)
    encode_task(tiny.write_task(tmp_path / "data", "choice", parts), tmp_path, "choice", model, 32)
    data = load("choice", tmp_path)
    majority, chance = reference_scores(data)
    wanted = fmean(1 / len(row["choices"]) for row in rows)
    assert chance == pytest.approx(wanted, abs=0.02)
    assert majority == max(fmean(row["label"] == place for row in rows) for place in range(4))
    assert reference_scores(data) == (majority, chance)


def test_a_constant_predictor_of_texts_says_another_text_for_each(encoded: dict[str, Path]) -> None:
    data = Case("span").data(encoded["span"])
    first_words = [row["passage"].split()[0] for row in data.validation_rows()]
    assert is_constant(data, first_words)
    assert not is_constant(data, [*first_words[:-1], "another"])
