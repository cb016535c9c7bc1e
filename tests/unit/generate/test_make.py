"""A generated task: its rows and manifest, and what an interruption or a full disk leaves."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from interlude.errors import InputError
from interlude.generate import make as module
from interlude.generate.endings import Generator
from interlude.generate.make import Inputs, make
from interlude.plan.tasks import Task, load_task

FILES = ("manifest.json", "train.parquet", "validation.parquet")


def task_file(folder: Path, corpus: Path, **keys: Any) -> Task:
    generated = {
        "corpus": {"file": str(corpus)},
        "generator": "tiny",
        "least_words": 6,
        "most_words": 12,
        "train": 24,
        "validation": 8,
        "batch_size": 4,
        **keys,
    }
    declared = {
        "name": "made",
        "title": "Made",
        "description": "Which ending is real?",
        "form": "choice",
        "source": {"generated": generated},
        "splits": {"train": "train", "validation": "validation"},
        "columns": {"text": "prompt", "choices": "endings", "label": "label"},
        "metric": "accuracy",
        "licence": "ours",
        "citation": "us",
    }
    path = folder / "made.yaml"
    path.write_text(yaml.safe_dump(declared), encoding="utf8")
    return load_task(path)


def silent(_: str) -> None:
    """Say nothing."""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_rows_hold_the_real_ending_and_three_others(
    tmp_path: Path, corpus: Path, generator: Path
) -> None:
    manifest = make(
        task_file(tmp_path, corpus),
        Inputs(corpus, generator),
        tmp_path / "kept",
        tmp_path / "made",
        "cpu",
        silent,
    )
    rows = pq.read_table(tmp_path / "made/train.parquet").to_pylist()
    texts = corpus.read_text(encoding="utf8")
    assert len(rows) + manifest["dropped"].get(module.TWICE, 0) >= 24 - 8
    for row in rows:
        assert len(set(row["choices"])) == 4
        assert f"{row['text']} {row['choices'][row['label']]}" in texts
    assert len({row["label"] for row in rows}) > 1
    generated = manifest["source"]["generated"]
    assert generated["generator"] == {
        "name": "tiny",
        "revision": "tiny-1",
        "licence": "none needed",
        "sha256": json.loads((generator / "manifest.json").read_text())["files"][
            "model.safetensors"
        ],
    }
    assert generated["parameters"]["decoding"]["nucleus"] == 0.9
    assert generated["corpus"].keys() == {"file", "sha256"}
    assert {"torch", "transformers", "tokenizers"} == generated["versions"].keys()
    assert manifest["made_from"].startswith("generated-")


def test_what_was_interrupted_goes_on_to_the_same_bytes(
    tmp_path: Path, corpus: Path, generator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, inputs = task_file(tmp_path, corpus), Inputs(corpus, generator)
    make(task, inputs, tmp_path / "kept-whole", tmp_path / "whole", "cpu", silent)
    whole = Generator.endings
    computed: list[int] = []

    def interrupted(self: Generator, *args: Any) -> Any:
        computed.append(1)
        if len(computed) == 4:
            raise KeyboardInterrupt
        return whole(self, *args)

    monkeypatch.setattr(Generator, "endings", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(task, inputs, tmp_path / "kept", tmp_path / "made", "cpu", silent)
    assert not (tmp_path / "made").exists()
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 3
    make(task, inputs, tmp_path / "kept", tmp_path / "made", "cpu", silent)
    assert bytes_of(tmp_path / "made") == bytes_of(tmp_path / "whole")
    batches = len(list((tmp_path / "kept-whole").rglob("*.json")))
    assert len(computed) == 1 + batches  # none was computed twice but the one that was cut off
    make(task, inputs, tmp_path / "kept", tmp_path / "again", "cpu", silent)
    assert len(computed) == 1 + batches
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "whole")


def test_a_full_disk_is_one_message_and_leaves_nothing_half_written(
    tmp_path: Path, corpus: Path, generator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("interlude.files._sync", full)
    with pytest.raises(InputError, match="no space left"):
        make(
            task_file(tmp_path, corpus),
            Inputs(corpus, generator),
            tmp_path / "kept",
            tmp_path / "made",
            "cpu",
            silent,
        )
    assert not (tmp_path / "made").exists()
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_another_declaration_takes_no_batch_of_this_one(
    tmp_path: Path, corpus: Path, generator: Path
) -> None:
    inputs = Inputs(corpus, generator)
    for seed in (1, 2):
        task = task_file(tmp_path, corpus, seed=seed)
        make(task, inputs, tmp_path / "kept", tmp_path / f"made-{seed}", "cpu", silent)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_sentences_that_the_generator_has_no_places_for_are_refused(
    tmp_path: Path, generator: Path
) -> None:
    corpus = tmp_path / "long.txt"
    corpus.write_text("\n".join(f"a{n} " + "a " * 80 for n in range(4)), encoding="utf8")
    task = task_file(
        tmp_path, corpus, least_words=70, most_words=80, train=2, validation=1, words_left_out=0
    )
    with pytest.raises(InputError, match="a sentence of 80 tokens"):
        make(
            task,
            Inputs(corpus, generator),
            tmp_path / "kept",
            tmp_path / "made",
            "cpu",
            silent,
        )
