"""A metric of evaluate of our own: few lines, in a folder."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

FEATURES = {
    "labels": 'predictions=datasets.Value("int32"), references=datasets.Value("int32")',
    "numbers": 'predictions=datasets.Value("float"), references=datasets.Value("float")',
    "text": 'predictions=datasets.Value("string"), references=datasets.Value("string")',
    "texts": 'predictions=datasets.Value("string"), '
    'references=datasets.Sequence(datasets.Value("string"))',
    "squad": 'predictions={"id": datasets.Value("string"), '
    '"prediction_text": datasets.Value("string")}, references={"id": datasets.Value("string"), '
    '"answers": datasets.Sequence({"text": datasets.Value("string"), '
    '"answer_start": datasets.Value("int32")})}',
}
BALANCED = """
hits = {}
for found, wanted in zip(predictions, references):
    hits.setdefault(wanted, []).append(found == wanted)
recalls = [sum(each) / len(each) for each in hits.values()]
return {"balanced": high * sum(recalls) / len(recalls), "labels": len(hits), "of": "labels"}
"""


def write_metric(
    folder: Path, body: str = BALANCED, features: str = "labels", top: str = ""
) -> Path:
    """Write a metric that is computed by the lines of `body`; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"        {line}\n" for line in body.strip().splitlines())
    (folder / f"{folder.name}.py").write_text(
        "import datasets\n"
        "import evaluate\n"
        f"{top}\n\n"
        "class Own(evaluate.Metric):\n"
        "    def _info(self):\n"
        f"        features = datasets.Features(dict({FEATURES[features]}))\n"
        '        about = dict(description="", citation="", inputs_description="")\n'
        "        return evaluate.MetricInfo(features=features, **about)\n\n"
        "    def _compute(self, predictions, references, high=1):\n"
        f"{lines}",
        encoding="utf8",
    )
    return folder


@contextmanager
def copies_aside() -> Iterator[None]:
    """Keep the library's copies of scripts out of the user's folder."""
    import evaluate.loading  # noqa: PLC0415  takes seconds

    real = evaluate.loading.init_dynamic_modules
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            evaluate.loading,
            "init_dynamic_modules",
            lambda name="evaluate_modules", **_: real(name, _folder()),
        )
        yield


@cache
def _folder() -> str:
    """Return a folder for this process, in which Python looks for one alone."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return folder
