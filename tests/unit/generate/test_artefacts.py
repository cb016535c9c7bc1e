"""Artefacts: a rule finds a trace that is there, and nothing where there is none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.generate.artefacts import Options, artefacts, states
from tests.helpers.tiny_model import WORDS, save_model

KNOWN = WORDS.split()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    save_model(folder)
    return folder


def data(folder: Path, trace: Any, place: Any = None) -> Path:
    """Write rows of four endings of random words; `trace` changes the real one."""
    rng = random.Random(3)
    for part, count in (("train", 200), ("validation", 100)):
        rows = []
        for n in range(count):
            choices = [" ".join(rng.choices(KNOWN[4:], k=6)) for _ in range(4)]
            label = rng.randrange(4) if place is None else place
            choices[label] = trace(choices[label])
            rows.append({"id": str(n), "text": "a", "choices": choices, "label": label})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{part}.parquet")
    return folder


def scores(folder: Path, encoder: Path) -> dict[str, float]:
    return {row["rule"]: row["accuracy"] for row in artefacts(folder, encoder)}


@pytest.mark.parametrize(
    ("rule", "trace"),
    [
        ("length", lambda text: f"{text} film film"),
        ("bag of words", lambda text: f"a {text.rpartition(' ')[0]}"),
        ("last token", lambda text: f"{text.rpartition(' ')[0]} and"),
    ],
)
def test_a_rule_finds_its_trace(tmp_path: Path, encoder: Path, rule: str, trace: Any) -> None:
    assert scores(data(tmp_path, trace), encoder)[rule] > 0.95


def test_a_place_that_is_always_the_same_is_found(tmp_path: Path, encoder: Path) -> None:
    assert scores(data(tmp_path, str, place=2), encoder)["position"] == 1


def test_without_a_trace_no_rule_is_above_chance(tmp_path: Path, encoder: Path) -> None:
    for row in artefacts(data(tmp_path, str), encoder):
        assert row["chance"] == 0.25
        assert abs(row["accuracy"] - 0.25) < 4 * max(row["standard_error"], 0.02), row["rule"]


def test_several_highest_options_get_a_share_each() -> None:
    options = Options(list("abcdef"), [4, 2], [1, 0])
    assert list(options.credits(np.array([1, 1, 0, 0, 0, 3.0]))) == [0.5, 0]
    assert options.chance == (1 / 4 + 1 / 2) / 2


def test_a_text_s_state_does_not_depend_on_its_batch(encoder: Path) -> None:
    texts = ["a good film", "anna", "the dog ran to the door and sat"]
    alone = np.concatenate([states([text], encoder) for text in texts])
    assert np.allclose(states(texts, encoder), alone, atol=1e-5)
