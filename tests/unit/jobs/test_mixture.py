"""A training on several tasks, from its files to the scores of a study."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from helpers import tiny

from interlude.errors import InputError
from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.collect import collect
from interlude.jobs.failure import leave_without_result
from interlude.jobs.perform import perform
from interlude.metrics.accuracy import accuracy
from interlude.plan.cells import Cell
from interlude.plan.planner import MASKED_ACCURACY
from interlude.plan.trainings import Part, Training
from interlude.training.start import read_heads, read_status

MIXED = {"sampler": "size", "mixing": "mixed", "kept": "per-task"}
TASKS = ("tiny-choice", "tiny-span")


def training(**changes: Any) -> Training:
    """Return a training on two tasks; choice predicts numbers, span texts."""
    parts = (*tiny.training("span").parts, *tiny.training("choice").parts)
    return replace(tiny.training("span"), **({"parts": parts} | MIXED | changes))


def job_of(training: Training, files: JobFiles) -> Job:
    return Job(training, files, "c0de", "mtl target: tiny-span > tiny-choice, restart 1")


class Trainer:
    """Carries out mixtures, each in the folder of its id, and keeps what is said."""

    def __init__(self, model: Path, encoded: dict[str, Path], trained: Path) -> None:
        self.model, self.encoded, self.trained = model, encoded, trained
        self.said: list[str] = []

    def __call__(self, training: Training, **places: Any) -> Job:
        folders = tuple(self.encoded[part.form] for part in training.read)
        job = job_of(training, JobFiles(self.model, folders, self.trained / training.id, **places))
        perform(job, 1, self.said.append)
        return job


@pytest.fixture
def carry_out(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Trainer:
    return Trainer(model, encoded, tmp_path / "trained")


def cells(training: Training) -> list[Cell]:
    """Return both directions of a pair, which read one training."""
    pairs = (TASKS, TASKS[::-1])
    return [Cell("mtl", "target", a, None, b, 1, None, training.id) for a, b in pairs]


def test_both_directions_of_a_pair_are_scored_from_one_training(carry_out: Trainer) -> None:
    job = carry_out(training())
    found = collect("tiny", cells(job.training), job.files.folder.parent)
    assert len(found.trainings) == 1
    assert [(row["source"], row["task"], row["form"]) for row in found.scores] == [
        ("tiny-choice", "tiny-span", "span"),
        ("tiny-span", "tiny-choice", "choice"),
    ]
    record = json.loads(job.files.record.read_text())
    assert [part["task"] for part in record["parts"]] == list(TASKS)
    assert record["tokens"] == sum(part["tokens"] for part in record["parts"])
    assert all(part["tokens"] > 0 and part["curve"] for part in record["parts"])
    assert found.trainings[0]["tokens"] == record["tokens"]
    for row, part in zip(found.scores, reversed(record["parts"]), strict=True):
        assert row["score"] == part["score"] is not None


def test_predictions_of_each_task_can_be_told_apart(carry_out: Trainer) -> None:
    job = carry_out(training())
    rows = pq.read_table(job.files.predictions).to_pylist()
    assert [row["task"] for row in rows] == ["tiny-choice"] * 16 + ["tiny-span"] * 16
    assert rows[0].keys() == {"task", "id", "prediction", "gold"}
    assert {type(json.loads(row["prediction"])) for row in rows[:16]} == {int}
    assert {type(json.loads(row["prediction"])) for row in rows[16:]} == {str}


def test_what_others_start_from_has_a_head_for_each_task(carry_out: Trainer) -> None:
    job = carry_out(training(), keep_start=True)
    assert job.files.own_start is not None
    assert read_status(job.files.own_start) == "ok"
    heads = read_heads(job.files.own_start)
    assert list(heads) == list(TASKS)
    assert all(heads.values())


def test_progress_is_said_with_the_mean_score(carry_out: Trainer) -> None:
    carry_out(training())
    assert any("restart 1: step" in line and ", mean score 0." in line for line in carry_out.said)


def test_one_that_diverges_has_no_score_for_any_task(carry_out: Trainer) -> None:
    job = carry_out(training(settings=tiny.settings(learning_rate=1e30)), keep_start=True)
    found = collect("tiny", cells(job.training), job.files.folder.parent)
    assert [(row["status"], row["score"]) for row in found.scores] == [("diverged", None)] * 2
    assert pq.read_table(job.files.predictions).num_rows == 0
    assert job.files.own_start is not None
    assert read_status(job.files.own_start) == "diverged"


def test_one_that_fails_is_recorded_for_each_of_its_tasks(tmp_path: Path) -> None:
    planned = training()
    files = JobFiles(tmp_path, (tmp_path, tmp_path), tmp_path / "trained" / planned.id)
    leave_without_result(job_of(planned, files), "failed", "out of memory")
    found = collect("tiny", cells(planned), tmp_path / "trained")
    assert {(row["status"], row["reason"]) for row in found.scores} == {("failed", "out of memory")}


def test_lost_predictions_are_named(carry_out: Trainer) -> None:
    job = carry_out(training())
    table = pq.read_table(job.files.predictions)
    pq.write_table(table.slice(1), job.files.predictions)
    with pytest.raises(InputError, match=r"found 31 rows .*, expected 32 of task, id"):
        collect("tiny", cells(job.training), job.files.folder.parent)


def with_masked_lm(*texts: str, **changes: Any) -> Training:
    """Return a training on span and on masked texts of tasks of these forms."""
    of_forms = tuple(tiny.training(form).part for form in texts)
    mlm = Part("mlm", "mlm", MASKED_ACCURACY, "", texts=of_forms)
    parts = (*tiny.training("span").parts, mlm)
    return replace(tiny.training("span"), parts=parts, **(MIXED | changes))


def test_masked_lm_has_a_score_a_perplexity_and_a_head(
    carry_out: Trainer,
) -> None:
    job = carry_out(with_masked_lm("span"), keep_start=True)
    record = json.loads(job.files.record.read_text())
    mlm, span = record["parts"]
    assert (mlm["task"], mlm["form"], mlm["texts"]) == ("mlm", "mlm", ["tiny-span"])
    assert mlm["score"] == mlm["metrics"]["masked_accuracy"]
    assert mlm["metrics"]["perplexity"] > 1
    assert 0 < mlm["chance_score"] < mlm["majority_score"] < 1
    assert (mlm["data_revision"], mlm["data_fingerprint"]) == (
        span["data_revision"],
        span["data_fingerprint"],
    )
    assert mlm["truncation"] is None
    assert record["exact_speed_ups"] == {"used_rows": False, "first_token_only": False}
    assert job.files.own_start is not None
    heads = read_heads(job.files.own_start)
    assert set(heads["mlm"]) == {"dense.weight", "dense.bias", "norm.weight", "norm.bias", "bias"}
    rows = pq.read_table(job.files.predictions).to_pylist()
    assert [row["task"] for row in rows] == ["mlm"] * 16 + ["tiny-span"] * 16
    assert len(json.loads(rows[0]["gold"])) == len(json.loads(rows[0]["prediction"])["tokens"])


def test_masked_lm_reads_the_texts_of_tasks_that_are_no_parts(carry_out: Trainer) -> None:
    job = carry_out(with_masked_lm("pair", "choice"))
    mlm, span = json.loads(job.files.record.read_text())["parts"]
    assert mlm["texts"] == ["tiny-pair", "tiny-choice"]
    assert mlm["train_examples"] == 2 * span["train_examples"]
    assert mlm["data_revision"] == "tiny 1.0; tiny 1.0"
    assert mlm["data_fingerprint"] != span["data_fingerprint"]


def test_what_encoders_forget_is_measured_by_a_fresh_head_on_each_as_it_is(
    carry_out: Trainer,
) -> None:
    first = carry_out(with_masked_lm("span"), keep_start=True)
    _, mlm = (*tiny.training("span").parts, with_masked_lm("pair").parts[0])
    measure = replace(tiny.training("span"), parts=(mlm,), frozen=True)
    records = []
    for start, place in ((None, None), (first.training.id, first.files.own_start)):
        job = carry_out(replace(measure, start=start), start=place, keep_start=True)
        records.append(json.loads(job.files.record.read_text()))
        assert records[-1]["status"] == "ok", records[-1]["reason"]
        assert job.files.own_start is not None
    assert first.files.own_start is not None
    left, kept = (
        (folder / "encoder.safetensors").read_bytes()
        for folder in (first.files.own_start, job.files.own_start)
    )
    assert left == kept
    scores = [record["parts"][0]["metrics"] for record in records]
    assert scores[0] != scores[1]
    assert all(record["hyperparameters"]["frozen"] for record in records)
    assert records[0]["trained_parameters"] < 5000


def test_an_ordinary_training_says_which_speed_ups_were_on(carry_out: Trainer) -> None:
    record = json.loads(carry_out(training()).files.record.read_text())
    assert record["exact_speed_ups"] == {"used_rows": True, "first_token_only": False}


def test_what_texts_are_declared_as_does_not_change_what_is_done_again(
    carry_out: Trainer, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    carry_out(with_masked_lm("pair"), shared=shared)
    mlm, span = with_masked_lm("pair").parts
    other = replace(mlm, texts=(replace(mlm.texts[0], declared="in other words"),))
    again = carry_out(replace(with_masked_lm("pair"), parts=(other, span)), shared=shared)
    assert "taken_from" in json.loads(again.files.record.read_text())


def test_a_task_of_a_mixture_goes_on_with_the_head_that_it_had(
    carry_out: Trainer, encoded: dict[str, Path], model: Path
) -> None:
    before = carry_out(training(), keep_start=True)
    assert before.files.own_start is not None
    after = tiny.training("choice", start=before.training.id, carry_head=True)
    still = tiny.settings(learning_rate=1e-12, warmup=0.0, dropout=0.0)
    after = replace(after, settings=still)
    files = tiny.files(
        model,
        encoded["choice"],
        before.files.folder / "after",
        start=before.files.own_start,
        keep_start=True,
    )
    perform(tiny.job(after, files), 1, carry_out.said.append)
    assert any("tiny-choice begins with the head of tiny-choice" in line for line in carry_out.said)
    kept, found = (
        read_heads(place)["tiny-choice"] for place in (before.files.own_start, files.own_start)
    )
    for name, weight in kept.items():
        torch.testing.assert_close(found[name], weight, atol=1e-6, rtol=0)


def test_which_tasks_shared_a_head_stands_in_the_record(
    carry_out: Trainer,
) -> None:
    four = (*TASKS, "tiny-pair", "tiny-single")
    parts = tuple(tiny.training(task.removeprefix("tiny-")).part for task in four)
    job = carry_out(training(parts=parts, heads="by-labels"), keep_start=True)
    record = json.loads(job.files.record.read_text())
    assert record["shared_heads"] == [["tiny-choice"], ["tiny-pair", "tiny-single"], ["tiny-span"]]
    assert job.files.own_start is not None
    heads = read_heads(job.files.own_start)
    torch.testing.assert_close(heads["tiny-pair"], heads["tiny-single"])
    assert "shared_heads" not in json.loads(carry_out(training()).files.record.read_text())


# The sampler that compares the tasks with what each reaches alone

HELD_ASIDE = {
    part.task: replace(part, held_aside=True)
    for part in (tiny.training("single").part, tiny.training("tagging").part)
}
SINGLES = {task: tiny.training(task[5:], parts=(part,)) for task, part in HELD_ASIDE.items()}
DYNAMIC = training(
    parts=tuple(HELD_ASIDE.values()),
    sampler="dynamic",
    references=tuple(each.id for each in SINGLES.values()),
    settings=tiny.settings(epochs=3),
)


def carry_out_alone(carry_out: Trainer, **changes: Any) -> dict[str, Path]:
    """Carry out the training of each task alone; return their records."""
    jobs = {
        task: carry_out(replace(each, **changes.get(task, {}))) for task, each in SINGLES.items()
    }
    return {task: job.files.record for task, job in jobs.items()}


def test_a_training_alone_says_what_it_scores_on_the_examples_held_aside(
    carry_out: Trainer,
) -> None:
    for record in carry_out_alone(carry_out).values():
        (part,) = json.loads(record.read_text())["parts"]
        assert part["held_aside"]["examples"] == 1
        assert 0 <= part["held_aside"]["score"] <= 1
        assert part["train_examples"] == 23
    (part,) = json.loads(carry_out(tiny.training("single")).files.record.read_text())["parts"]
    assert "held_aside" not in part


def test_the_record_says_what_a_dynamic_sampler_has_gone_by(carry_out: Trainer) -> None:
    alone = carry_out_alone(carry_out)
    job = carry_out(DYNAMIC, references=tuple(alone.values()))
    record = json.loads(job.files.record.read_text())
    scores = {
        task: json.loads(path.read_text())["parts"][0]["held_aside"]["score"]
        for task, path in alone.items()
    }
    assert record["references"] == list(DYNAMIC.references)
    assert record["reference_scores"] == scores
    first, *later = record["epochs"]
    assert (first["after_step"], first["scores"]) == (0, None)
    assert first["shares"] == {"tiny-single": 0.5, "tiny-tagging": 0.5}
    assert [epoch["after_step"] for epoch in later] == [6, 12]
    for epoch in later:
        weights = {task: math.exp(scores[task] - epoch["scores"][task]) for task in scores}
        shares = {task: weight / sum(weights.values()) for task, weight in weights.items()}
        assert epoch["shares"] == pytest.approx(shares)
    cell = Cell("mtl", "target", "tiny-single", None, "tiny-tagging", 1, None, DYNAMIC.id)
    found = collect("tiny", [cell], carry_out.trained)
    assert {row["training"] for row in found.trainings} == {DYNAMIC.id, *DYNAMIC.references}


@pytest.mark.parametrize("status", ["diverged", "failed"])
def test_a_mixture_is_not_trained_where_one_to_compare_with_has_no_result(
    status: str, carry_out: Trainer
) -> None:
    alone = carry_out_alone(carry_out)
    record = json.loads(alone["tiny-tagging"].read_text())
    alone["tiny-tagging"].write_text(json.dumps(record | {"status": status}))
    job = carry_out(DYNAMIC, references=tuple(alone.values()), keep_start=True)
    lost = json.loads(job.files.record.read_text())
    assert lost["status"] == status
    assert lost["reason"] == f"tiny-tagging alone, to compare with: {status}"
    assert job.files.own_start is not None
    assert read_status(job.files.own_start) == status


def test_a_record_without_what_is_compared_is_named(carry_out: Trainer) -> None:
    alone = carry_out_alone(carry_out)
    record = json.loads(alone["tiny-single"].read_text())
    del record["parts"][0]["held_aside"]
    alone["tiny-single"].write_text(json.dumps(record))
    message = r"record\.json: no score on examples held aside\. Delete it and run again"
    with pytest.raises(InputError, match=message):
        carry_out(DYNAMIC, references=tuple(alone.values()))


def test_what_the_references_score_is_part_of_what_an_outcome_is_known_by(
    carry_out: Trainer, tmp_path: Path
) -> None:
    alone = carry_out_alone(carry_out)
    places = {"references": tuple(alone.values()), "shared": tmp_path / "shared"}
    carry_out(DYNAMIC, **places)
    carry_out(DYNAMIC, **places)
    assert sum("copied from" in line for line in carry_out.said) == 1
    record = json.loads(alone["tiny-single"].read_text())
    record["parts"][0]["held_aside"]["score"] = 0.25
    alone["tiny-single"].write_text(json.dumps(record))
    carry_out(DYNAMIC, **places)
    assert sum("copied from" in line for line in carry_out.said) == 1


def test_a_metric_whose_scores_cannot_be_compared_is_refused_before_training(
    carry_out: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def error_rate(predicted: list[Any], gold: list[Any]) -> dict[str, float]:
        return {"percent": 100 * accuracy(predicted, gold)["accuracy"]}

    monkeypatch.setattr("interlude.metrics.accuracy.accuracy", error_rate)
    message = r"task tiny-single: key metric: accuracy gives 100 for guesses\. Allowed in a study"
    with pytest.raises(InputError, match=message):
        carry_out(SINGLES["tiny-single"])
    assert not any("step" in line for line in carry_out.said)
