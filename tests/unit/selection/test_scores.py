"""The numbers that methods give sources, from extractions that were made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from interlude.errors import InputError
from interlude.files import sha256_of
from interlude.plan.extractions import FEATURES, FISHER, VOCABULARY, Extraction, Kind
from interlude.plan.trainings import Part
from interlude.selection.estimators.logme import logme
from interlude.selection.scores import Asked, scores_of
from interlude.words import SELECTION_SCORES


def part(task: str) -> Part:
    return Part(task, "single", "accuracy", "declared", 20)


def left(
    folder: Path, task: str, tensors: dict[str, Any], kind: Kind = FEATURES, **more: Any
) -> str:
    """Leave an extraction as a job would; return its folder."""
    start = more.pop("start", None)
    of = Extraction(kind, "tiny", "declared", None, part(task), 32, "cpu", start)
    own = folder / of.id
    own.mkdir()
    save_file(
        {name: np.asarray(each) for name, each in tensors.items()}, own / "extraction.safetensors"
    )
    files = {"extraction.safetensors": sha256_of(own / "extraction.safetensors")}
    manifest = {"kind": "classes", "lacks": {}, "tokens": 300, "seconds": 2.0, **more}
    (own / "manifest.json").write_text(
        json.dumps({"extraction": of.to_json(), "files": files, **manifest})
    )
    return str(own)


def rows(apart: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    labels = np.arange(20) % 2
    features = rng.normal(size=(20, 3)) + apart * labels[:, None]
    return {"features": features.astype(np.float32), "labels": labels, "groups": np.arange(20)}


def by_method(scores: pd.DataFrame, method: str) -> pd.DataFrame:
    return scores[scores["method"] == method].set_index("source")


def test_a_method_of_features_scores_each_source_with_its_cost(tmp_path: Path) -> None:
    pairs = [
        Asked("mine", name, {"features": [(left(tmp_path, "mine", rows(apart), start=name), 1)]})
        for name, apart in (("near", 0.1), ("far", 3.0))
    ]
    scored = by_method(scores_of(pairs, ["logme"]), "logme")
    own = rows(3.0)
    classes = np.stack([own["labels"] == 0, own["labels"] == 1], 1).astype(float)
    expected = logme(own["features"].astype(float), classes)
    assert scored.at["far", "value"] == pytest.approx(expected)
    assert scored.at["near", "value"] < expected
    assert scored["tokens"].tolist() == [100, 100]  # a third of 300: nothing is trained
    assert (scored["seconds"] > 2).all()
    assert scored["reason"].isna().all()


def test_what_pairs_share_is_divided_among_them(tmp_path: Path) -> None:
    target = left(tmp_path, "mine", {"text": np.array([1.0, 0.0])})
    texts = {"alike": [2.0, 0.5], "other": [0.0, 1.0]}
    pairs = [
        Asked("mine", name, {"texts": [(left(tmp_path, name, {"text": text}), 3), (target, 2)]})
        for name, text in texts.items()
    ]
    scored = by_method(scores_of(pairs, ["textemb"]), "textemb")
    assert scored["value"].to_dict() == pytest.approx({"alike": 2 / np.hypot(2, 0.5), "other": 0})
    assert scored["tokens"].tolist() == [83, 83]  # 100 / 3 + 100 / 2


def test_task_embeddings_rank_those_that_have_one(tmp_path: Path) -> None:
    def fisher(task: str, *vector: float, **more: Any) -> str:
        tensors = {"a": np.array(vector)} if vector else {}
        return left(tmp_path, task, tensors, FISHER, **more)

    target = fisher("mine", 1.0, 0.0)
    folders = {
        "alike": fisher("alike", 4.0, 1.0),
        "other": fisher("other", 1.0, 4.0),
        "lost": fisher("lost", lacks={"fisher": "the start has no head of lost"}),
    }
    pairs = [
        Asked("mine", name, {"fisher": [(own, 1), (target, 3)]}) for name, own in folders.items()
    ]
    scored = by_method(scores_of(pairs, ["taskemb"]), "taskemb")
    assert scored.at["alike", "value"] == pytest.approx(1 / 61)
    assert scored.at["other", "value"] == pytest.approx(1 / 62)
    assert np.isnan(scored.at["lost", "value"])
    assert scored.at["lost", "reason"] == "the start has no head of lost"
    assert scored.at["alike", "tokens"] == 300 + 100


def test_vocabularies_overlap(tmp_path: Path) -> None:
    folders = [
        left(tmp_path, task, {"vocabulary": np.array(tokens)}, VOCABULARY, tokens=0)
        for task, tokens in (("other", [1, 2, 3]), ("mine", [2, 3, 4, 5]))
    ]
    pairs = [Asked("mine", "other", {"vocabulary": [(each, 1) for each in folders]})]
    assert scores_of(pairs, ["vocabulary"])["value"].tolist() == [pytest.approx(2 / 5)]


def test_what_has_no_number_says_why_and_stands_in_the_table(tmp_path: Path) -> None:
    no_rows = left(
        tmp_path, "mine", {}, start="a", lacks={"features": "its examples have no label"}
    )
    infinite = rows(1.0)
    infinite["features"][0, 0] = np.inf
    pairs = [
        Asked("mine", "unlabelled", {"features": [(no_rows, 1)]}),
        Asked("mine", "gone", {"features": []}),
        Asked("mine", "broken", {"features": [(left(tmp_path, "mine", infinite, start="b"), 1)]}),
        Asked(
            "mine", "headless", {"features": [(left(tmp_path, "mine", rows(1.0), start="c"), 1)]}
        ),
    ]
    scores = scores_of(pairs, ["leep", "knn"])
    assert list(scores)[:-1] == list(SELECTION_SCORES)
    scored = by_method(scores, "leep")["reason"].to_dict()
    assert scored["unlabelled"] == "its examples have no label"
    assert "is gone" in scored["gone"]
    assert "not finite" in scored["broken"]
    assert "no classes" in scored["headless"]
    of_knn = by_method(scores, "knn")
    assert of_knn["value"].notna().to_dict() == {
        "unlabelled": False,
        "gone": False,
        "broken": False,
        "headless": True,
    }


def test_an_extraction_that_is_another_one_or_was_changed_is_refused(tmp_path: Path) -> None:
    folder = Path(left(tmp_path, "mine", rows(1.0)))
    moved = folder.rename(tmp_path / "0123456789abcdef")
    with pytest.raises(InputError, match=r"key extraction: found features of mine .*Allowed: 0123"):
        scores_of([Asked("mine", "other", {"features": [(str(moved), 1)]})], ["logme"])
    changed = Path(left(tmp_path, "yours", rows(1.0)))
    (changed / "extraction.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="broken or changed"):
        scores_of([Asked("yours", "other", {"features": [(str(changed), 1)]})], ["logme"])


def few_steps(folder: Path, **changes: Any) -> str:
    """Leave the record of a training of few steps, with its predictions; return its folder."""
    folder.mkdir()
    curve = [{"step": step, "loss": 1.0, "score": step / 100} for step in range(5, 51, 5)]
    part = {"task": "mine", "validation_examples": 1, "curve": curve}
    record = {"schema_version": 2, "status": "ok", "steps": 50, "tokens": 1000, "parts": [part]}
    costs = {"evaluation_tokens": 3000, "train_seconds": 10.0, "evaluation_seconds": 20.0}
    (folder / "record.json").write_text(json.dumps(record | costs | changes))
    pd.DataFrame({"id": ["a"], "prediction": [0], "gold": [0]}).to_parquet(
        folder / "predictions.parquet"
    )
    return str(folder)


def test_few_steps_are_read_from_one_training(tmp_path: Path) -> None:
    lost = {"status": "diverged", "parts": [{"task": "mine", "curve": []}]}
    pairs = [
        Asked("mine", "good", {"steps": [(few_steps(tmp_path / "good"), 1)]}),
        Asked("mine", "lost", {"steps": [(few_steps(tmp_path / "lost", **lost), 1)]}),
        Asked("mine", "gone", {"steps": []}),
    ]
    scores = scores_of(pairs, ["few-shot-5", "few-shot-25"])
    scored = by_method(scores, "few-shot-25")
    assert scored.at["good", "value"] == 0.25
    assert scored.at["good", "tokens"] == 500 + 3000 / 10 / 3
    assert scored.at["good", "seconds"] == 5 + 2
    assert by_method(scores, "few-shot-5").at["good", "value"] == 0.05
    assert scored["value"].isna().to_dict() == {"good": False, "lost": True, "gone": True}
    assert "diverged" in scored.at["lost", "reason"]
    assert "is gone" in scored.at["gone", "reason"]
