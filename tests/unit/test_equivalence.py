"""What makes training fast leaves the scores as they are: bf16, drawn masks, the short last layer.

bf16 where the processor has it, as in a study; elsewhere torch computes it many times slower.

Takes minutes: pytest -m slow tests/unit/test_equivalence.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from plain import plain_loop
from prepared import ROOT, make
from scipy import stats

from interlude.arguments import RunFiles
from interlude.data.models import prepare_model
from interlude.encode import encode_task
from interlude.errors import InputError
from interlude.runspec import RunSpec, Settings
from interlude.tasks import load_task
from interlude.training.dropout import use_lane_dropout
from interlude.training.encoder import load_encoder
from interlude.training.loop import Platform, evaluate, train
from interlude.training.run import build_model, choose_platform, load_data
from interlude.training.state import TaskModel

CPU = torch.device("cpu")
LENGTH = 64
SEEDS = range(5)
SETTINGS = Settings(
    epochs=2,
    batch_size=16,
    learning_rate=5e-5,
    max_length=LENGTH,
    train_examples=512,
    validation_examples=400,
    select="last",
    evaluations=1,
)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    try:
        prepare_model(ROOT / "config/models/minilm-l6.yaml", ROOT / "config/archives.yaml", folder)
    except InputError as error:
        pytest.skip(f"the model cannot be had here: {error}")
    return folder


def files_of(name: str, model: Path, folder: Path) -> tuple[RunSpec, RunFiles]:
    task = load_task(ROOT / f"config/tasks/{name}.yaml")
    make(task, folder / "data")
    encode_task(folder / "data", folder / "encoded", task.form, model, LENGTH)
    spec = RunSpec(
        study="equivalence", kind="target", source="none", task=name, restart=1, seed=0,
        source_seed=None, form=task.form, metric=task.metric, model="minilm-l6", layers=None,
        device="cpu", precision="auto", settings=SETTINGS,
    )  # fmt: skip
    return spec, RunFiles(model=model, encoded=folder / "encoded", record=folder / "1.json")


def fast(spec: RunSpec, files: RunFiles) -> float:
    """Return the score, in points, as a run of a study has it."""
    data = load_data(spec, files)
    model = build_model(spec, files, data)
    use_lane_dropout(model)
    platform = choose_platform(spec.device, spec.precision)
    trained = train(model, data, SETTINGS, spec.seed, platform, False, lambda *_: None)
    return 100 * next(iter(trained.scores.values()))


def plain(spec: RunSpec, files: RunFiles) -> float:
    """Return the score, in points, of a plain loop in fp32, with transformers' own encoder."""
    data = load_data(spec, files)
    head = build_model(spec, files, data).head
    model = TaskModel(load_encoder(files.model, None, None), head).train()
    plain_loop(model, data, SETTINGS, spec.seed, places=LENGTH)
    return 100 * next(iter(evaluate(model, data, Platform(CPU, bf16=False))[0].values()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sarcasm", "sst-2"])
def test_scores_over_five_seeds_have_the_mean_of_a_plain_loop(
    name: str, embedded: Path, tmp_path: Path
) -> None:
    spec, files = files_of(name, embedded, tmp_path)
    runs = [replace(spec, seed=seed) for seed in SEEDS]
    ours, theirs = ([score(run, files) for run in runs] for score in (fast, plain))
    bf16 = choose_platform(spec.device, spec.precision).bf16
    print(f"{name}: fast {'in bf16' if bf16 else 'in fp32'} {ours}, plain {theirs}")
    assert min(*ours, *theirs) > 60  # it was learnt, so that there is something to compare
    assert stats.ttest_ind(ours, theirs, equal_var=False).pvalue > 0.01
