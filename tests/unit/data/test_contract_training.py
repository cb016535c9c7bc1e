"""What every task promises to training, over all tasks that there is data of at hand.

Some rows of each are encoded for a tiny random encoder, whose byte-level BPE is trained on them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from helpers import tiny
from helpers.perfect import favour_what_is_right, perfect_predictions
from helpers.prepared import PARTS, TASKS, Made
from tokenizers import ByteLevelBPETokenizer
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

from interlude.encode.encoding import encode_task
from interlude.encode.tokenizer import load_tokenizer
from interlude.forms import form_names
from interlude.forms.examples import CUT
from interlude.forms.tagging.head import NO_TAG
from interlude.training.batches import collate, subset
from interlude.training.build import build_model
from interlude.training.data import TaskData, alone, load_task
from interlude.training.loop import evaluate
from interlude.training.optimizer import make_optimizer
from interlude.training.platform import Platform

Row = dict[str, Any]

MOST_ROWS = 64  # of each part
MAX_LENGTH = 256
STEPS = 8
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
CPU = Platform(torch.device("cpu"), bf16=False)


@dataclass(frozen=True)
class Encoded:
    """Some rows of a task, and what a run makes of them."""

    form: str
    label_names: list[str]
    rows: dict[str, list[Row]]
    data: TaskData
    model: Any  # a TaskModel
    tokenizer: Any

    def examples(self, part: str) -> list[Row]:
        table = self.data.validation if part == "validation" else self.data.train
        examples: list[Row] = table.to_pylist()
        return examples


@pytest.fixture
def encoded(made: Made, tmp_path: Path) -> Encoded:
    torch.set_num_threads(1)
    form = made.task.form
    tables = {part: some_rows(made.tables[part]) for part in PARTS}
    for part, table in tables.items():
        pq.write_table(table, tmp_path / f"{part}.parquet")
    told = {key: value for key, value in made.manifest.items() if key != "files"}  # of all rows
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    rows = {part: table.to_pylist() for part, table in tables.items()}
    model = save_model(tmp_path / "model", [text for part in PARTS for text in texts(rows[part])])
    encode_task(tmp_path, tmp_path / "encoded", form, model, MAX_LENGTH)
    settings = tiny.settings(max_length=MAX_LENGTH, dropout=0.0, learning_rate=2e-3)
    task = made.task
    data = load_task(task.name, form, task.metric, tmp_path / "encoded", settings, None)
    trained = build_model(model, None, alone(data), settings, seed=5)
    names = made.manifest["label_names"]
    return Encoded(form, names, rows, data, trained, load_tokenizer(model))


def some_rows(table: pa.Table) -> pa.Table:
    """Return rows from all over a part, those of a question together."""
    return subset(table, MOST_ROWS, "question_id" if "question_id" in table.column_names else None)


def texts(value: Any) -> list[str]:
    """Return all texts in a value."""
    if isinstance(value, dict):
        return texts(list(value.values()))
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def save_model(folder: Path, of: list[str]) -> Path:
    """Save a random RoBERTa of one layer, with a tokenizer trained on texts."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(of, 2000, show_progress=False, special_tokens=list(SPECIAL))
    parts = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in parts["merges"]]
    tokenizer = RobertaTokenizer(vocab=parts["vocab"], merges=merges)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_LENGTH + 2,
        type_vocab_size=1,
        initializer_range=0.2,  # so that untrained hidden states differ between inputs
    )
    RobertaModel(config).save_pretrained(folder)
    (folder / "manifest.json").write_text(json.dumps({"revision": "contract"}))
    return folder


def test_every_task_can_be_learnt(encoded: Encoded) -> None:
    check_gold(encoded)
    check_perfect_score(encoded)
    check_decoded(encoded)
    check_places(encoded)
    if encoded.form == "tagging":
        check_words(encoded)
    check_training(encoded)


def check_gold(encoded: Encoded) -> None:
    """What predictions are compared with is what the normalised rows say."""
    examples = encoded.examples("validation")
    wanted = [gold_of(encoded, row) for row in encoded.rows["validation"]]
    assert [example["id"] for example in examples] == [
        row["id"] for row in encoded.rows["validation"]
    ]
    assert encoded.data.form.gold(examples) == wanted


def gold_of(encoded: Encoded, row: Row) -> Any:
    return {
        "span": lambda: row["answers"],
        "tagging": lambda: [encoded.label_names[tag] for tag in row["tags"]],
        "spans": lambda: sorted(set(row["labels"])),
        "multi-label": lambda: row["labels"],
        "regression": lambda: row["value"],
        "answer-option": lambda: {"question": row["question_id"], "label": row["label"]},
        "candidate": lambda: {
            "question": row["question_id"],
            "answer": row["answer"],
            "answers": row["answers"],
        },
    }.get(encoded.form, lambda: row["label"])()


def check_perfect_score(encoded: Encoded) -> None:
    gold = encoded.data.form.gold(encoded.examples("validation"))
    scores = encoded.data.metric(perfect_predictions(encoded.form, gold), gold)
    assert next(iter(scores.values())) == pytest.approx(1)


def check_decoded(encoded: Encoded) -> None:
    """Logits that favour what is right are decoded to it, wherever truncation left it."""
    examples = encoded.examples("validation")
    inputs, targets = collate(encoded.data.form, examples, encoded.data.pad_id)
    with torch.inference_mode():
        logits = encoded.model.eval()(inputs, targets).logits.clone()
    logits = favour_what_is_right(encoded.form, examples, logits)
    predicted = encoded.data.form.decode(logits, examples)
    for found, example, row in zip(predicted, examples, encoded.rows["validation"], strict=True):
        if encoded.form == "span":
            cut = example["answer_start"] == CUT
            assert cut or row["passage"][row["start"] : row["end"]].strip() in found
        elif encoded.form == "tagging":
            whole = gold_of(encoded, row)
            places = zip(whole, example["positions"], strict=True)
            assert found == [tag if place else NO_TAG for tag, place in places]
            assert not all(tag == NO_TAG for tag in found)
        elif encoded.form == "candidate":
            assert (found > 0) == row["label"]
        elif encoded.form == "answer-option":
            assert found == row["label"]
        else:
            assert found == pytest.approx(gold_of(encoded, row))


def check_places(encoded: Encoded) -> None:
    """The tokens of each span and word hold its text, and most are not cut off."""
    found = [
        (place, text, example["input_ids"][0])
        for example, row in zip(
            encoded.examples("validation"), encoded.rows["validation"], strict=True
        )
        for place, text in placed_texts(example, row)
    ]
    for (first, last), text, ids in found:
        if first != CUT:
            assert text.strip() in encoded.tokenizer.decode(ids[first : last + 1])
    cut = [first == CUT for (first, _), _, _ in found]
    assert sum(cut) <= len(cut) / 2


def check_words(encoded: Encoded) -> None:
    """The first token of each word is its beginning; a part of a letter cannot be compared."""
    examples = encoded.examples("validation")
    for example, row in zip(examples, encoded.rows["validation"], strict=True):
        for word, place in zip(row["tokens"], example["positions"], strict=True):
            piece = encoded.tokenizer.decode([example["input_ids"][0][place]]).strip()
            assert not place or word.startswith(piece) or "\ufffd" in piece


def placed_texts(example: Row, row: Row) -> list[tuple[tuple[int, int], str]]:
    """Return the first and the last token of each span of an example, and the span's text."""
    if "answer_start" in example:
        place = (example["answer_start"], example["answer_end"])
        return [(place, row["passage"][row["start"] : row["end"]])]
    if "span_starts" not in example:
        return []
    places = zip(example["span_starts"], example["span_ends"], strict=True)
    names = ("a", "b") if "start_a" in row else ("span1", "span2")
    return list(zip(places, [span_text(row, name) for name in names], strict=False))


def span_text(row: Row, name: str) -> str:
    if name in ("a", "b"):
        text: str = row[f"text_{name}"][row[f"start_{name}"] : row[f"end_{name}"]]
        return text
    start, end = row[f"{name}_start"], row[f"{name}_end"]
    return "" if start is None else row["text"][start:end]


def check_training(encoded: Encoded) -> None:
    """Some steps on a batch lower its loss; then every validation example gets a prediction."""
    batch = encoded.examples("train")[:8]
    inputs, targets = collate(encoded.data.form, batch, encoded.data.pad_id)
    torch.manual_seed(4)
    optimizer = make_optimizer(encoded.model, tiny.settings(learning_rate=2e-3))
    before = encoded.model.eval()(inputs, targets).loss.item()
    encoded.model.train()
    for _ in range(STEPS):
        optimizer.zero_grad()
        encoded.model(inputs, targets).loss.backward()
        optimizer.step()
    after = encoded.model.eval()(inputs, targets).loss.item()
    assert np.isfinite(after)
    assert after < before
    scores, predictions = evaluate(encoded.model, encoded.data, CPU)
    assert len(predictions) == len(encoded.rows["validation"])
    assert -1 <= next(iter(scores.values())) <= 1


def test_every_form_is_among_the_tasks() -> None:
    """The registry has a task of every form, so that all forms are held to this contract."""
    assert {task.form for task in TASKS} == set(form_names())
