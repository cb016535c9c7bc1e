"""Tasks that are made of another's rows: what stays, what changes, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from helpers import tiny

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import load_task

ROOT = Path(__file__).parents[3]
ROWS = [
    {"context": f"He took cup {n} of tea", "endings": [f"and drank {n}", f"then sat on {n}"]}
    for n in range(40)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task `real` of choices in a file of its own, 30 to train on and 10 to validate on."""
    lines = [json.dumps({**row, "right": n % 2}) for n, row in enumerate(ROWS)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
    real = {
        **{"name": "real", "title": "Real", "description": "Which ending?", "form": "choice"},
        "source": {"files": {"all": str(tmp_path / "rows.jsonl")}},
        "splits": {"train": "all[:30]", "validation": "all[30:]"},
        "columns": {"text": "context", "choices": "endings", "label": "right"},
        **{"metric": "accuracy", "licence": "none", "citation": "nobody"},
    }
    tiny.write_yaml(tmp_path / "real.yaml", real)
    return tmp_path


def made(folder: Path, name: str, **keys: Any) -> dict[str, pd.DataFrame]:
    """The rows of a task of a few lines."""
    if keys:
        few = {"name": name, "title": name, "description": "As real.", "of": "real", **keys}
        tiny.write_yaml(folder / f"{name}.yaml", few)
    out = folder / "out" / name
    prepare(load_task(folder / f"{name}.yaml"), Places(ROOT / "config/archives.yaml"), out)
    return {part: pd.read_parquet(out / f"{part}.parquet") for part in ("train", "validation")}


def test_endings_stand_without_their_text(folder: Path) -> None:
    real, alone = made(folder, "real"), made(folder, "alone", transform="endings-only")
    for part, rows in alone.items():
        assert set(rows["text"]) == {""}
        pd.testing.assert_frame_equal(rows.drop(columns="text"), real[part].drop(columns="text"))


def test_words_are_shuffled_within_each_text_and_the_same_each_time(folder: Path) -> None:
    real, mixed = made(folder, "real"), made(folder, "mixed", transform="shuffled-words")
    for part, rows in mixed.items():
        for own, other in zip(rows.itertuples(), real[part].itertuples(), strict=True):
            assert (own.id, own.label) == (other.id, other.label)
            pairs = [(own.text, other.text), *zip(own.choices, other.choices, strict=True)]
            assert all(Counter(a.split()) == Counter(b.split()) for a, b in pairs)
        assert (rows["text"] != real[part]["text"]).mean() > 0.9
    again = made(folder, "mixed")
    assert all(mixed[part].equals(again[part]) for part in mixed)
    # Of its id alone: rows that are left out change no other.
    fewer = made(
        folder,
        "fewer",
        transform="shuffled-words",
        splits={"train": "all[:9]", "validation": "all[30:]"},
    )
    assert fewer["train"]["text"].tolist() == mixed["train"]["text"].tolist()[:9]


def test_labels_are_dealt_out_to_other_rows_of_train_alone(folder: Path) -> None:
    real, control = made(folder, "real"), made(folder, "control", transform="shuffled-labels")
    own, other = control["train"], real["train"]
    pd.testing.assert_frame_equal(own.drop(columns="label"), other.drop(columns="label"))
    assert Counter(own["label"]) == Counter(other["label"])
    assert 0.2 < (own["label"] == other["label"]).mean() < 0.8
    assert control["validation"].equals(real["validation"])


def test_a_task_of_another_may_change_any_key(folder: Path) -> None:
    first = made(folder, "first", splits={"train": "all[:7]", "validation": "all[30:]"})
    assert len(first["train"]) == 7
    assert first["train"]["text"].tolist() == [row["context"] for row in ROWS[:7]]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"of": "rael"}, "key of: unknown task in the same folder 'rael'. Did you mean 'real'?"),
        ({"transform": "shuffle"}, "key transform: found 'shuffle'"),
        ({"of": "twin"}, "key of: found twin, whose rows are made themselves"),
        (
            {
                "form": "pair",
                "columns": {"text_a": "context", "text_b": "context", "label": "right"},
                "transform": "endings-only",
            },
            "key transform: found endings-only with the form pair. Allowed: with choice",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(folder: Path, keys: dict[str, Any], found: str) -> None:
    named = {"title": "x", "description": "x", "of": "real"}
    tiny.write_yaml(folder / "twin.yaml", {"name": "twin", **named})
    tiny.write_yaml(folder / "bad.yaml", {"name": "bad", **named, **keys})
    with pytest.raises(InputError) as error:
        load_task(folder / "bad.yaml")
    assert found in str(error.value)
    assert str(error.value).startswith(str(folder / "bad.yaml"))


def test_existing_tasks_declare_what_they_did() -> None:
    """A key that says nothing is not in what data are made from."""
    for path in sorted((ROOT / "config/tasks").glob("*.yaml")):
        said = json.loads(load_task(path).data_declaration())
        own = yaml.safe_load(path.read_text(encoding="utf8"))
        assert ("transform" in said) == ("transform" in own)
        assert "of" not in said
