"""What makes training fast leaves the scores as they are: bf16, drawn masks, the short last layer.

Takes minutes: pytest -m slow tests/unit/training/test_equivalence.py
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from helpers.bf16 import RoundedProducts, quick_bf16
from helpers.plain import plain_loop
from helpers.prepared import ROOT, make
from scipy import stats

from interlude.data.fetch.models import prepare_model
from interlude.encode.encoding import encode_task
from interlude.errors import InputError
from interlude.plan.settings import Settings
from interlude.plan.tasks import load_task
from interlude.training.build import build_model
from interlude.training.data import TaskData, alone
from interlude.training.data import load_task as load_examples
from interlude.training.dropout import use_lane_dropout
from interlude.training.encoder import load_encoder
from interlude.training.loop import evaluate, train
from interlude.training.platform import Platform
from interlude.training.state import TaskModel

FP32, BF16 = (Platform(torch.device("cpu"), bf16=bf16) for bf16 in (False, True))
LENGTH = 64
SEEDS = range(5)
EXAMPLES = 512
SETTINGS = Settings(
    epochs=2,
    batch_size=16,
    learning_rate=5e-5,
    max_length=LENGTH,
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


def examples_of(name: str, model: Path, folder: Path) -> TaskData:
    task = load_task(ROOT / f"config/tasks/{name}.yaml")
    make(task, folder / "data")
    encoded = folder / "encoded"
    encode_task(folder / "data", encoded, task.form, model, LENGTH)
    return load_examples(name, task.form, task.metric, encoded, SETTINGS, EXAMPLES)


def fast(embedded: Path, data: TaskData, seed: int) -> float:
    """Return the score, in points, as a training of a study in bf16 has it."""
    model = build_model(embedded, None, alone(data), SETTINGS, seed)
    use_lane_dropout(model)
    with quick_bf16():
        trained = train(model, alone(data), SETTINGS, seed, BF16, False, lambda *_: None)
    return 100 * next(iter(trained.part.scores.values()))


def plain(embedded: Path, data: TaskData, seed: int) -> float:
    """Return the score, in points, of a plain loop in fp32, with transformers' own encoder."""
    head = build_model(embedded, None, alone(data), SETTINGS, seed).head
    model = TaskModel(load_encoder(embedded, None, None), [head]).train()
    plain_loop(model, data, SETTINGS, seed, places=LENGTH)
    return 100 * next(iter(evaluate(model, data, FP32)[0].values()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sarcasm", "sst-2"])
def test_scores_over_five_seeds_have_the_mean_of_a_plain_loop(
    name: str, embedded: Path, tmp_path: Path
) -> None:
    data = examples_of(name, embedded, tmp_path)
    ours, theirs = ([score(embedded, data, seed) for seed in SEEDS] for score in (fast, plain))
    print(f"{name}: fast in bf16 {ours}, plain in fp32 {theirs}")
    assert min(*ours, *theirs) > 60  # it was learnt, so that there is something to compare
    assert stats.ttest_ind(ours, theirs, equal_var=False).pvalue > 0.01


def test_rounded_products_are_those_of_bf16() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(48, 32)
    values = torch.randn(4, 24, 48, requires_grad=True)
    found, rounded = [], RoundedProducts()
    for context in (nullcontext(), rounded):
        with context, torch.autocast("cpu", torch.bfloat16):
            hidden = layer(values)
            scores = hidden @ hidden.transpose(1, 2)
            flat = values[0] @ values[1].T
            sums = scores.float().square().sum() + flat.float().square().sum()
            gradients = torch.autograd.grad(sums, [values, layer.weight, layer.bias])
        found.append([hidden, scores, flat, *gradients])
        assert {part.dtype for part in (hidden, scores, flat)} == {torch.bfloat16}
    assert rounded.made == 3 + 6  # forward; backward, two for each
    for slow, quick in zip(*found, strict=True):
        torch.testing.assert_close(quick, slow, rtol=2**-6, atol=2**-6 * slow.abs().max().item())
