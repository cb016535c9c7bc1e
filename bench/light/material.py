"""What first light runs on: tiny encoders of each family, MiniLM's shape, a few encoded tasks.

`prepare` makes a folder of some MiB where packages and archives can be had. `Bag` reads it where
neither can. Weights of MiniLM's, RoBERTa-large's and DistilGPT2's shapes are random, drawn where
they are used.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import ROOT
from bench.material import Material, part_of
from interlude.files import MANIFEST, WEIGHTS, write_json

FACTS = "facts.json"
TINY = "tiny"
MINILM = "minilm-shape"
LARGE = "roberta-large-shape"
CAUSAL = "tiny-causal"
SMALL_CAUSAL = "distilgpt2-shape"
SMALL_CAUSAL_SHAPE = {"vocab_size": 50257, "n_embd": 768, "n_layer": 6, "n_head": 12}
FAMILY_FORMS = ("pair", "span")
ROWS = {"train": 24, "validation": 16}  # of a tiny task
# Of each task: name, and the longest sequence in tokens.
REAL = (("privacy-qa", 128), ("privacy-qa", 256), ("boolq", 256), ("sarcasm", 128))
MOST = {"train": 2560, "validation": 320}  # rows of these


@dataclass(frozen=True)
class Bag:
    """The folder that `prepare` made, by the names of its models and tasks."""

    folder: Path

    def model(self, name: str) -> Path:
        """Return a model's folder; weights that it lacks are drawn."""
        folder = self.folder / "models" / name
        if not (folder / WEIGHTS).exists():
            _draw(name, folder, self.folder / "models")
        return folder

    def task(self, model: str, name: str, shape: str | None = None) -> Material:
        """Return a task as encoded for a model; shape: of the model to train, if another one."""
        facts: dict[str, Any] = json.loads((self.folder / FACTS).read_text(encoding="utf8"))
        encoded = self.folder / "encoded" / model / name
        return Material(part_of(**facts[name]), self.model(shape or model), encoded)

    def tiny(self, model: str = TINY) -> list[Material]:
        """Return all tiny tasks that are encoded for a model, by form."""
        names = sorted(path.name for path in (self.folder / "encoded" / model).iterdir())
        return [self.task(model, name) for name in names]

    def families(self) -> list[str]:
        """Return the names of the tiny encoders of other families."""
        known = (TINY, MINILM, LARGE, CAUSAL, SMALL_CAUSAL)
        return sorted(p.name for p in (self.folder / "models").iterdir() if p.name not in known)


def prepare(folder: Path, real: bool = True) -> None:
    """Make the folder anew; real: MiniLM's tokenizer and real tasks as well, from archives."""
    sys.path.append(str(ROOT / "tests"))  # the tiny models and tasks are those of the tests
    shutil.rmtree(folder, ignore_errors=True)
    facts = _prepare_tiny(folder)
    if real:
        facts |= _prepare_real(folder)
    write_json(folder / FACTS, facts)


def _prepare_tiny(folder: Path) -> dict[str, Any]:
    from helpers import tiny  # type: ignore[import-not-found]  # noqa: PLC0415
    from helpers.tiny_causal import save_generator  # type: ignore[import-not-found]  # noqa: PLC0415
    from helpers.tiny_model import save_model  # type: ignore[import-not-found]  # noqa: PLC0415

    save_model(folder / "models" / TINY)
    save_generator(folder / "models" / CAUSAL)
    _encode_tiny(folder, TINY, tiny.FORMS)
    for family in _save_families(folder):
        _encode_tiny(folder, family, FAMILY_FORMS)
    shutil.rmtree(folder / "data")
    return {f: {"name": f, "form": f, "metric": tiny.METRICS[f]} for f in tiny.FORMS}


def _encode_tiny(folder: Path, model: str, forms: tuple[str, ...]) -> None:
    from helpers import tiny  # noqa: PLC0415

    from interlude.encode.encoding import encode_task  # noqa: PLC0415

    for form in forms:
        rows = tiny.rows(form, sum(ROWS.values()))
        parts = {"train": rows[: ROWS["train"]], "validation": rows[ROWS["train"] :]}
        data = tiny.write_task(folder / "data" / form, form, parts)
        encode_task(data, folder / "encoded" / model / form, form, folder / "models" / model, 32)


def _save_families(folder: Path) -> list[str]:
    from helpers.tiny_families import FAMILIES, save_family  # type: ignore[import-not-found]  # noqa: PLC0415

    from interlude.data.fetch.models import prepare_model  # noqa: PLC0415

    for family in FAMILIES:
        saved = save_family(family, folder / "data" / "saved" / family)
        declared = {"name": family, "title": family, "licence": "none", "folder": str(saved)}
        write_json(folder / "data" / f"{family}.yaml", declared)  # JSON is YAML
        archives = folder / "data" / "archives.yaml"
        prepare_model(folder / "data" / f"{family}.yaml", archives, folder / "models" / family)
    return list(FAMILIES)


def _prepare_real(folder: Path) -> dict[str, Any]:
    from bench.workspace import embedded_model  # noqa: PLC0415

    model = embedded_model()
    target = folder / "models" / MINILM
    target.mkdir(parents=True)
    for file in model.iterdir():
        if file.name not in (WEIGHTS, MANIFEST):
            shutil.copy2(file, target)
    return dict(_encode_real(folder, model, *each) for each in REAL)


def _encode_real(folder: Path, model: Path, name: str, length: int) -> tuple[str, dict[str, Any]]:
    """Encode the first rows of a task, and return its name here and what a run is told of it."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    from bench.workspace import WORK, encoded_task  # noqa: PLC0415
    from interlude.encode.encoding import encode_task  # noqa: PLC0415

    task = encoded_task(name, model, length).part
    data = folder / "data"
    data.mkdir()
    for part, most in MOST.items():
        rows = pq.read_table(WORK / "data" / name / f"{part}.parquet")
        pq.write_table(rows.slice(0, most), data / f"{part}.parquet")
    manifest = json.loads((WORK / "data" / name / MANIFEST).read_text(encoding="utf8"))
    write_json(data / MANIFEST, {**manifest, "files": {}})
    called = f"{name}-{length}"
    encode_task(data, folder / "encoded" / MINILM / called, task.form, model, length)
    shutil.rmtree(data)
    return called, {"name": name, "form": task.form, "metric": task.metric}


def _draw(name: str, folder: Path, models: Path) -> None:
    """Save random weights of MiniLM's, RoBERTa-large's or DistilGPT2's shapes."""
    import torch  # noqa: PLC0415
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415

    from bench.random_roberta import random_roberta  # noqa: PLC0415

    if name == LARGE:
        random_roberta(folder, beside=models / MINILM)
    elif name == SMALL_CAUSAL:
        _draw_causal(folder, beside=models / CAUSAL)
    else:
        torch.manual_seed(0)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        AutoModel.from_config(config).save_pretrained(folder)
        write_json(folder / MANIFEST, {"revision": None})


def _draw_causal(folder: Path, beside: Path) -> None:
    """Save random weights with the tokenizer of another model's folder, which has fewer tokens."""
    import torch  # noqa: PLC0415
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415

    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(**SMALL_CAUSAL_SHAPE)).save_pretrained(folder)
    for file in beside.glob("tokenizer*"):
        shutil.copy2(file, folder)
    write_json(folder / MANIFEST, {"revision": None})
