"""A run from start to record: what it writes, twice the same, and what a lost source does to it."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from interlude.analysis.runs import DTYPES, check, to_table
from interlude.plan.runspec import RunSpec
from safetensors.torch import load_file, save_file

from interlude.encode.encoding import encode_task
from interlude.encode.read import read_encoded
from interlude.errors import InputError
from interlude.files import read_manifest
from interlude.jobs.arguments import RunFiles
from interlude.jobs.perform import (
    build_model,
    choose_platform,
    is_constant,
    load_data,
    perform,
    reference_scores,
)
from interlude.jobs.record import fingerprint
from interlude.metrics import metric_of
from interlude.training.encoder import load_encoder
from interlude.training.start import read_encoder, read_heads, read_status

REPOSITORY = Path(__file__).parents[3]
TRAIN = REPOSITORY / "workflow/scripts/train.py"

Row = dict[str, Any]
Perform = Callable[..., RunFiles]


@pytest.fixture
def carry_out(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Perform:
    """A function: carry out a run in a new folder and return its files."""

    def of(spec: RunSpec, **places: Any) -> RunFiles:
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        places = {"encoded": encoded[spec.form], "model": model, "folder": folder, **places}
        files = tiny.files(**places)
        perform(spec, files, code="c0de", threads=1, say=lambda _: None)
        return files

    return of


def intermediate(form: str = "single", **changes: Any) -> RunSpec:
    return tiny.spec(form, kind="intermediate", seed=9, **changes)


def diverging(form: str = "single", **changes: Any) -> RunSpec:
    return tiny.spec(form, settings=tiny.settings(learning_rate=1e30), **changes)


# The record


@pytest.mark.parametrize("form", tiny.FORMS)
def test_record_is_a_valid_row_of_the_run_table(form: str, carry_out: Perform) -> None:
    record = tiny.read_record(carry_out(tiny.spec(form)))
    table = check(to_table([record]), where="record")
    absent = {column for column in DTYPES if table[column].isna()[0]}
    assert absent == {"reason", "source_seed", "energy_joules", "taken_from"}


def test_record_says_what_the_run_was_told_and_what_it_found(
    carry_out: Perform, encoded: dict[str, Path]
) -> None:
    spec = tiny.spec("choice", layers=1)
    files = carry_out(spec)
    record = tiny.read_record(files)
    told = {name: getattr(spec, name) for name in ("study", "kind", "source", "task", "restart")}
    assert {name: record[name] for name in told} == told
    assert record["hyperparameters"] == {"layers": 1, **vars(spec.settings)}
    assert (record["seed"], record["source_seed"]) == (5, None)
    assert (record["status"], record["reason"]) == ("ok", None)
    assert (record["threads"], record["precision"], record["device"][:3]) == (1, "fp32", "cpu")
    assert (record["code_digest"], record["model_revision"]) == ("c0de", "tiny-1")
    assert record["data_revision"] == "tiny 1.0"
    assert (record["train_examples"], record["validation_examples"]) == (24, 16)
    assert (record["steps"], record["schema_version"]) == (6, 1)
    assert record["score"] == record["metrics"]["accuracy"]
    assert record["versions"]["torch"] == torch.__version__
    assert record["best_step"] in {p["step"] for p in record["curve"] if p["score"] is not None}
    assert record["total_seconds"] > record["train_seconds"] > 0
    tokens = sum(read_encoded(encoded["choice"] / "train.arrow")["tokens"].to_pylist())
    assert record["tokens"] == 2 * tokens


@pytest.mark.parametrize("form", tiny.FORMS)
def test_score_is_that_of_the_predictions_beside_the_record(form: str, carry_out: Perform) -> None:
    files = carry_out(tiny.spec(form))
    rows = tiny.read_predictions(files)
    assert [row["id"] for row in rows] == [f"row-{i}" for i in range(24, 40)]
    metric = metric_of(tiny.METRICS[form])
    found = metric([row["prediction"] for row in rows], [row["gold"] for row in rows])
    assert tiny.read_record(files)["metrics"] == pytest.approx(found)


def test_gold_in_the_predictions_is_that_of_the_task(carry_out: Perform) -> None:
    rows = tiny.read_predictions(carry_out(tiny.spec("span")))
    assert [row["gold"] for row in rows] == [row["answers"] for row in tiny.rows("span", 40)[24:]]


def test_capped_examples_are_the_same_for_every_seed(carry_out: Perform) -> None:
    capped = tiny.settings(train_examples=10, validation_examples=5)
    files = [carry_out(tiny.spec("single", seed=seed, settings=capped)) for seed in (1, 2)]
    record = tiny.read_record(files[0])
    assert (record["train_examples"], record["validation_examples"]) == (10, 5)
    ids = [[row["id"] for row in tiny.read_predictions(of)] for of in files]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 5


@pytest.mark.parametrize("form", ["answer-option", "candidate"])
def test_capped_examples_are_whole_questions(
    form: str, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    capped = tiny.settings(train_examples=10, validation_examples=9)
    data = load_data(tiny.spec(form, settings=capped), tiny.files(model, encoded[form], tmp_path))
    for kept in (data.train, data.validation):
        questions = kept["question"].to_pylist()
        assert len(questions) == 8
        assert all(questions.count(question) == 4 for question in questions)


def test_nothing_but_record_and_predictions_is_left(carry_out: Perform) -> None:
    files = carry_out(tiny.spec("single"))
    assert {path.name for path in files.record.parent.iterdir()} == {"1.json", "1.parquet"}


# The same bytes


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_run_repeated_gives_the_same_bytes_and_another_seed_gives_others(
    form: str, carry_out: Perform
) -> None:
    spec = tiny.spec(form, settings=tiny.settings(epochs=3))
    first, second, other = (carry_out(replace(spec, seed=seed)) for seed in (5, 5, 6))
    assert first.predictions.read_bytes() == second.predictions.read_bytes()
    records = [tiny.read_record(of) for of in (first, second, other)]
    unstable = {"total_seconds", "train_seconds", "evaluation_seconds"}
    timeless = [{k: v for k, v in r.items() if k not in unstable} for r in records]
    assert timeless[0] == timeless[1]
    assert records[0]["curve"] != records[2]["curve"]


def test_another_seed_gives_other_predictions(carry_out: Perform) -> None:
    spec = tiny.spec("span", settings=tiny.settings(epochs=1, learning_rate=1e-4))
    found = [tiny.read_predictions(carry_out(replace(spec, seed=seed))) for seed in (5, 6)]
    assert found[0] != found[1]


def test_another_process_gives_the_same_bytes_as_this_one(
    carry_out: Perform, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    spec = tiny.spec("tagging")
    here = carry_out(spec)
    there = tiny.files(model, encoded["tagging"], tmp_path / "there")
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command(spec, there)], check=True, env=environment)
    assert here.predictions.read_bytes() == there.predictions.read_bytes()
    assert tiny.read_record(here)["curve"] == tiny.read_record(there)["curve"]


def command(spec: RunSpec, files: RunFiles) -> list[str]:
    """Return the command that a job would run, from the script on."""
    return [str(TRAIN), *tiny.arguments(spec, files), "--threads", "1"]


# Intermediate runs and what starts from them


def test_a_run_starts_from_the_encoder_of_its_source(
    carry_out: Perform, tmp_path: Path, model: Path, encoded: dict[str, Path]
) -> None:
    encoder = tmp_path / "start"
    source = carry_out(intermediate(), encoder_out=encoder)
    assert tiny.read_record(source)["status"] == "ok"
    manifest = read_manifest(encoder)
    assert (manifest["status"], manifest["model"]) == ("ok", "tiny")
    assert [*read_heads(encoder)] == manifest["tasks"] == ["tiny-single"]

    spec = tiny.spec("pair", source="tiny-single", source_seed=9)
    started = carry_out(spec, encoder_in=encoder)
    baseline = carry_out(tiny.spec("pair"))
    assert tiny.read_record(started)["curve"] != tiny.read_record(baseline)["curve"]
    files = tiny.files(model, encoded["pair"], tmp_path, encoder_in=encoder)
    built: Any = build_model(spec, files, load_data(spec, files)).eval()
    for name, weight in read_encoder(encoder).items():
        assert torch.equal(built.encoder.state_dict()[name], weight)


def test_encoder_that_is_left_differs_from_the_pretrained_one(
    carry_out: Perform, tmp_path: Path, model: Path
) -> None:
    encoder = tmp_path / "start"
    carry_out(intermediate(), encoder_out=encoder)
    pretrained = load_encoder(model, None, None).state_dict()
    left = read_encoder(encoder)
    assert list(left) == sorted(pretrained)
    assert not torch.equal(
        left["encoder.layer.1.output.dense.weight"],
        pretrained["encoder.layer.1.output.dense.weight"],
    )


def test_the_head_depends_on_the_seed_and_not_on_the_source(
    carry_out: Perform, tmp_path: Path, model: Path, encoded: dict[str, Path]
) -> None:
    encoder = tmp_path / "start"
    carry_out(intermediate(), encoder_out=encoder)

    def head(seed: int, **places: Path) -> torch.Tensor:
        spec = tiny.spec("pair", seed=seed)
        files = tiny.files(model, encoded["pair"], tmp_path, **places)
        built: Any = build_model(spec, files, load_data(spec, files))
        weight: torch.Tensor = built.head.linear.weight
        return weight

    assert torch.equal(head(1), head(1, encoder_in=encoder))
    assert not torch.equal(head(1), head(2))


# Divergence and lost sources


def test_a_diverged_run_leaves_a_whole_record_without_numbers_it_does_not_have(
    carry_out: Perform, tmp_path: Path
) -> None:
    encoder = tmp_path / "start"
    files = carry_out(diverging(kind="intermediate"), encoder_out=encoder)
    record = tiny.read_record(files)
    assert (record["status"], record["reason"]) == (
        "diverged",
        "the loss or its gradient was not finite",
    )
    absent = ("score", "best_step", "constant")
    assert {name: record[name] for name in absent} == dict.fromkeys(absent)
    assert record["metrics"] == {}
    assert record["majority_score"] > 0
    check(to_table([record]), where="record")
    assert tiny.read_predictions(files) == []
    assert read_status(encoder) == "diverged"
    assert read_encoder(encoder) == {}


def test_a_poisoned_encoder_diverges_at_the_first_step(
    carry_out: Perform, model: Path, tmp_path: Path
) -> None:
    poisoned = tmp_path / "poisoned"
    shutil.copytree(model, poisoned)
    weights = load_file(poisoned / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"][0] = float("nan")
    save_file(weights, poisoned / "model.safetensors", metadata={"format": "pt"})
    for form in tiny.FORMS:
        record = tiny.read_record(carry_out(tiny.spec(form), model=poisoned))
        assert (record["status"], record["curve"]) == ("diverged", [])


def test_a_source_that_diverged_passes_its_status_on(carry_out: Perform, tmp_path: Path) -> None:
    encoder = tmp_path / "start"
    carry_out(diverging(kind="intermediate"), encoder_out=encoder)
    spec = tiny.spec("pair", source="tiny-single", source_seed=5)
    started = carry_out(spec, encoder_in=encoder)
    record = tiny.read_record(started)
    assert (record["status"], record["reason"]) == ("diverged", "source tiny-single: diverged")
    assert (record["source"], record["source_seed"], record["seed"]) == ("tiny-single", 5, 5)
    assert tiny.read_predictions(started) == []
    check(to_table([record]), where="record")


def test_a_broken_source_encoder_is_bad_input_and_leaves_no_record(
    carry_out: Perform, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    carry_out(intermediate(), encoder_out=broken, folder=tmp_path / "source")
    (broken / "encoder.safetensors").write_bytes(b"\x08\x00")
    with pytest.raises(InputError, match=r"broken/encoder\.safetensors: broken or changed"):
        carry_out(
            tiny.spec("pair", source="tiny-single"), encoder_in=broken, folder=tmp_path / "run"
        )
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_bad_input_and_leaves_no_record(
    carry_out: Perform, small_disk: Path
) -> None:
    with pytest.raises(InputError, match=r"[Nn]o space left"):
        carry_out(intermediate(), folder=small_disk, encoder_out=small_disk / "start")
    assert list(small_disk.glob("*.json")) == []
    assert list(small_disk.glob(".*")) == []


# Majority, chance and constant predictions


SETS_OF_LABELS = [list(some) for size in range(4) for some in combinations(range(3), size)]
SAME_FOR_ALL: dict[str, Sequence[Any]] = {
    "choice": range(4),
    "spans": SETS_OF_LABELS,
    "regression": (0.0, 2.5),
    "candidate": (0.0, 0.7),
}


def predictors(form: str, rows: list[Row]) -> list[list[Any]]:
    """Return the predictions of every predictor that looks at no input."""
    if form == "tagging":
        return [[[tag] * len(row["tags"]) for row in rows] for tag in tiny.LABELS[form]]
    if form == "span":
        words = [row["passage"].split() for row in rows]
        whole = [row["passage"] for row in rows]
        return [whole, [word[0] for word in words], [word[-1] for word in words]]
    return [[value] * len(rows) for value in SAME_FOR_ALL.get(form, (0, 1))]


def gold_of(form: str, rows: list[Row]) -> list[Any]:
    if form == "span":
        return [row["answers"] for row in rows]
    if form == "tagging":
        return [[tiny.LABELS[form][tag] for tag in row["tags"]] for row in rows]
    if form in ("spans", "regression"):
        return [row["labels" if form == "spans" else "value"] for row in rows]
    if form in ("answer-option", "candidate"):
        return [{"question": row["question_id"], **row} for row in rows]
    return [row["label"] for row in rows]


@pytest.mark.parametrize("form", tiny.FORMS)
def test_majority_score_is_the_best_of_all_constant_predictors(
    form: str, carry_out: Perform
) -> None:
    rows = tiny.rows(form, 40)[24:]
    metric = metric_of(tiny.METRICS[form])
    wanted = [next(iter(metric(p, gold_of(form, rows)).values())) for p in predictors(form, rows)]
    assert tiny.read_record(carry_out(tiny.spec(form)))["majority_score"] == max(wanted)


def test_majority_score_of_accuracy_is_the_share_of_the_most_frequent_label(
    carry_out: Perform,
) -> None:
    labels = [row["label"] for row in tiny.rows("single", 40)[24:]]
    share = max(labels.count(0), labels.count(1)) / len(labels)
    assert tiny.read_record(carry_out(tiny.spec("single")))["majority_score"] == share


def test_chance_score_is_near_the_mean_of_one_over_the_number_of_choices(
    model: Path, tmp_path: Path
) -> None:
    rows = tiny.rows("choice", 400)
    parts = dict.fromkeys(("train", "validation"), rows)
    data = tiny.write_task(tmp_path / "data", "choice", parts)
    encode_task(data, tmp_path, "choice", model, 32)
    loaded = load_data(tiny.spec("choice"), tiny.files(model, tmp_path, tmp_path))
    _, chance = reference_scores(loaded)
    wanted = fmean(1 / len(row["choices"]) for row in rows)
    assert chance == pytest.approx(wanted, abs=0.02)
    assert reference_scores(loaded)[1] == chance


def test_chance_score_of_tags_and_labels(carry_out: Perform) -> None:
    chances = {
        form: tiny.read_record(carry_out(tiny.spec(form)))["chance_score"] for form in tiny.FORMS
    }
    assert chances["single"] == pytest.approx(0.5, abs=0.1)
    assert chances["pair"] == pytest.approx(0, abs=0.2)  # Matthews
    assert 0 < chances["tagging"] < 0.4
    assert 0 < chances["span"] < 0.4


@pytest.mark.parametrize("form", tiny.FORMS)
def test_predictions_that_look_at_no_input_are_recorded_as_constant(
    form: str, carry_out: Perform, model: Path, tmp_path: Path
) -> None:
    # All tokens look the same to an encoder whose last layer norm is switched off.
    blind = tmp_path / "blind"
    shutil.copytree(model, blind)
    weights = load_file(blind / "model.safetensors")
    weights["encoder.layer.1.output.LayerNorm.weight"].zero_()
    save_file(weights, blind / "model.safetensors", metadata={"format": "pt"})
    frozen = tiny.settings(learning_rate=1e-30, epochs=1)
    seen = tiny.read_record(carry_out(tiny.spec(form, settings=tiny.settings(epochs=20))))
    unseen = tiny.read_record(carry_out(tiny.spec(form, settings=frozen), model=blind))
    assert (seen["constant"], unseen["constant"]) == (False, True)


def test_numbers_are_constant_when_only_rounding_tells_them_apart(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    data = load_data(tiny.spec("candidate"), tiny.files(model, encoded["candidate"], tmp_path))
    same, different = [-2.7] * 16, [-2.7] * 15 + [-2.69]
    rounded = [-2.7 + 1e-7 * i for i in range(16)]
    assert [is_constant(data, p) for p in (same, rounded, different)] == [True, True, False]


# Bad input


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    message = r"config: key compute\.device: found 'cuda', but torch sees no GPU"
    with pytest.raises(InputError, match=message):
        choose_platform("cuda", "auto")


def test_precision_is_the_asked_one() -> None:
    assert choose_platform("cpu", "bf16").bf16
    assert not choose_platform("cpu", "fp32").bf16


def test_bf16_learns_as_well(carry_out: Perform) -> None:
    settings = tiny.settings(epochs=20)
    record = tiny.read_record(carry_out(tiny.spec("single", precision="bf16", settings=settings)))
    assert (record["precision"], record["score"]) == ("bf16", 1)


def test_a_task_of_which_truncation_leaves_no_example_is_refused(
    model: Path, tmp_path: Path
) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("span", 3))
    encode_task(tiny.write_task(tmp_path / "data", "span", parts), tmp_path, "span", model, 8)
    message = r"task tiny-span: no training example keeps its answer with max_length 8"
    spec = tiny.spec("span", settings=tiny.settings(max_length=8))
    with pytest.raises(InputError, match=message):
        load_data(spec, tiny.files(model, tmp_path, tmp_path))


def test_labels_in_the_data_that_do_not_fit_the_metric_are_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiny.LABELS, "single", ["bad", "fair", "good"])
    parts = dict.fromkeys(("train", "validation"), tiny.rows("single", 3))
    encode_task(tiny.write_task(tmp_path / "data", "single", parts), tmp_path, "single", model, 8)
    message = r"task tiny-single: key labels: found 3 \(bad, fair, good\). Allowed: two, with the m"
    with pytest.raises(InputError, match=message):
        load_data(tiny.spec("single", metric="accuracy_f1"), tiny.files(model, tmp_path, tmp_path))


def test_bad_input_ends_the_script_with_status_2_and_one_line(
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = tiny.files(model, encoded["single"], tmp_path / "run")
    monkeypatch.setattr(sys, "argv", command(tiny.spec("single", layers=7), files))
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(TRAIN), run_name="__main__")
    assert capsys.readouterr().err.splitlines() == [
        f"error: config: key encoder.layers: found 7. Allowed: at most 2, the layers of {model}."
    ]
    assert not files.record.parent.exists()


# Fingerprint


def test_fingerprint_depends_on_contents_and_order_and_not_on_names(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path, content in zip(paths, ("one", "two", "one"), strict=True):
        path.write_text(content)
    a, b, c = paths
    assert fingerprint(a, b) == fingerprint(c, b)
    assert len({fingerprint(*of) for of in ([a, b], [b, a], [a], [a, b, c])}) == 4
    assert len(fingerprint(a)) == 16


def test_curve_of_a_record_is_json_of_numbers(carry_out: Perform) -> None:
    curve = tiny.read_record(carry_out(tiny.spec("single")))["curve"]
    assert json.loads(json.dumps(curve)) == curve
    assert {*chain.from_iterable(curve)} == {"step", "loss", "score"}
    assert np.isfinite([point["loss"] for point in curve]).all()
