"""A training that is scored by a metric of evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import tiny
from helpers.own_metric import BALANCED, copies_aside, write_metric
from sklearn.metrics import balanced_accuracy_score

from interlude.data.fetch.metrics import prepare_metric
from interlude.errors import InputError
from interlude.jobs.arguments import JobFiles
from interlude.jobs.identity import outcome_identity
from interlude.jobs.perform import perform
from interlude.jobs.record import read_predictions
from interlude.plan.evaluated import Evaluated
from interlude.plan.trainings import Training
from interlude.training.platform import choose_platform


@pytest.fixture(autouse=True, scope="module")
def own_cache() -> Iterator[None]:
    with copies_aside():
        yield


@pytest.fixture
def files(model: Path, encoded: dict[str, Path], tmp_path: Path) -> JobFiles:
    """The files of a training on the tiny task of one label, scored by a metric of our own."""
    return prepared(model, encoded["single"], tmp_path)


def prepared(model: Path, encoded: Path, folder: Path, body: str = BALANCED) -> JobFiles:
    metric = Evaluated(folder=str(write_metric(folder / "mine", body)), score="balanced")
    prepare_metric(metric, Path("mine.yaml"), folder / "metric")
    return tiny.files(model, encoded, folder / "trained", metrics=(folder / "metric",))


def scored(score: str = "balanced") -> Training:
    training = tiny.training("single")
    evaluate = Evaluated(folder="mine", score=score).to_json()
    return replace(training, parts=(replace(training.part, metric="evaluate", evaluate=evaluate),))


def test_the_score_of_a_record_is_that_of_its_predictions(files: JobFiles) -> None:
    perform(tiny.job(scored(), files), 1, lambda _: None)
    record = tiny.read_record(files)
    found = read_predictions(files.predictions, "tiny-single")
    assert record["metric"] == "balanced (mine)"
    wanted = balanced_accuracy_score(found.gold, found.predictions)
    assert record["score"] == record["metrics"]["balanced"] == pytest.approx(wanted)
    assert record["majority_score"] == 0.5


def test_a_number_that_it_does_not_give_is_told_before_training(files: JobFiles) -> None:
    message = "^task tiny-single: key evaluate.score: found 'f1', .* Allowed: balanced, labels"
    with pytest.raises(InputError, match=message):
        perform(tiny.job(scored("f1"), files), 1, lambda _: None)
    assert not files.record.exists()


def test_a_metric_that_was_changed_by_hand_is_not_run(files: JobFiles) -> None:
    (files.metrics[0] / "mine.py").write_text("raise SystemExit")
    with pytest.raises(InputError, match=r"mine\.py: broken or changed"):
        perform(tiny.job(scored(), files), 1, lambda _: None)


def test_it_counts_by_its_content(
    model: Path, encoded: dict[str, Path], files: JobFiles, tmp_path: Path
) -> None:
    other = prepared(model, encoded["single"], tmp_path / "other", f"{BALANCED}# other\n")
    platform = choose_platform("cpu", "fp32")
    first, second = (outcome_identity(tiny.job(scored(), of), platform) for of in (files, other))
    assert first != second
