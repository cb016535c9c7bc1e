"""The benchmarks measure what they say, on the tiny model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from transformers import AutoConfig, BertConfig

from bench import random_roberta
from bench.contestant import CONTESTANTS
from bench.meter import Meter
from bench.methods import entrants
from bench.products import flops, flops_of_step, products_of_step, speed
from bench.profiled import KINDS, REST, ProfiledSteps, kind_of
from bench.race import whole_epochs
from bench.report import Goal, faster, table
from interlude.encode.encoding import encode_task
from interlude.encode.read import read_encoded
from interlude.plan.trainings import Part

SHAPE = (4, 10)


@pytest.fixture(scope="module")
def config(model: Path) -> Any:
    return AutoConfig.from_pretrained(model)


@pytest.mark.filterwarnings("ignore")  # Trainer's own
@pytest.mark.parametrize("form", ["single", "pair", "choice"])
def test_contestants_do_the_same_work(
    form: str, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    folder = encoded[form]
    if form == "choice":  # Trainer takes no examples with different numbers of choices
        rows = [{**row, "choices": row["choices"][:3]} for row in tiny.rows(form, 40)]
        parts = {"train": rows[:24], "validation": rows[24:]}
        data, folder = tiny.write_task(tmp_path / "data", form, parts), tmp_path / "encoded"
        encode_task(data, folder, form, model, max_length=32)
    encoded_rows = read_encoded(folder / "train.arrow")
    told, seen = whole_epochs(encoded_rows, sequences=12, steps=4, max_length=32)
    part = Part(f"tiny-{form}", form, "accuracy", "declared", seen)
    training = tiny.training(form, parts=(part,), settings=told)
    measures = {}
    for name, contestant in CONTESTANTS.items():
        job = tiny.job(training, tiny.files(model, folder, tmp_path / name))
        with Meter(warm_up=1, steps=4) as meter:
            contestant(job, 1, meter)
        measures[name] = meter.measures()
    work = [(each["steps"], each["tokens_of_all_steps"]) for each in measures.values()]
    tokens = sum(encoded_rows["tokens"].to_pylist())
    assert work[0] == work[1] == work[2]
    assert work[0][0] == told.epochs * seen / told.batch_size
    if seen == 24:
        assert work[0][1] == told.epochs * tokens
    assert measures["interlude"]["padding_share"] == measures["tuned"]["padding_share"]
    assert measures["example"]["padding_share"] > measures["tuned"]["padding_share"]


def test_methods_are_raced_on_the_same_tokens(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    told, seen = whole_epochs(read_encoded(encoded["pair"] / "train.arrow"), 12, 4, 32)
    part = Part("tiny-pair", "pair", "accuracy", "declared", seen)
    rows = []
    for entrant in entrants(["lora", "bottleneck"]):
        training = tiny.training("pair", parts=(part,), settings=told, method=entrant.method)
        job = tiny.job(training, tiny.files(model, encoded["pair"], tmp_path / entrant.name))
        with Meter(warm_up=1, steps=4) as meter:
            CONTESTANTS[entrant.contestant](job, 1, meter)
        named = {"task": "tiny-pair", "batch": 12, "repetition": 1, "entrant": entrant.name}
        named["peak_bytes"] = 2**20
        rows.append({**named, "precision": entrant.precision, **meter.measures()})
    assert [row["entrant"] for row in rows] == ["full", "lora", "bottleneck"]
    assert len({(row["steps"], row["tokens_of_all_steps"]) for row in rows}) == 1
    document = {"machine": {}, "options": {}, "rows": rows}
    page = table({"methods": document})
    assert page.count("| tiny-pair, 12, ") == 3
    assert "| methods: bottleneck, times the tokens/s of full | at least 1 |" in page


def test_operations_of_a_step_are_those_of_the_formula(config: BertConfig) -> None:
    """Forward: 2 per weight and token, 4 l² h for attention; backward: twice as many."""
    sequences, length = SHAPE
    hidden, inner = config.hidden_size, config.intermediate_size
    weights = 4 * hidden**2 + 2 * hidden * inner
    forward = 2 * weights * sequences * length + 4 * length**2 * hidden * sequences
    assert flops_of_step(config, SHAPE) == 3 * forward * config.num_hidden_layers


def test_products_of_a_step_have_all_its_operations(config: BertConfig) -> None:
    products = products_of_step(config, SHAPE)
    counted = sum(count * flops(product) for product, count in products.items())
    assert counted == flops_of_step(config, SHAPE)
    assert speed(products, "cpu", bf16=False) > 0


def test_a_random_roberta_takes_the_encodings_of_the_tokenizer_beside_it(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    large = {**random_roberta.LARGE, **small, "intermediate_size": 64}
    monkeypatch.setattr(random_roberta, "LARGE", large)
    folder = random_roberta.random_roberta(tmp_path / "roberta", beside=model)
    data = tiny.write_task(
        tmp_path / "data", "pair", dict.fromkeys(("train", "validation"), tiny.rows("pair", 8))
    )
    encode_task(data, tmp_path / "encoded", "pair", folder, max_length=32)
    files = tiny.files(folder, tmp_path / "encoded", tmp_path)
    with Meter(warm_up=1, steps=2) as meter:
        CONTESTANTS["interlude"](tiny.job(tiny.training("pair"), files), 1, meter)
    assert meter.measures()["steps"] == 2


def rows() -> Iterator[dict[str, Any]]:
    for repetition, factor in ((1, 2.0), (2, 4.0), (3, 3.0)):
        for entrant, speed_ in (("interlude", factor * 100), ("tuned", 100), ("example", 50)):
            yield {
                **{"task": "rte", "batch": 16, "entrant": entrant, "precision": "fp32"},
                **{"repetition": repetition, "tokens_per_second": speed_, "tokens": 1000},
                **{"cpu_seconds": 10, "padding_share": 0.1, "flops_per_second": 60e9},
                **{"product_flops_per_second": 120e9, "peak_bytes": 2**30},
                **{"first_loss": 0.7, "final_loss": 0.5},
            }


def test_ratios_are_within_a_repetition() -> None:
    assert faster(list(rows()), "tuned") == [3.0]
    assert faster(list(rows()), "example") == [6.0]


def test_the_table_gives_goal_value_and_ratio() -> None:
    text = table({"engine": {"machine": {}, "options": {}, "rows": list(rows())}, "gpu": None})
    assert "| engine: times the tuned Trainer's tokens/s | at least 2 | 3 | 1.50 |" in text
    assert "products', fp32 | at least 70 % | 50 % | 0.71 |" in text
    assert "| rte, 16, interlude, fp32 | 300 (200–400) |" in text


def test_less_can_be_better() -> None:
    line = Goal("dry run", 5, [10.0], " s", more=False).line()
    assert line == "| dry run | at most 5 s | 10 s | 0.50 |"


def test_the_time_of_profiled_steps_is_that_of_their_operations_and_a_rest(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    files = tiny.files(model, encoded["pair"], tmp_path)
    training = tiny.training("pair", settings=tiny.settings(dropout=0.1))
    with ProfiledSteps(warm_up=1, steps=6) as meter:
        CONTESTANTS["interlude"](tiny.job(training, files), 1, meter)
    seconds = meter.seconds_by_kind()
    assert sum(seconds.values()) == pytest.approx(meter.measures()["seconds"])
    assert set(seconds) == {*KINDS, REST}
    assert min(seconds.values()) > 0


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("aten::addmm", "matrix products"),
        ("aten::mul", "element-wise, sums"),
        ("aten::gelu_backward", "activation (GELU)"),
        ("aten::random_", "masks of dropout"),
        ("autograd::engine::evaluate_function: AddmmBackward0", REST),
    ],
)
def test_operations_have_a_kind(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind
