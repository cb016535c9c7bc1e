"""Tiny tasks, one of each form, and runs of them: real parts, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from interlude.forms import columns_of
from interlude.jobs.arguments import Job, JobFiles
from interlude.plan.settings import Settings
from interlude.plan.trainings import Part, Training

Row = dict[str, Any]

FORMS = (
    "single",
    "pair",
    "answer-option",
    "candidate",
    "choice",
    "span",
    "tagging",
    "spans",
    "span-pair",
    "word-in-context",
    "regression",
    "multi-label",
    "span-choice",
)
LABELS: dict[str, list[str]] = {
    "single": ["bad", "good"],
    "pair": ["no", "yes"],
    "answer-option": ["no", "yes"],
    "candidate": ["no", "yes"],
    "choice": [],
    "span": [],
    "tagging": ["O", "B-PER", "I-PER", "B-LOC"],
    "spans": ["thing", "animal", "small"],
    "span-pair": ["other", "same"],
    "word-in-context": ["other", "same"],
    "regression": [],
    "multi-label": ["bad", "small", "song"],
    "span-choice": [],
}
METRICS = {
    "single": "accuracy",
    "pair": "matthews",
    "answer-option": "multirc",
    "candidate": "record",
    "choice": "accuracy",
    "span": "qa_f1_em",
    "tagging": "entity_f1",
    "spans": "micro_f1",
    "span-pair": "accuracy",
    "word-in-context": "accuracy",
    "regression": "pearson_spearman",
    "multi-label": "micro_f1",
    "span-choice": "accuracy",
}


def rows(form: str, count: int) -> list[Row]:
    """Return rows that a tiny model can learn, with ids and of differing lengths."""
    make = {
        "single": _single,
        "pair": _pair,
        "answer-option": _answer_option,
        "candidate": _candidate,
        "choice": _choice,
        "span": _span,
        "tagging": _tagging,
        "spans": _spans,
        "span-pair": _span_pair,
        "word-in-context": _word_in_context,
        "regression": _regression,
        "multi-label": _multi_label,
        "span-choice": _span_choice,
    }
    return [{"id": f"row-{i}", **make[form](i)} for i in range(count)]


def source_rows(form: str, count: int) -> list[Row]:
    """Return the rows as a user's file would hold them: without ids, a span as one column."""
    return [_as_source(row) for row in rows(form, count)]


def _as_source(row: Row) -> Row:
    if "choice_starts" in row:
        choices = [*map(list, zip(row["choice_starts"], row["choice_ends"], strict=True))]
        truths = [place == row["label"] for place in range(len(choices))]
        span = [row["span_start"], row["span_end"]]
        return {"text": row["text"], "span": span, "choices": choices, "label": truths}
    spans = [name for name in ("span1", "span2") if f"{name}_start" in row]
    inner = {"id", *(f"{name}_{end}" for name in spans for end in ("start", "end"))}
    places = {name: [row[f"{name}_start"], row[f"{name}_end"]] for name in spans}
    return {**{name: value for name, value in row.items() if name not in inner}, **places}


def _single(i: int) -> Row:
    return {
        "text": f"the {_of(i, 'film book song')} was {_quality(i)}" + " !" * (i % 3),
        **_label(i),
    }


def _pair(i: int) -> Row:
    thing = _of(i, "film book song")
    return {
        "text_a": f"is the {thing} good ?",
        "text_b": f"{thing} : {_quality(i)}" + " !" * (i % 4),
        **_label(i),
    }


def _answer_option(i: int) -> Row:
    return {**_pair(i), "question_id": f"question-{i // 4}"}


def _candidate(i: int) -> Row:
    question, place = divmod(i, 4)
    names = ["anna", "tom berg", "ruiz", "oslo"]
    right = question * 3 % 4
    return {
        "text_a": f"{', '.join(names)} sat" + " ." * (question % 3),
        "text_b": f"{names[place]} is {('bad', 'good')[place == right]}",
        "label": int(place == right),
        "question_id": f"question-{question}",
        "answer": names[place],
        "answers": [names[right], f"The {names[right]}"],
    }


def _choice(i: int) -> Row:
    label = i % 3
    choices = [f"{_of(place + i, 'dull bad old')} song" for place in range(3 + i % 2)]
    choices[label] = "a good and fine film"
    return {"text": f"which {_of(i, 'film book song')} ?", "choices": choices, "label": label}


def _span(i: int) -> Row:
    colour = _of(i, "red blue green")
    passage = (
        f"the {_of(i, 'cat dog')} {_of(i // 2, 'sat ran slept')}. {colour} was the door"
        + " ." * (i % 3)
    )
    start = passage.index(colour)
    place = {"start": start, "end": start + len(colour)}
    return {"question": "what colour?", "passage": passage, **place, "answers": [colour]}


def _tagging(i: int) -> Row:
    sentence = [
        ("the", 0),
        ("old", 0),
        ("anna", 1),
        ("berg", 2),
        ("ran", 0),
        ("to", 0),
        ("rome", 3),
    ]
    other = [("tom", 1), ("likes", 0), ("oslo", 3), (".", 0)]
    tagged = (sentence if i % 2 else other)[i % 3 :]
    return {"tokens": [word for word, _ in tagged], "tags": [tag for _, tag in tagged]}


def _spans(i: int) -> Row:
    text = f"the {_of(i, 'old good')} book and the small {_of(i // 2, 'cat dog')}" + " ." * (i % 3)
    words = ("the", "book", _of(i // 2, "cat dog"), "small")
    labels = ([], [0], [1, 2], [0, 2])
    places = {**_place(text, words[i % 4], "span1"), **_place(text, words[i // 2 % 4], "span2")}
    return {"text": text, **places, "labels": labels[i % 4], "group": f"{i // 4}"}


def _span_pair(i: int) -> Row:
    label = _label(i)
    text = f"tom saw {_of(i, 'anna ruiz berg')} and {_of(i, 'he she it')} ran" + " !" * (i % 3)
    pronoun = _place(text, ("tom", "ran")[label["label"]], "span2")
    return {"text": text, **_place(text, _of(i, "anna ruiz berg"), "span1"), **pronoun, **label}


def _word_in_context(i: int) -> Row:
    label = _label(i)
    first = f"the {_of(i, 'old good')} play"
    second = ("to play" + " a song" * (i % 3), "the play")[label["label"]]
    start, other = first.index("play"), second.index("play")
    places = {"start_a": start, "end_a": start + 4, "start_b": other, "end_b": other + 4}
    return {"text_a": first, "text_b": second, **places, **label}


def _regression(i: int) -> Row:
    first = f"a {_of(i, 'bad dull fine good')} {_of(i // 2, 'film book song')}"
    return {
        "text_a": first,
        "text_b": f"a {_of(i // 3, 'cat dog')}" + " !" * (i % 3),
        "value": 1.25 * (i % 4),
    }


def _multi_label(i: int) -> Row:
    text = f"a {_of(i, 'bad good')} {_of(i // 2, 'small old')} {_of(i // 3, 'film song')}"
    labels = [n for n, label in enumerate(LABELS["multi-label"]) if label in text.split()]
    return {"text": text + " !" * (i % 3), "labels": labels}


def _span_choice(i: int) -> Row:
    """Return whom a sentence is about: one of two or three names, or none of them."""
    names = ["anna", "tom", "ruiz"][: 2 + i % 2]
    label = i % 3 if i % 3 < 2 else -1
    about = {0: "first", 1: "second", -1: "other"}[label]
    text = f"{' and '.join(names)} ran , the {about} sat" + " !" * (i % 3)
    starts = [text.index(name) for name in names]
    start = text.index(about)
    return {
        "text": text,
        "span_start": start,
        "span_end": start + len(about),
        "choice_starts": starts,
        "choice_ends": [start + len(name) for start, name in zip(starts, names, strict=True)],
        "label": label,
    }


def _place(text: str, word: str, name: str) -> Row:
    start = text.index(word)
    return {f"{name}_start": start, f"{name}_end": start + len(word)}


def _of(i: int, words: str) -> str:
    options = words.split()
    return options[i % len(options)]


def _quality(i: int) -> str:
    return ("bad", "good")[_label(i)["label"]]


def _label(i: int) -> Row:
    return {"label": (i * 7 // 3) % 2}


def config(**changes: Any) -> Row:
    """Return the config of a study with every form, as read from YAML."""
    return {
        "study": "tiny",
        "encoder": {"model": "tiny"},
        "intermediate": ["tiny-single", "tiny-choice"],
        "target": ["tiny-pair", "tiny-span"],
        "probing": ["tiny-tagging"],
        **changes,
    }


def write_registry(root: Path) -> None:
    """Write the task and model files that `config()` names below root/config."""
    for form in FORMS:
        write_yaml(root / f"config/tasks/tiny-{form}.yaml", task_file(form))
    write_yaml(root / "config/models/tiny.yaml", model_file())


def model_file(**changes: Any) -> Row:
    """Return the content of the file of a model."""
    return {"name": "tiny", "title": "Tiny", "folder": "models/tiny", "licence": "none", **changes}


def task_file(form: str) -> Row:
    """Return the content of the task file of a form."""
    columns = source_rows(form, 1)[0]
    labels = {"labels": LABELS[form]} if LABELS[form] else {}
    return {
        "name": f"tiny-{form}",
        "title": f"Tiny {form}",
        "description": f"A task of the form {form}.",
        "form": form,
        "source": {"files": {"all": f"data/{form}.jsonl"}},
        "splits": {"train": "all[:60%]", "validation": "all[60%:]"},
        "columns": {name: name for name in columns},
        **labels,
        "metric": METRICS[form],
        "licence": "none",
        "citation": "none",
    }


def write_yaml(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document), encoding="utf8")
    return path


def write_rows(path: Path, form: str, content: list[Row]) -> Path:
    """Write normalised rows as the data rules would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(content, schema=columns_of(form).schema), path)
    return path


def write_task(
    folder: Path, form: str, parts: dict[str, list[Row]], revision: str = "tiny 1.0"
) -> Path:
    """Write a normalised task as the data rules would: both parts, the labels, the revision."""
    for part, content in parts.items():
        write_rows(folder / f"{part}.parquet", form, content)
    manifest = {"label_names": LABELS[form], "revision": revision}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def settings(**changes: Any) -> Settings:
    """Return settings under which the tiny model learns in a few steps."""
    return Settings(
        **{"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "max_length": 32, **changes}
    )


def training(form: str, *, examples: int | None = None, **changes: Any) -> Training:
    """Return a training on a form's task, or so many of its examples, on a processor in fp32."""
    told: dict[str, Any] = {
        "model": "tiny",
        "declared": "tiny",
        "layers": None,
        "parts": (Part(f"tiny-{form}", form, METRICS[form], "declared", examples),),
        "settings": settings(),
        "seed": 5,
        "device": "cpu",
        "precision": "fp32",
    }
    return Training(**{**told, **changes})


def files(model: Path, encoded: Path, folder: Path, **changes: Any) -> JobFiles:
    """Return the files of a training that leaves its record in a folder."""
    return JobFiles(model=model, encoded=(encoded,), folder=folder, **changes)


def job(training: Training, files: JobFiles, code: str = "c0de") -> Job:
    """Return a job that is called after its task."""
    return Job(training, files, code, f"single target: none > {training.part.task}, restart 1")


def arguments(job: Job) -> list[str]:
    """Return what a job tells the training program, or the one that records its failure."""
    files = job.files
    options = {"model": files.model, "encoded": files.encoded[0], "out": files.folder}
    options |= {"start": files.start, "shared": files.shared}
    given = [f"--{name}={path}" for name, path in options.items() if path is not None]
    told = ["--training", job.training.to_json(), "--code", job.code, "--name", job.name]
    return [*told, *given, *(["--keep-start"] if files.keep_start else [])]


def read_record(of: JobFiles) -> Row:
    """Return a record with what it says of its only task, which must be JSON without NaN."""
    record: Row = json.loads(of.record.read_text(), parse_constant=_refuse)
    (part,) = record.pop("parts")
    return record | part


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_predictions(of: JobFiles) -> list[Row]:
    found: list[Row] = pq.read_table(of.predictions).to_pylist()
    return found
