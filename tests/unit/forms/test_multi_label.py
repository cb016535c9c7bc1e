"""A text with any number of labels: what a row may hold, the loss by hand, what is predicted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers import tiny

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.forms import form_of, rows_of
from interlude.plan.tasks import load_task

NAMES = tiny.LABELS["multi-label"]


def prepared(folder: Path, *labels: Any, **changes: Any) -> list[list[int]]:
    """Return the labels of normalised rows, given those of source rows, all of them training."""
    rows = [{"text": f"text {i}", "labels": each} for i, each in enumerate([*labels, "bad"])]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    splits = {"train": f"all[:{len(labels)}]", "validation": f"all[{len(labels)}:]"}
    declared = tiny.task_file("multi-label") | {"splits": splits} | changes
    declared |= {"source": {"files": {"all": str(data)}}}
    task = load_task(tiny.write_yaml(folder / "tiny-multi-label.yaml", declared))
    prepare(task, Places(folder / "archives.yaml"), folder / "data")
    found: list[list[int]] = pq.read_table(folder / "data/train.parquet")["labels"].to_pylist()
    return found


def test_a_row_has_one_label_or_several_or_none(tmp_path: Path) -> None:
    assert prepared(tmp_path, "song", ["song", "bad"], []) == [[2], [0, 2], []]


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: key labels: unknown label 'sogn'.*'song'"):
        prepared(tmp_path, "bad", ["bad", "sogn"])


def test_the_loss_is_the_binary_cross_entropy_of_each_label(tokenizer: Any) -> None:
    rows = tiny.rows("multi-label", 8)
    examples = rows_of("multi-label").encode(rows, tokenizer, 32)
    form: Any = form_of("multi-label")(NAMES)
    head = form.head(16, dropout=0.0).eval()
    hidden = torch.randn(8, 5, 16)
    outputs = head(hidden, form.targets(examples))
    weights, bias = (each.detach().numpy() for each in (head.linear.weight, head.linear.bias))
    logits = hidden[:, 0].numpy() @ weights.T + bias
    has = np.array([[label in row["labels"] for label in range(3)] for row in rows])
    chances = 1 / (1 + np.exp(-logits))
    wanted = -np.log(np.where(has, chances, 1 - chances)).mean()
    assert outputs.loss.item() == pytest.approx(wanted, abs=1e-5)


def test_a_label_is_predicted_when_its_probability_is_above_one_half() -> None:
    logits = torch.tensor([[-1.0, 0.0, 1e-3], [2.0, -2.0, 5.0], [-1.0, -9.0, 0.0]])
    assert form_of("multi-label")(NAMES).decode(logits, []) == [[2], [0, 2], []]
