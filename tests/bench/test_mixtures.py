"""The benchmark of mixtures trains the same work by each contestant, on the tiny model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny

from bench.contestant import MIXED
from bench.material import MIXED_BATCHES, Material, job_on, training_data_of
from bench.meter import Meter
from bench.mixed_trainers import SideBySide, numbers_of_steps
from bench.passes import each_alone, joined, race_passes, steps_of, together
from bench.report import over_tasks, table
from interlude.jobs.arguments import Job
from interlude.plan.trainings import Part
from interlude.training.build import build_model
from interlude.training.platform import Platform

CPU = Platform(torch.device("cpu"), bf16=False)
STEPS = 6  # 24 examples of each task, 8 in a batch


@pytest.fixture
def job(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Job:
    """A mixture of two tasks of different form."""
    materials = [
        Material(Part(f"tiny-{form}", form, "accuracy", "declared"), model, encoded[form])
        for form in ("single", "pair")
    ]
    settings = tiny.settings(epochs=1, dropout=0.0)
    return job_on(materials, MIXED_BATCHES, settings, 5, "cpu", "fp32", tmp_path / "interlude")


@pytest.mark.filterwarnings("ignore")  # Trainer's own
def test_contestants_train_the_same_mixture(job: Job) -> None:
    measures: dict[str, Any] = {}
    for name, contestant in MIXED.items():
        with Meter(warm_up=1, steps=STEPS) as meter:
            contestant(job, 1, meter)
        measures[name] = meter.measures()
        assert len(meter.losses) == STEPS
    tokens = sum(sum(part.train["tokens"].to_pylist()) for part in training_data_of(job).parts)
    for found in measures.values():
        assert (found["steps"], found["tokens_of_all_steps"]) == (STEPS, tokens)
        assert found["measured_steps"] == STEPS - 1
    assert measures["interlude"]["tokens"] == measures["tuned"]["tokens"]  # the same batches
    assert measures["interlude"]["padding_share"] == measures["tuned"]["padding_share"]
    assert measures["example"]["padding_share"] > measures["tuned"]["padding_share"]


def test_the_tuned_trainer_is_given_each_example_once_in_batches_of_the_size(job: Job) -> None:
    steps = numbers_of_steps(job, training_data_of(job))
    assert [sorted(chain(*of_task)) for of_task in steps] == [list(range(24))] * 2
    assert {len(a) + len(b) for a, b in zip(*steps, strict=True)} == {8}


def test_a_task_without_examples_in_a_step_is_left_out_of_it() -> None:
    loaders: Any = [["a", None], ["b", "c"]]
    found: list[Any] = list(SideBySide(loaders))
    assert found == [{0: "a", 1: "b"}, {1: "c"}]


def test_one_pass_for_all_tasks_gives_the_losses_and_gradients_of_one_for_each(job: Job) -> None:
    data, settings = training_data_of(job), job.training.settings
    model = build_model(job.files.model, None, data, settings, seed=5).train()
    found = []
    for passed in (each_alone, together):
        model.zero_grad()
        losses = [passed(model, step, CPU) for step in steps_of(job, data)]
        found.append((losses, [weight.grad.clone() for weight in model.parameters()]))  # type: ignore[union-attr]
    assert len(found[0][0]) == STEPS
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-5)
    for alone, joint in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(alone, joint, atol=1e-5, rtol=1e-4)


def test_joined_inputs_are_padded_where_their_mask_is_0() -> None:
    ids = torch.tensor([[5, 6]]), torch.tensor([[7, 8, 9], [4, 3, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    found = joined([{"input_ids": ids[0]}, {"input_ids": ids[1], "attention_mask": mask}])
    assert found["input_ids"].tolist() == [[5, 6, 0], [7, 8, 9], [4, 3, 0]]
    assert found["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 0]]


def test_passes_are_measured_on_the_same_tokens(job: Job) -> None:
    each, all_tasks = race_passes(job, warm_up=1)
    assert each["tokens"] == all_tasks["tokens"] > 0
    assert each["padding_share"] < all_tasks["padding_share"]
    assert min(each["seconds"], all_tasks["seconds"]) > 0


def rows() -> Iterator[dict[str, Any]]:
    told = {"task": "a+b", "batch": 16, "precision": "fp32", "repetition": 1}
    told |= {"tokens": 500, "cpu_seconds": 5.0, "padding_share": 0.1}
    for entrant, speed, tokens in (
        ("interlude", 90.0, 1000),
        ("example", 10.0, 1000),
        ("tuned", 60.0, 1000),
        ("alone: a", 120.0, 250),
        ("alone: b", 80.0, 750),
    ):
        yield told | {
            "entrant": entrant,
            "tokens_per_second": speed,
            "tokens_of_all_steps": tokens,
        }


def test_a_mixture_is_held_against_its_tasks_by_their_tokens() -> None:
    assert over_tasks(list(rows())) == [pytest.approx(90 / (0.25 * 120 + 0.75 * 80))]


def test_the_table_has_the_goals_of_mixtures() -> None:
    page = table({"mixtures": {"machine": {}, "options": {}, "rows": list(rows())}})
    assert "| mixtures: times the example's tokens/s | at least 5 | 9 | 1.80 |" in page
    assert "| mixtures: times the tuned Trainer's tokens/s | at least 1.3 | 1.5 | 1.15 |" in page
    assert "| a+b, 16, alone: a, fp32 | 120 | 100 | 10 |" in page
