"""Numbers are trained on in a unit of their own, and told in the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case

from interlude.encode.encoding import encode_task
from interlude.forms import form_names, form_of
from interlude.forms.head import Form
from interlude.jobs.arguments import JobFiles
from interlude.jobs.perform import perform
from interlude.plan.trainings import Training
from interlude.training.carried_heads import carry_heads
from interlude.training.reference import is_constant
from interlude.training.start import read_heads, write_start
from interlude.training.state import PartResult

CASE = Case("regression", tiny.settings(evaluations=2), standardise=True)


def encoded_with(model: Path, folder: Path, values: list[float]) -> Path:
    """Encode the tiny regression with other values; a third of them is validated on."""
    rows = [
        {**row, "value": value}
        for row, value in zip(tiny.rows("regression", len(values)), values, strict=True)
    ]
    count = len(rows) // 3
    parts = {"train": rows[count:], "validation": rows[:count]}
    tiny.write_task(folder / "data", "regression", parts)
    encode_task(folder / "data", folder / "encoded", "regression", model, 32)
    return folder / "encoded"


VALUES = [1.25 * (i % 4) for i in range(36)]


def trained_on(encoded: Path, model: Path, case: Case = CASE) -> PartResult:
    result = case.trained(model, encoded)
    assert not result.diverged
    return result.part


def losses(trained: PartResult) -> list[Any]:
    return [point["loss"] for point in trained.curve]


def test_another_unit_and_zero_change_nothing_but_the_unit(model: Path, tmp_path: Path) -> None:
    first, second = (
        trained_on(encoded_with(model, tmp_path / str(unit), values), model)
        for unit, values in ((1, VALUES), (1000, [1000 * value - 4e6 for value in VALUES]))
    )
    wanted = 1000 * np.array(first.predictions) - 4e6
    np.testing.assert_allclose(second.predictions, wanted, atol=0.5)
    assert losses(second) == pytest.approx([1e6 * each for each in losses(first)], rel=1e-3)  # type: ignore[comparison-overlap]
    assert second.scores == pytest.approx(first.scores, abs=1e-3)


def test_the_scale_is_that_of_the_rows_trained_on(model: Path, tmp_path: Path) -> None:
    encoded = encoded_with(model, tmp_path, [float(np.float64(value) / 3) for value in VALUES])
    data = replace(CASE, examples=7).data(encoded)
    used = data.train["value"].to_numpy()
    assert (len(used), data.form.scale) != (24, None)
    assert data.form.scale is not None
    assert (data.form.scale.mean, data.form.scale.deviation) == (used.mean(), used.std(ddof=0))
    assert data.form.scale != CASE.data(encoded).form.scale


def test_told_losses_and_predictions_are_in_the_user_s_unit(model: Path, tmp_path: Path) -> None:
    values = [1000 + value for value in VALUES]
    case = replace(CASE, settings=tiny.settings(learning_rate=1e-12, epochs=1, evaluations=1))
    built, data = case.built(model, encoded_with(model, tmp_path, values))
    trained = trained_on(tmp_path / "encoded", model, case)
    spread = np.std(data.train["value"].to_numpy())
    distances = np.array(trained.predictions) - data.train["value"].to_numpy().mean()
    assert np.abs(distances).max() < 5 * spread  # it begins at the mean
    standard = losses(trained)[0] / spread**2
    assert 0.5 < standard < 5
    assert dict(built.head.named_buffers()).keys() == {"mean", "deviation"}


def test_without_it_numbers_are_trained_on_as_they_are(model: Path, tmp_path: Path) -> None:
    case = replace(CASE, standardise=False)
    built, data = case.built(model, encoded_with(model, tmp_path, VALUES))
    assert data.form.scale is None
    assert list(built.head.state_dict()) == ["linear.weight", "linear.bias"]


# Heads


def heads() -> tuple[Form, Any]:
    """Return a form with a scale, and a head of it."""
    form = form_of("regression")([])
    form.standardise(tiny_table([2.0, 4.0, 9.0]))
    torch.manual_seed(0)
    return form, form.head(8, 0.0)


def tiny_table(values: list[float]) -> Any:
    return pa.table({"value": values})


def test_loss_is_that_of_standardised_values() -> None:
    form, head = heads()
    hidden = torch.randn(3, 1, 8)
    outputs = head(hidden, form.targets([{"value": value} for value in (2.0, 4.0, 9.0)]))
    wanted = (np.array([2.0, 4.0, 9.0]) - 5) / np.sqrt(26 / 3)
    found = head.linear(hidden[:, 0])[:, 0].detach().double().numpy()
    assert outputs.loss.item() == pytest.approx(((found - wanted) ** 2).mean(), rel=1e-5)
    assert outputs.told.item() == pytest.approx(outputs.loss.item() * 26 / 3, rel=1e-6)
    np.testing.assert_allclose(form.decode(outputs.logits, []), found * np.sqrt(26 / 3) + 5)


@pytest.mark.parametrize("scaled", [True, False])
def test_a_head_keeps_its_scale_when_it_takes_the_weights_of_another(
    scaled: bool, tmp_path: Path
) -> None:
    own = form_of("regression")([])
    if scaled:
        own.standardise(tiny_table([100.0, 300.0]))
    _, carried = heads()
    head: Any = own.head(8, 0.0)
    write_start(tmp_path / "start", "ok", "tiny", {}, {"other": carried.state_dict()})
    assert carry_heads(tmp_path / "start", {"mine": head}) == {"mine": "other"}
    assert torch.equal(head.linear.weight, carried.linear.weight)
    assert [float(each) for each in head.buffers()] == ([200.0, 100.0] if scaled else [])


@pytest.mark.parametrize("form", [name for name in form_names() if name != "regression"])
def test_labels_have_no_scale(form: str) -> None:
    with pytest.raises(TypeError, match="labels"):
        form_of(form)(["a", "b"]).standardise(tiny_table([1.0]))


def test_values_that_are_all_the_same_are_learnt(model: Path, tmp_path: Path) -> None:
    trained = trained_on(encoded_with(model, tmp_path, [0.1] * 36), model)
    assert trained.predictions == pytest.approx([0.1] * 12, abs=2.0)


# What a user should know


def warnings(values: list[float]) -> list[str]:
    return form_of("regression")([]).warnings(tiny_table(values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([3.0] * 9, ["all 9 values to train on are 3: there is nothing to learn"]),
        (
            [1.0, 2.0, 3.0, 4.0, 5.0] * 4 + [999.0],
            [
                "1 of 21 values to train on lie far from the others, such as 999; "
                "half of all lie between 2 and 4"
            ],
        ),
        (
            [3.0] * 40 + [-9999.0],
            [
                "1 of 41 values to train on lie far from the others, such as -9999; "
                "half of all lie between 3 and 3"
            ],
        ),
        ([1.0, 2.0, 3.0, 4.0, 5.0] * 4, []),
        ([0.0] * 9 + [1.0], []),
    ],
)
def test_values_of_which_a_user_should_know(values: list[float], said: list[str]) -> None:
    assert warnings(values) == said


def test_predictions_far_from_zero_are_not_taken_for_constant(model: Path, tmp_path: Path) -> None:
    data = CASE.data(encoded_with(model, tmp_path, [1.6e9 + value for value in VALUES]))
    assert not is_constant(data, [1.6e9 + value for value in VALUES[:12]])
    assert is_constant(data, [1.6e9] * 12)


# As a job


def carried_out(
    training: Training, model: Path, encoded: Path, folder: Path
) -> tuple[JobFiles, list[str]]:
    files, said = tiny.files(model, encoded, folder, keep_start=True), list[str]()
    perform(tiny.job(training, files), 1, said.append)
    return files, said


def test_the_scale_is_stored_with_the_head_and_recorded(model: Path, tmp_path: Path) -> None:
    encoded = encoded_with(model, tmp_path, [*VALUES[:-1], 500.0])
    plain = tiny.training("regression")
    training = replace(plain, parts=(replace(plain.part, standardise=True),))
    files, said = carried_out(training, model, encoded, tmp_path / "one")
    values = np.array([*VALUES[12:-1], 500.0])
    record = tiny.read_record(files)
    assert record["scale"] == {"mean": values.mean(), "deviation": values.std()}
    assert record["hyperparameters"]["standardise"] is True
    assert files.own_start is not None
    head = read_heads(files.own_start)["tiny-regression"]
    assert head["mean"].dtype == torch.float64
    assert head["deviation"].item() == values.std()
    told = [line for line in said if "warning" in line]
    assert len(told) == 1
    assert "1 of 24 values to train on lie far from the others, such as 500" in told[0]

    files, _ = carried_out(plain, model, encoded, tmp_path / "two")
    record = tiny.read_record(files)
    assert record["scale"] is None
    assert "standardise" not in record["hyperparameters"]
