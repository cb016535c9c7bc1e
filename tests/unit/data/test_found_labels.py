"""Tasks that declare no labels: those found in the data reach training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from helpers.tiny_training import Case

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.encode.encoding import encode_task
from interlude.jobs.perform import perform
from interlude.plan.tasks import load_task

Row = dict[str, Any]

FORMS = ("single", "pair", "tagging", "spans", "multi-label")
KEYS = {"tagging": "tags", "spans": "labels", "multi-label": "labels"}


def named_rows(form: str) -> list[Row]:
    """Return source rows whose labels are names."""
    key, names = KEYS.get(form, "label"), tiny.LABELS[form]
    rows = tiny.source_rows(form, 40)
    return [row | {key: _named(row[key], names)} for row in rows]


def _named(label: Any, names: list[str]) -> Any:
    return [names[each] for each in label] if isinstance(label, list) else names[label]


def encoded(folder: Path, form: str, rows: list[Row], model: Path, **changes: Any) -> Path:
    """Prepare and encode a task of rows, 24 to train on and 16 to validate on."""
    data = folder / "rows.jsonl"
    folder.mkdir()
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    declared = tiny.task_file(form) | {"source": {"files": {"all": str(data)}}} | changes
    declared = {key: value for key, value in declared.items() if value is not None}
    task = load_task(tiny.write_yaml(folder / f"tiny-{form}.yaml", declared))
    prepare(task, Places(folder / "archives.yaml"), folder / "data")
    encode_task(folder / "data", folder / "encoded", form, model, 32)
    return folder / "encoded"


@pytest.mark.parametrize("form", FORMS)
def test_found_labels_train_as_the_same_labels_declared(
    form: str, model: Path, tmp_path: Path
) -> None:
    rows = named_rows(form)
    given: dict[str, list[str] | None] = {"found": None, "declared": sorted(tiny.LABELS[form])}
    runs = []
    for name, labels in given.items():
        folder = encoded(tmp_path / name, form, rows, model, labels=labels)
        files = tiny.files(model, folder, tmp_path / name / "run")
        perform(tiny.job(tiny.training(form), files), 1, lambda _: None)
        runs.append(files)
    found, declared = runs
    assert tiny.read_record(found)["status"] == "ok"
    assert found.predictions.read_bytes() == declared.predictions.read_bytes()
    key = KEYS.get(form, "label")
    gold = [row["gold"] for row in tiny.read_predictions(found)]
    if form != "tagging":  # whose predictions are names
        names = sorted(tiny.LABELS[form])
        gold = [_named(label, names) for label in gold]
    wanted = [row[key] for row in rows[24:]]
    assert [sorted(each) for each in gold] == [sorted(each) for each in wanted]


@pytest.mark.parametrize("form", FORMS)
def test_a_label_that_only_validation_has_can_be_predicted(
    form: str, model: Path, tmp_path: Path
) -> None:
    rows = named_rows(form)
    key = KEYS.get(form, "label")
    rare = "I-LOC" if form == "tagging" else "rare"
    rows[-1] |= {key: [rare] * len(rows[-1][key]) if isinstance(rows[-1][key], list) else rare}
    folder = encoded(tmp_path / "task", form, rows, model, labels=None)
    built, data = Case(form).built(model, folder)
    assert data.form.labels == sorted([*tiny.LABELS[form], rare])
    assert list(built.head.parameters())[-1].shape == (len(tiny.LABELS[form]) + 1,)
