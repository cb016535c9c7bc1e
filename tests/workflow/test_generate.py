"""A task that a language model makes, from its plan to the table of its artefacts."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import yaml
from helpers.project import ROOT, Project
from helpers.tiny_causal import save_generator, texts

SOURCE = {
    "generated": {
        "corpus": {"task": "texts", "column": "text"},
        "generator": "tiny-causal",
        "least_words": 6,
        "most_words": 12,
        "train": 20,
        "validation": 8,
    }
}
OF_BOTH = {"description": "A test.", "licence": "ours", "citation": "us", "metric": "accuracy"}
TASKS = {
    "texts": {
        "form": "single",
        "source": {"files": {"all": "texts.csv"}},
        "splits": {"train": "all[:40]", "validation": "all[40:]"},
        "columns": {"text": "text", "label": "label"},
    },
    "made": {
        "form": "choice",
        "source": SOURCE,
        "splits": {"train": "train", "validation": "validation"},
        "columns": {"text": "prompt", "choices": "endings", "label": "label"},
    },
}
STUDY = {"restarts": 1, "intermediate": ["made"], "target": [], "probing": []}
TABLE = "results/tiny/artefacts.csv"


def declare(project: Project) -> None:
    for name, keys in TASKS.items():
        said = {"name": name, "title": name, **OF_BOTH, **keys}
        (project.root / f"config/tasks/{name}.yaml").write_text(yaml.safe_dump(said))
    model = {"name": "tiny-causal", "title": "Tiny", "folder": "causal", "licence": "ours"}
    (project.root / "config/models/tiny-causal.yaml").write_text(yaml.safe_dump(model))
    save_generator(project.root / "causal")
    rows = [{"text": text, "label": "ab"[n % 2]} for n, text in enumerate(texts(44))]
    pd.DataFrame(rows).to_csv(project.root / "texts.csv", index=False)
    (project.root / "study.json").write_text(json.dumps(STUDY))


def test_a_task_is_generated_once(prepared: Project) -> None:
    declare(prepared)
    wanted = ("--configfile", "tiny.yaml", "study.json", "--", TABLE)
    assert prepared.planned(*wanted)["generate_task"] == 1
    said = prepared.run(*wanted)
    assert "generated: 28 of 28 prompts" in said
    data = prepared.root / "results/data/made"
    about = json.loads((data / "manifest.json").read_text())["source"]["generated"]
    assert (about["generator"]["name"], about["corpus"]["licence"]) == ("tiny-causal", "ours")
    table = pd.read_csv(prepared.root / TABLE)
    assert table["rule"].tolist() == [
        "position",
        "length",
        "bag of words",
        "last token",
        "frozen encoder",
    ]
    assert (table["chance"] == 0.25).all()
    assert prepared.planned(*wanted) == {}
    (prepared.root / "src").unlink()  # a link to what all projects share
    shutil.copytree(ROOT / "src", prepared.root / "src")
    with prepared.edited("src/interlude/generate/endings.py", ".double()", ".float()"):
        assert "generate_task" not in prepared.planned(*wanted)
    shutil.rmtree(prepared.root / "results/data/texts")
    shutil.rmtree(prepared.root / "results/models/tiny-causal")
    (prepared.root / "texts.csv").rename(prepared.root / "away.csv")
    assert prepared.planned(*wanted) == {}
    (prepared.root / "away.csv").rename(prepared.root / "texts.csv")
    with prepared.edited("config/tasks/made.yaml", "train: 20", "train: 21"):
        assert prepared.planned(*wanted)["generate_task"] == 1


def test_what_is_missing_is_made_where_the_corpus_is_made_anew(project: Project) -> None:
    """Behind an `ancient` file whose job runs, Snakemake leaves out even what is missing."""
    declare(project)
    study = ("--configfile", "tiny.yaml", "study.json", "--")
    project.run(*study, "results/data/texts/manifest.json")
    missing = project.planned(*study, "intermediate", TABLE)
    assert (missing["generate_task"], missing["train_target"]) == (1, 1)
    with (project.root / "texts.csv").open("a") as file:
        file.write("More than one of these words is at the end of a text of seven,a\n")
    assert project.planned(*study, "intermediate", TABLE) == missing | {"normalise_task": 1}
