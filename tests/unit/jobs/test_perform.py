"""A training from start to record: what it writes, twice the same, and what a lost source does."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from safetensors.torch import load_file, save_file

from interlude.analysis.results import check_scores, check_trainings, to_scores, to_trainings
from interlude.encode.encoding import encode_task
from interlude.encode.read import read_encoded
from interlude.errors import InputError
from interlude.files import read_manifest
from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.collect import collect
from interlude.jobs.perform import perform
from interlude.jobs.record import fingerprint
from interlude.metrics import metric_of
from interlude.plan.cells import Cell
from interlude.plan.trainings import Choice, Training
from interlude.training.encoder import load_encoder
from interlude.training.start import read_encoder, read_heads, read_status

REPOSITORY = Path(__file__).parents[3]
TRAIN = REPOSITORY / "workflow/scripts/train.py"
COSTS = {"total_seconds", "train_seconds", "evaluation_seconds", "peak_memory_bytes"}

Perform = Callable[..., JobFiles]


def diverging(form: str = "single", **changes: Any) -> Training:
    return tiny.training(form, settings=tiny.settings(learning_rate=1e30), **changes)


ROWS = tiny.rows("tagging", 12)


def tables(training: Training, files: JobFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the checked rows of scores and of trainings that a record becomes."""
    cell = Cell("single", "target", "none", None, training.part.task, 1, None, training.id)
    found = collect("tiny", [cell], files.folder.parent)
    scores, trainings = to_scores(found.scores), to_trainings(found.trainings)
    return check_scores(scores, "scores"), check_trainings(trainings, "trainings")


# The record


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_record_is_a_whole_row_of_both_tables(form: str, carry_out: Perform) -> None:
    training = tiny.training(form)
    found = tables(training, carry_out(training))
    absent = [{column for column in table if table[column].isna()[0]} for table in found]
    assert absent == [
        {"example_var", "examples", "task_examples", "point", "reason", "stopped"},
        {
            *("start", "energy_joules", "start_bytes", "taken_from"),
            *("references", "masked_accuracy", "runs_on_gpu"),
        },
    ]


def test_record_says_what_was_told_and_what_was_found(
    carry_out: Perform, encoded: dict[str, Path]
) -> None:
    training = tiny.training("choice", layers=1)
    files = carry_out(training)
    record = tiny.read_record(files)
    assert (record["training"], record["start"], record["seed"]) == (training.id, None, 5)
    told = {"layers": 1, **vars(training.settings), "train_examples": None}
    assert record["hyperparameters"] == told
    part = (record["task"], record["form"], record["metric"])
    assert part == ("tiny-choice", "choice", "accuracy")
    assert (record["status"], record["reason"]) == ("ok", None)
    assert (record["threads"], record["precision"], record["device"][:3]) == (1, "fp32", "cpu")
    assert (record["code_digest"], record["model_revision"]) == ("c0de", "tiny-1")
    assert record["data_revision"] == "tiny 1.0"
    assert (record["train_examples"], record["validation_examples"]) == (24, 16)
    assert (record["steps"], record["schema_version"]) == (6, 2)
    assert record["score"] == record["metrics"]["accuracy"]
    assert record["versions"]["torch"] == torch.__version__
    assert record["best_step"] in {p["step"] for p in record["curve"] if p["score"] is not None}
    assert record["total_seconds"] > record["train_seconds"] > 0
    assert record["peak_memory_bytes"] > 100 * 2**20  # torch alone
    tokens = sum(read_encoded(encoded["choice"] / "train.arrow")["tokens"].to_pylist())
    assert record["tokens"] == 2 * tokens


def test_a_record_holds_no_name_of_a_study(carry_out: Perform) -> None:
    text = carry_out(tiny.training("single")).record.read_text()
    assert not {"arm", "role", "restart", "study"} & json.loads(text).keys()
    assert "single target" not in text  # what people call the training of `tiny.job`


@pytest.mark.parametrize("form", tiny.FORMS)
def test_score_is_that_of_the_predictions_beside_the_record(form: str, carry_out: Perform) -> None:
    files = carry_out(tiny.training(form))
    rows = tiny.read_predictions(files)
    assert [row["id"] for row in rows] == [f"row-{i}" for i in range(24, 40)]
    metric = metric_of(tiny.METRICS[form])
    found = metric([row["prediction"] for row in rows], [row["gold"] for row in rows])
    assert tiny.read_record(files)["metrics"] == pytest.approx(found)


def test_gold_in_the_predictions_is_that_of_the_task(carry_out: Perform) -> None:
    rows = tiny.read_predictions(carry_out(tiny.training("span")))
    assert [row["gold"] for row in rows] == [row["answers"] for row in tiny.rows("span", 40)[24:]]


def test_capped_examples_are_the_same_for_every_seed(carry_out: Perform) -> None:
    capped = tiny.training("single", examples=10, settings=tiny.settings(validation_examples=5))
    files = [carry_out(replace(capped, seed=seed)) for seed in (1, 2)]
    record = tiny.read_record(files[0])
    assert (record["train_examples"], record["validation_examples"]) == (10, 5)
    assert record["hyperparameters"]["train_examples"] == 10
    ids = [[row["id"] for row in tiny.read_predictions(of)] for of in files]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 5


@pytest.mark.parametrize("form", ["answer-option", "candidate"])
def test_capped_examples_are_whole_questions(form: str, encoded: dict[str, Path]) -> None:
    case = Case(form, tiny.settings(validation_examples=9), examples=10)
    data = case.data(encoded[form])
    for kept in (data.train, data.validation):
        questions = kept["question"].to_pylist()
        assert len(questions) == 8
        assert all(questions.count(question) == 4 for question in questions)


@pytest.mark.parametrize(
    ("keep_start", "left"),
    [
        (False, {"record.json", "predictions.parquet"}),
        (True, {"record.json", "predictions.parquet", "start"}),
    ],
)
def test_nothing_else_is_left(keep_start: bool, left: set[str], carry_out: Perform) -> None:
    files = carry_out(tiny.training("single"), keep_start=keep_start)
    assert {path.name for path in files.folder.iterdir()} == left


def test_what_is_said_begins_with_what_people_call_the_training(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    files = tiny.files(model, encoded["pair"], tmp_path)
    said: list[str] = []
    perform(Job(tiny.training("pair"), files, "c0de", "stilts target: a > b"), 1, said.append)
    assert all(line.startswith("stilts target: a > b: step ") for line in said)
    assert ": step 6 of 6, loss " in said[-1]
    assert ", matthews " in said[-1]


# The same bytes


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_training_repeated_gives_the_same_bytes_and_another_seed_gives_others(
    form: str, carry_out: Perform
) -> None:
    training = tiny.training(form, settings=tiny.settings(epochs=3))
    first, second, other = (carry_out(replace(training, seed=seed)) for seed in (5, 5, 6))
    assert first.predictions.read_bytes() == second.predictions.read_bytes()
    records = [tiny.read_record(of) for of in (first, second, other)]
    timeless = [{k: v for k, v in r.items() if k not in COSTS} for r in records]
    assert timeless[0] == timeless[1]
    assert records[0]["curve"] != records[2]["curve"]


def test_a_start_repeated_has_the_same_bytes(carry_out: Perform) -> None:
    # What starts from it goes by them.
    starts = [carry_out(tiny.training("single"), keep_start=True).own_start for _ in range(2)]
    first, second = (
        {path.name: path.read_bytes() for path in start.iterdir()} for start in starts if start
    )
    assert first == second
    assert first.keys() == {"encoder.safetensors", "heads.safetensors", "manifest.json"}


def test_another_seed_gives_other_predictions(carry_out: Perform) -> None:
    training = tiny.training("span", settings=tiny.settings(epochs=1, learning_rate=1e-4))
    found = [tiny.read_predictions(carry_out(replace(training, seed=seed))) for seed in (5, 6)]
    assert found[0] != found[1]


def test_to_keep_its_start_changes_no_result_of_a_training(carry_out: Perform) -> None:
    files = [carry_out(tiny.training("pair"), keep_start=keep) for keep in (False, True)]
    assert files[0].predictions.read_bytes() == files[1].predictions.read_bytes()
    curves = [tiny.read_record(of)["curve"] for of in files]
    assert curves[0] == curves[1]


def test_another_process_gives_the_same_bytes_as_this_one(
    carry_out: Perform, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    training = tiny.training("tagging")
    here = carry_out(training)
    there = tiny.files(model, encoded["tagging"], tmp_path / "there")
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    job = tiny.job(training, there)
    subprocess.run([sys.executable, *command(job)], check=True, env=environment)
    assert here.predictions.read_bytes() == there.predictions.read_bytes()
    assert tiny.read_record(here)["curve"] == tiny.read_record(there)["curve"]


def command(job: Job) -> list[str]:
    """Return the command that a job would run, from the script on."""
    return [str(TRAIN), *tiny.arguments(job), "--threads", "1"]


# Settings that a sweep chose


def test_chosen_settings_are_trained_with_and_recorded_under_the_id_of_the_plan(
    carry_out: Perform,
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choice = Choice(("1" * 16, "2" * 16), ("learning_rate",), "{}")
    planned = tiny.training("single", choice=choice)
    chosen = tmp_path / "chosen.json"
    chosen.write_text('{"point": 2, "settings": {"learning_rate": 0.001}}')
    files = tiny.files(model, encoded["single"], tmp_path / planned.id)
    line = [*command(tiny.job(planned, files)), "--chosen", str(chosen)]
    monkeypatch.setattr(sys, "argv", line)
    runpy.run_path(str(TRAIN), run_name="__main__")
    record = tiny.read_record(files)
    assert record["training"] == planned.id
    assert record["hyperparameters"]["learning_rate"] == 0.001
    alone = carry_out(tiny.training("single", settings=tiny.settings(learning_rate=0.001)))
    assert record["curve"] == tiny.read_record(alone)["curve"]
    assert record["curve"] != tiny.read_record(carry_out(tiny.training("single")))["curve"]


# What starts from another training


def source(carry_out: Perform, **changes: Any) -> tuple[str, Path]:
    """Carry out a training whose start is kept; return its id and the start."""
    training = tiny.training("single", seed=9, **changes)
    start = carry_out(training, keep_start=True).own_start
    assert start is not None
    return training.id, start


def test_a_training_starts_from_the_encoder_of_another(
    carry_out: Perform, model: Path, encoded: dict[str, Path]
) -> None:
    id, start = source(carry_out)
    manifest = read_manifest(start)
    assert (manifest["status"], manifest["model"]) == ("ok", "tiny")
    assert [*read_heads(start)] == manifest["tasks"] == ["tiny-single"]

    started = tiny.read_record(carry_out(tiny.training("pair", start=id), start=start))
    baseline = tiny.read_record(carry_out(tiny.training("pair")))
    assert started["start"] == id
    assert started["curve"] != baseline["curve"]
    assert started["weights_sha256"] != baseline["weights_sha256"]
    built, _ = Case("pair").built(model, encoded["pair"], start)
    for name, weight in read_encoder(start).items():
        assert torch.equal(built.encoder.state_dict()[name], weight)


def test_encoder_that_is_left_differs_from_the_pretrained_one(
    carry_out: Perform, model: Path
) -> None:
    _, start = source(carry_out)
    pretrained = load_encoder(model, None, None).state_dict()
    left = read_encoder(start)
    assert list(left) == sorted(pretrained)
    assert not torch.equal(
        left["encoder.layer.1.output.dense.weight"],
        pretrained["encoder.layer.1.output.dense.weight"],
    )


def test_the_head_depends_on_the_seed_and_not_on_the_source(
    carry_out: Perform, model: Path, encoded: dict[str, Path]
) -> None:
    _, start = source(carry_out)

    def head(seed: int, start: Path | None = None) -> torch.Tensor:
        built: Any = Case("pair", seed=seed).built(model, encoded["pair"], start)[0]
        weight: torch.Tensor = built.head.linear.weight
        return weight

    assert torch.equal(head(1), head(1, start))
    assert not torch.equal(head(1), head(2))


# Divergence and lost sources


def test_a_diverged_training_leaves_a_whole_record_without_numbers_it_does_not_have(
    carry_out: Perform,
) -> None:
    training = diverging()
    files = carry_out(training, keep_start=True)
    record = tiny.read_record(files)
    assert (record["status"], record["reason"]) == (
        "diverged",
        "the loss or its gradient was not finite",
    )
    absent = ("score", "best_step", "constant")
    assert {name: record[name] for name in absent} == dict.fromkeys(absent)
    assert record["metrics"] == {}
    assert record["majority_score"] > 0
    assert tables(training, files)[1]["tokens"][0] > 0
    assert tiny.read_predictions(files) == []
    assert files.own_start is not None
    assert read_status(files.own_start) == "diverged"
    assert read_encoder(files.own_start) == {}
    assert read_heads(files.own_start) == {"tiny-single": {}}


def test_a_poisoned_encoder_diverges_at_the_first_step(
    carry_out: Perform, model: Path, tmp_path: Path
) -> None:
    poisoned = tmp_path / "poisoned"
    shutil.copytree(model, poisoned)
    weights = load_file(poisoned / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"][0] = float("nan")
    save_file(weights, poisoned / "model.safetensors", metadata={"format": "pt"})
    for form in tiny.FORMS:
        record = tiny.read_record(carry_out(tiny.training(form), model=poisoned))
        assert (record["status"], record["curve"]) == ("diverged", [])


def test_a_source_that_diverged_passes_its_status_on_stage_by_stage(carry_out: Perform) -> None:
    start, before = carry_out(diverging(), keep_start=True).own_start, diverging()
    for form, told in (("pair", "tiny-single"), ("choice", "tiny-pair"), ("span", "tiny-choice")):
        training = tiny.training(form, start=before.id)
        files = carry_out(training, start=start, keep_start=True)
        record = tiny.read_record(files)
        assert (record["status"], record["reason"]) == ("diverged", f"source {told}: diverged")
        assert (record["training"], record["start"]) == (training.id, before.id)
        assert tiny.read_predictions(files) == []
        start, before = files.own_start, training


def test_a_training_without_a_source_s_weights_is_a_whole_row_of_both_tables(
    carry_out: Perform,
) -> None:
    start = carry_out(diverging(), keep_start=True).own_start
    training = tiny.training("pair")
    scores, trainings = tables(training, carry_out(training, start=start))
    assert scores["reason"].tolist() == ["source tiny-single: diverged"]
    assert trainings["steps"].isna().tolist() == [True]


def test_a_broken_source_encoder_is_bad_input_and_leaves_no_record(
    carry_out: Perform, tmp_path: Path
) -> None:
    id, start = source(carry_out)
    (start / "encoder.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(InputError, match=r"start/encoder\.safetensors: broken or changed"):
        carry_out(tiny.training("pair", start=id), start=start, folder=tmp_path / "next")
    assert not (tmp_path / "next").exists()


def test_a_full_disk_is_bad_input_and_leaves_no_record(
    carry_out: Perform, small_disk: Path
) -> None:
    with pytest.raises(InputError, match=r"[Nn]o space left"):
        carry_out(tiny.training("single"), folder=small_disk / "full", keep_start=True)
    assert list(small_disk.rglob("*.json")) == []
    assert list(small_disk.rglob(".*")) == []


# Bad input


def test_bf16_learns_as_well(carry_out: Perform) -> None:
    training = tiny.training("single", precision="bf16", settings=tiny.settings(epochs=20))
    record = tiny.read_record(carry_out(training))
    assert (record["precision"], record["score"]) == ("bf16", 1)


@pytest.mark.parametrize(
    ("asked", "slow", "computed"),
    [("auto", False, "bf16"), ("auto", True, "fp32"), ("bf16", True, "bf16")],
)
def test_auto_is_not_bf16_where_that_is_slower(
    asked: Any, slow: bool, computed: str, carry_out: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlude.training.platform._cpu_has_bf16", lambda: True)
    monkeypatch.setattr("interlude.jobs.perform.bf16_is_slow", lambda: slow)
    record = tiny.read_record(carry_out(tiny.training("single", precision=asked)))
    assert record["precision"] == computed


def test_a_task_of_which_truncation_leaves_no_example_is_refused(
    carry_out: Perform, model: Path, tmp_path: Path
) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("span", 3))
    data = tiny.write_task(tmp_path / "data", "span", parts)
    encode_task(data, tmp_path / "encoded", "span", model, 8)
    message = r"task tiny-span: no training example keeps its answer with max_length 8"
    training = tiny.training("span", settings=tiny.settings(max_length=8))
    with pytest.raises(InputError, match=message):
        carry_out(training, encoded=tmp_path / "encoded")


def test_words_without_a_token_are_no_divergence(
    carry_out: Perform, model: Path, tmp_path: Path
) -> None:
    wordless = {"tokens": ["\u200b"], "tags": [0]}
    content = [row | (wordless if number < 4 else {}) for number, row in enumerate(ROWS)]
    data = tiny.write_task(tmp_path / "data", "tagging", {"train": content, "validation": content})
    encode_task(data, tmp_path / "encoded", "tagging", model, 32)
    training = tiny.training("tagging", settings=tiny.settings(batch_size=4))
    record = tiny.read_record(carry_out(training, encoded=tmp_path / "encoded"))
    assert (record["status"], record["train_examples"]) == ("ok", len(ROWS) - 4)
    assert record["validation_examples"] == len(ROWS)


def test_what_was_truncated_is_in_the_log_the_record_and_the_tables(
    model: Path, tmp_path: Path
) -> None:
    rows = tiny.rows("single", 12)
    rows[0] |= {"text": ""}
    data = tiny.write_task(tmp_path / "data", "single", {"train": rows, "validation": rows[1:]})
    encode_task(data, tmp_path / "encoded", "single", model, 6)
    training = tiny.training("single", settings=tiny.settings(max_length=6))
    wanted = read_manifest(tmp_path / "encoded")["truncation"]
    assert wanted["train"] == {"examples": 12, "truncated": 8, "empty": 1}
    for name in ("trained", "taken"):
        told: list[str] = []
        shared = tmp_path / "shared"
        folder = tmp_path / name / training.id
        files = tiny.files(model, tmp_path / "encoded", folder, shared=shared)
        perform(tiny.job(training, files), 1, told.append)
        assert told[0] == (
            "single target: none > tiny-single, restart 1: max_length 6: train: 66.7 % of examples "
            "truncated, 8.33 % of examples with a text without a token; validation: 72.7 % of "
            "examples truncated"
        )
        assert tiny.read_record(files)["truncation"] == wanted
    assert "copied from" in told[1]
    scores, _ = tables(training, files)
    assert json.loads(scores["truncation"][0]) == wanted


def test_labels_in_the_data_that_do_not_fit_the_metric_are_refused(
    carry_out: Perform, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiny.LABELS, "single", ["bad", "fair", "good"])
    parts = dict.fromkeys(("train", "validation"), tiny.rows("single", 3))
    data = tiny.write_task(tmp_path / "data", "single", parts)
    encode_task(data, tmp_path / "encoded", "single", model, 8)
    message = r"task tiny-single: key labels: found 3 \(bad, fair, good\). Allowed: two, with the m"
    training = tiny.training("single")
    of_two = replace(training, parts=(replace(training.part, metric="accuracy_f1"),))
    with pytest.raises(InputError, match=message):
        carry_out(of_two, encoded=tmp_path / "encoded")


def test_bad_input_ends_the_script_with_status_2_and_one_line(
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = tiny.files(model, encoded["single"], tmp_path / "trained")
    monkeypatch.setattr(sys, "argv", command(tiny.job(tiny.training("single", layers=7), files)))
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(TRAIN), run_name="__main__")
    assert capsys.readouterr().err.splitlines() == [
        f"error: config: key encoder.layers: found 7. Allowed: at most 2, the layers of {model}."
    ]
    assert not files.folder.exists()


# Fingerprint


def test_fingerprint_depends_on_hashes_and_their_order() -> None:
    a, b = "0" * 64, "1" * 64
    assert fingerprint([a, b]) == fingerprint([a, b])
    assert len({fingerprint(of) for of in ([a, b], [b, a], [a], [a, b, a])}) == 4
    assert len(fingerprint([a])) == 16


def test_curve_of_a_record_is_json_of_numbers(carry_out: Perform) -> None:
    curve = tiny.read_record(carry_out(tiny.training("single")))["curve"]
    assert json.loads(json.dumps(curve)) == curve
    assert {*chain.from_iterable(curve)} == {"step", "loss", "score"}
    assert np.isfinite([point["loss"] for point in curve]).all()
