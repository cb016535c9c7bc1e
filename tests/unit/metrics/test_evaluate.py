"""A metric of evaluate that a task file names, from a folder that the test writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.own_metric import copies_aside, write_metric
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

import interlude
from interlude.errors import InputError
from interlude.metrics.evaluate import evaluate

RNG = np.random.default_rng(3)
GOLD = RNG.integers(3, size=40).tolist()
FOUND = RNG.integers(3, size=40).tolist()
ANSWERS = [["a cat", "cat"], ["dogs"]]


@pytest.fixture(autouse=True, scope="module")
def own_cache() -> Iterator[None]:
    with copies_aside():
        yield


def scored(
    folder: Path, predicted: Sequence[Any], gold: Sequence[Any], **more: Any
) -> dict[str, Any]:
    script = folder / f"{folder.name}.py"
    more = {"score": "balanced", "where": "task mine: key evaluate"} | more
    return evaluate(predicted, gold, script=script, **more)


def test_the_score_is_that_of_the_metric(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "balanced")
    result = scored(folder, FOUND, GOLD)
    assert list(result) == ["balanced", "labels"]  # a text beside them is no number
    assert result["balanced"] == pytest.approx(balanced_accuracy_score(GOLD, FOUND))
    assert result["labels"] == 3


def test_it_is_what_the_library_itself_gives(tmp_path: Path) -> None:
    import evaluate as library  # noqa: PLC0415  takes seconds

    folder = write_metric(tmp_path / "balanced")
    theirs = library.load(str(folder)).compute(predictions=FOUND, references=GOLD)
    assert scored(folder, FOUND, GOLD)["balanced"] == theirs["balanced"]


def test_a_score_out_of_100_is_divided(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "balanced")
    result = scored(folder, FOUND, GOLD, options={"high": 100}, out_of=100)
    assert result["balanced"] == pytest.approx(balanced_accuracy_score(GOLD, FOUND))
    with pytest.raises(InputError, match=r"key evaluate.score: found a score of .*out_of: 100"):
        scored(folder, FOUND, GOLD, options={"high": 100})


def test_numbers_go_as_numbers(tmp_path: Path) -> None:
    body = "return {'close': 1 - sum(abs(a - b) for a, b in zip(predictions, references)) / 4}"
    folder = write_metric(tmp_path / "close", body, "numbers")
    assert scored(folder, [0.5, 1.0], [1.0, 1.5], score="close")["close"] == 0.75


@pytest.mark.parametrize(
    ("features", "body", "gold"),
    [
        ("texts", "return {'is': sum(p in r for p, r in zip(predictions, references)) / 2}", None),
        ("text", "return {'is': sum(p == r for p, r in zip(predictions, references)) / 2}", 0),
        (
            "squad",
            "right = {each['id']: each['answers']['text'] for each in references}\n"
            "return {'is': sum(p['prediction_text'] in right[p['id']] for p in predictions) / 2}",
            None,
        ),
    ],
)
def test_answers_go_in_the_features_that_it_asks_for(
    features: str, body: str, gold: int | None, tmp_path: Path
) -> None:
    folder = write_metric(tmp_path / f"{features}_is", body, features)
    answers = ANSWERS if gold is None else [each[-1:] for each in ANSWERS]
    assert scored(folder, ["cat", "dog"], answers, score="is") == {"is": 0.5}


def test_several_answers_need_a_metric_that_takes_them(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "one", "return {'is': 1}", "text")
    with pytest.raises(InputError, match=r"found 2 right answers to a question.*as squad"):
        scored(folder, ["cat", "dog"], ANSWERS, score="is")


def test_a_missing_number_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "balanced")
    with pytest.raises(InputError) as raised:
        scored(folder, FOUND, GOLD, score="f1")
    assert str(raised.value) == (
        "task mine: key evaluate.score: found 'f1', which is no number that balanced gives. "
        "Allowed: balanced, labels."
    )


def test_without_a_score_a_constant_has_none_and_others_are_refused(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "lost", "return {'r': float('nan')}", "numbers")
    assert scored(folder, [1.0, 1.0], [1.0, 2.0], score="r") == {"r": 0.0}
    with pytest.raises(InputError, match=r"found a score of nan\. Allowed: a finite number"):
        scored(folder, [1.0, 2.0], [1.0, 2.0], score="r")


@pytest.mark.parametrize(
    ("top", "body", "message"),
    [
        ("import no_such_package", "return {'a': 1}", "cannot be loaded: ImportError: .*no_such"),
        ("raise OSError('no net')", "return {'a': 1}", "cannot be loaded: OSError: no net.*no dow"),
        ("", "raise KeyError('gone')", "broken gives no score: KeyError: 'gone'"),
        ("", "return None", "found 'a', .* Allowed: none"),
        ("", "return {'a': [1, 2]}", "found 'a', .* Allowed: none"),
    ],
)
def test_a_broken_metric_is_one_line(top: str, body: str, message: str, tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "broken", body, top=top)
    with pytest.raises(InputError, match=message) as raised:
        scored(folder, FOUND, GOLD, score="a")
    assert "\n" not in str(raised.value)


def test_predictions_that_it_does_not_take(tmp_path: Path) -> None:
    folder = write_metric(tmp_path / "balanced")
    with pytest.raises(InputError, match="balanced gives no score: "):
        scored(folder, ["a", "b"], [["a"], ["b"]])


def test_the_metric_in_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(interlude.__file__).parents[2] / "docs/add-a-task.md").read_text()
    (written,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "kappa").mkdir()
    (tmp_path / "kappa/kappa.py").write_text(written)
    options = {"weights": "linear"}
    result = scored(tmp_path / "kappa", FOUND, GOLD, score="kappa", options=options)
    assert result == {"kappa": pytest.approx(cohen_kappa_score(GOLD, FOUND, weights="linear"))}


def test_the_library_is_imported_by_nothing_else() -> None:
    modules = "interlude.metrics.evaluate, interlude.data.fetch.metrics, interlude.jobs.evaluated"
    code = f"import sys, {modules}; assert 'evaluate' not in sys.modules"
    environment = os.environ | {"PYTHONPATH": str(Path(interlude.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
