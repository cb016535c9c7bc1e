"""Hugging Face Trainer on a training of ours: as its example sets it up, and as fast as it gets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers
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
from typing_extensions import override

from bench.material import data_of
from bench.meter import Meter
from interlude.errors import unknown
from interlude.jobs.arguments import Job
from interlude.training.batches import training_batches
from interlude.training.data import TaskData, TrainingData, alone
from interlude.training.schedule import plan

Row = dict[str, Any]
CHOICE = "choice"
FORMS = ("single", "pair", CHOICE)
EVALUATION_BATCH = 64


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

    @override
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


def train_example(job: Job, meter: Meter) -> float:
    """Train as run_glue.py and run_swag.py of transformers do with their defaults, in fp32.

    Every sequence is padded to max_length, and the default collator makes the batches.
    """
    from datasets import Dataset  # noqa: PLC0415  not on every machine that the tuned one runs on

    data = load_data(job)
    length = job.training.settings.max_length
    rows = {
        part: [padded(row, data.pad_id, length) for row in rows_for(table, form_of(job))]
        for part, table in (("train", data.train), ("validation", data.validation))
    }
    trainer = Trainer(
        model=load_model(job, data),
        args=arguments(job, alone(data)),
        train_dataset=Dataset.from_list(rows["train"]),
        eval_dataset=Dataset.from_list(rows["validation"]),
        compute_metrics=accuracy,
        data_collator=default_data_collator,
    )
    return carry_out(trainer, job, meter)


def train_tuned(job: Job, meter: Meter) -> float:
    """Train with everything that makes Trainer faster on the same work.

    Padding to the longest of a batch, batches of like length, bf16 where the hardware has it, the
    faster attention, rows as Python objects, sorted validation examples, no reports.
    """
    data, training = load_data(job), job.training
    trainer = LikeLengthsTrainer(
        model=load_model(job, data, **fastest_attention()),
        args=arguments(
            job,
            alone(data),
            bf16=training.precision == "bf16",
            disable_tqdm=True,
            logging_strategy="no",
            per_device_eval_batch_size=EVALUATION_BATCH,
            dataloader_pin_memory=training.device == "cuda",
        ),
        train_dataset=rows_for(data.train, form_of(job)),
        eval_dataset=rows_for(data.validation.sort_by("length"), form_of(job)),
        compute_metrics=accuracy,
        data_collator=collator(job),
    )
    lengths = data.train["length"].to_numpy()
    trainer.sampler = LikeLengths(lengths, training.settings.batch_size, training.seed)
    return carry_out(trainer, job, meter)


def load_data(job: Job) -> TaskData:
    """Return the examples of a job; InputError for a form that Trainer needs more code for."""
    if form_of(job) not in FORMS:
        where = f"task {job.training.part.task}"
        raise unknown(where, "form of a Trainer run", form_of(job), FORMS)
    return data_of(job)


def form_of(job: Job) -> str:
    """Return the form of the only task of a job."""
    return job.training.part.form


def load_model(job: Job, data: TaskData, **options: Any) -> Any:
    """Return the encoder, or the one that another training left, under a fresh head."""
    transformers.logging.set_verbosity_error()
    transformers.set_seed(job.training.seed)
    chooses = form_of(job) == CHOICE
    kind = AutoModelForMultipleChoice if chooses else AutoModelForSequenceClassification
    head = {} if chooses else {"num_labels": len(data.form.labels)}
    folder = job.files.start or job.files.model
    # The head of the task before may have another size.
    return kind.from_pretrained(
        folder, ignore_mismatched_sizes=True, local_files_only=True, **head, **options
    )


def collator(job: Job) -> Any:
    """Return what pads the examples of a job's task to the longest of a batch."""
    tokenizer = AutoTokenizer.from_pretrained(job.files.model, local_files_only=True)
    chooses = form_of(job) == CHOICE
    return (DataCollatorForMultipleChoice if chooses else DataCollatorWithPadding)(tokenizer)


def fastest_attention() -> Row:
    """Return the option for the attention that trains fastest, here measured for a processor."""
    return {} if torch.cuda.is_available() else {"attn_implementation": "eager"}


def arguments(job: Job, data: TrainingData, **changes: Any) -> TrainingArguments:
    """Return a training's settings in Trainer's words, evaluating as often as Interlude does.

    One that others start from saves at each evaluation and ends with the best model, as Interlude's
    does.
    """
    settings, keep = job.training.settings, job.files.keep_start
    steps = plan(data.steps_per_epoch(settings.batch_size), settings).steps
    interval = steps // settings.evaluations
    given = {
        "output_dir": str(job.files.own_start or tempfile.gettempdir()),
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
        "seed": job.training.seed,
        "use_cpu": job.training.device == "cpu",
        "report_to": "none",
    }
    return TrainingArguments(**{**given, **changes})


def carry_out(trainer: Any, job: Job, meter: Meter) -> float:
    """Train and return the best score; leave the model where the job says so."""
    model = trainer.model
    meter.watch(model, model.base_model)
    trainer.train()
    if job.files.own_start is not None:
        trainer.save_model(str(job.files.own_start))
    history = trainer.state.log_history
    return max(float(entry["eval_accuracy"]) for entry in history if "eval_accuracy" in entry)


def accuracy(evaluated: Any) -> dict[str, float]:
    """Return the share of right predictions."""
    right = np.argmax(evaluated.predictions, axis=-1) == evaluated.label_ids
    return {"accuracy": float(right.mean())}


def rows_for(table: pa.Table, form: str) -> list[Row]:
    """Return the examples as Trainer's collators take them; one sequence each but for choices."""
    names = [name for name in ("input_ids", "token_type_ids") if name in table.column_names]
    rows: list[Row] = table.select([*names, "label"]).to_pylist()
    for row in rows:
        row["attention_mask"] = [[1] * len(sequence) for sequence in row["input_ids"]]
    if form != CHOICE:
        return [
            {**{name: row[name][0] for name in row if name != "label"}, "label": row["label"]}
            for row in rows
        ]
    return rows


def padded(row: Row, pad_id: int, length: int) -> Row:
    """Return an example with all sequences of the same length."""
    fillers = {"input_ids": pad_id, "token_type_ids": 0, "attention_mask": 0}

    def fill(name: str, value: Any) -> Any:
        if name == "label":
            return value
        if isinstance(value[0], list):  # a sequence for each choice
            return [_filled(sequence, fillers[name], length) for sequence in value]
        return _filled(value, fillers[name], length)

    return {name: fill(name, value) for name, value in row.items()}


def _filled(sequence: list[int], filler: int, length: int) -> list[int]:
    return sequence + [filler] * (length - len(sequence))
