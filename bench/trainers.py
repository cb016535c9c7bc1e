"""Hugging Face Trainer on a run of Interlude: as its example sets it up, and as fast as it gets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers
from interlude.plan.runspec import RunSpec
from torch.utils.data import Sampler
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorForMultipleChoice,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    default_data_collator,
)

from bench.meter import Meter
from interlude.encode.encoding import PARTS, read_encoded, read_encoding_facts
from interlude.errors import unknown
from interlude.jobs.arguments import RunFiles
from interlude.training.batches import subset, training_batches
from interlude.training.schedule import plan

Row = dict[str, Any]
FORMS = ("single", "pair", "choice")
EVALUATION_BATCH = 64


@dataclass(frozen=True)
class Data:
    """The encoded examples of a run, the same ones that Interlude trains and evaluates on."""

    form: str
    train: pa.Table
    validation: pa.Table
    n_labels: int
    pad_id: int


class LikeLengths(Sampler[int]):
    """Examples in the order of Interlude's batches, which are of like length.

    Trainer's own `group_by_length` groups little where a task is small, and counts the choices
    of an example for its length.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self.n_examples = len(lengths)
        self.batches = training_batches(lengths, batch_size, np.random.default_rng(seed))

    def __len__(self) -> int:
        return self.n_examples

    def __iter__(self) -> Iterator[int]:
        given = 0
        while given < self.n_examples:
            batch = next(self.batches)
            given += len(batch)
            yield from batch.tolist()


class LikeLengthsTrainer(Trainer):  # type: ignore[misc]
    """Trainer that takes its examples from a given sampler."""

    sampler: LikeLengths

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return self.sampler


def train_example(spec: RunSpec, files: RunFiles, meter: Meter) -> float:
    """Train as run_glue.py and run_swag.py of transformers do with their defaults, in fp32.

    Every sequence is padded to max_length, and the default collator makes the batches.
    """
    from datasets import Dataset  # noqa: PLC0415  not on every machine that the tuned one runs on

    data = load_data(spec, files)
    rows = {
        part: [_padded(row, data, spec.settings.max_length) for row in _rows(table, data)]
        for part, table in (("train", data.train), ("validation", data.validation))
    }
    trainer = Trainer(
        model=load_model(spec, files, data),
        args=arguments(spec, files, data),
        train_dataset=Dataset.from_list(rows["train"]),
        eval_dataset=Dataset.from_list(rows["validation"]),
        compute_metrics=accuracy,
        data_collator=default_data_collator,
    )
    return carry_out(trainer, files, meter)


def train_tuned(spec: RunSpec, files: RunFiles, meter: Meter) -> float:
    """Train with everything that makes Trainer faster on the same work.

    Padding to the longest of a batch, batches of like length, bf16 where the hardware has it, the
    faster attention, rows as Python objects, sorted validation examples, no reports.
    """
    data = load_data(spec, files)
    tokenizer = AutoTokenizer.from_pretrained(files.model, local_files_only=True)
    collators = {"choice": DataCollatorForMultipleChoice}
    trainer = LikeLengthsTrainer(
        model=load_model(spec, files, data, **fastest_attention()),
        args=arguments(
            spec,
            files,
            data,
            bf16=spec.precision == "bf16",
            disable_tqdm=True,
            logging_strategy="no",
            per_device_eval_batch_size=EVALUATION_BATCH,
            dataloader_pin_memory=spec.device == "cuda",
        ),
        train_dataset=_rows(data.train, data),
        eval_dataset=_rows(data.validation.sort_by("length"), data),
        compute_metrics=accuracy,
        data_collator=collators.get(data.form, DataCollatorWithPadding)(tokenizer),
    )
    lengths = data.train["length"].to_numpy()
    trainer.sampler = LikeLengths(lengths, spec.settings.batch_size, spec.seed)
    return carry_out(trainer, files, meter)


def load_data(spec: RunSpec, files: RunFiles) -> Data:
    """Return the examples of a run; InputError for a form that Trainer needs more code for."""
    if spec.form not in FORMS:
        raise unknown(f"task {spec.task}", "form of a Trainer run", spec.form, FORMS)
    train, validation = (read_encoded(files.encoded / f"{part}.arrow") for part in PARTS)
    facts = read_encoding_facts(train)
    return Data(
        spec.form,
        subset(train, spec.settings.train_examples),
        subset(validation, spec.settings.validation_examples),
        len(facts.label_names),
        facts.pad_id,
    )


def load_model(spec: RunSpec, files: RunFiles, data: Data, **options: Any) -> Any:
    """Return the encoder, or the one that an intermediate run left, under a fresh head."""
    transformers.logging.set_verbosity_error()
    transformers.set_seed(spec.seed)
    kind = (
        AutoModelForMultipleChoice if data.form == "choice" else AutoModelForSequenceClassification
    )
    head = {} if data.form == "choice" else {"num_labels": data.n_labels}
    folder = files.encoder_in or files.model
    # The head of an intermediate task may have another size.
    return kind.from_pretrained(
        folder, ignore_mismatched_sizes=True, local_files_only=True, **head, **options
    )


def fastest_attention() -> Row:
    """Return the option for the attention that trains fastest, here measured for a processor."""
    return {} if torch.cuda.is_available() else {"attn_implementation": "eager"}


def arguments(spec: RunSpec, files: RunFiles, data: Data, **changes: Any) -> TrainingArguments:
    """Return the run's settings in Trainer's words, evaluating as often as Interlude does.

    An intermediate run saves at each evaluation and ends with the best model, as Interlude's does.
    """
    settings = spec.settings
    steps = plan(data.train.num_rows, settings).steps
    interval = steps // settings.evaluations
    keep = files.encoder_out is not None
    given = {
        "output_dir": str(files.encoder_out or tempfile.gettempdir()),
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "warmup_steps": settings.warmup,
        "max_grad_norm": settings.gradient_clip,
        "eval_strategy": "steps",
        "eval_steps": interval,
        "save_strategy": "steps" if keep else "no",
        "save_steps": interval,
        "save_total_limit": 1,
        "save_only_model": True,
        "load_best_model_at_end": keep,
        "metric_for_best_model": "accuracy",
        "seed": spec.seed,
        "use_cpu": spec.device == "cpu",
        "report_to": "none",
    }
    return TrainingArguments(**{**given, **changes})


def carry_out(trainer: Any, files: RunFiles, meter: Meter) -> float:
    """Train and return the best score; leave the model where the run says so."""
    model = trainer.model
    meter.watch(model, model.base_model)
    trainer.train()
    if files.encoder_out is not None:
        trainer.save_model(str(files.encoder_out))
    history = trainer.state.log_history
    return max(float(entry["eval_accuracy"]) for entry in history if "eval_accuracy" in entry)


def accuracy(evaluated: Any) -> dict[str, float]:
    """Return the share of right predictions."""
    right = np.argmax(evaluated.predictions, axis=-1) == evaluated.label_ids
    return {"accuracy": float(right.mean())}


def _rows(table: pa.Table, data: Data) -> list[Row]:
    """Return the examples as Trainer's collators take them; one sequence each but for choices."""
    names = [name for name in ("input_ids", "token_type_ids") if name in table.column_names]
    rows: list[Row] = table.select([*names, "label"]).to_pylist()
    for row in rows:
        row["attention_mask"] = [[1] * len(sequence) for sequence in row["input_ids"]]
    if data.form != "choice":
        return [
            {**{name: row[name][0] for name in row if name != "label"}, "label": row["label"]}
            for row in rows
        ]
    return rows


def _padded(row: Row, data: Data, length: int) -> Row:
    """Return an example with all sequences of the same length."""
    fillers = {"input_ids": data.pad_id, "token_type_ids": 0, "attention_mask": 0}

    def fill(name: str, value: Any) -> Any:
        if name == "label":
            return value
        if data.form == "choice":
            return [_filled(sequence, fillers[name], length) for sequence in value]
        return _filled(value, fillers[name], length)

    return {name: fill(name, value) for name, value in row.items()}


def _filled(sequence: list[int], filler: int, length: int) -> list[int]:
    return sequence + [filler] * (length - len(sequence))
