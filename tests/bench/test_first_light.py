"""First light, as far as a processor shows it: the checks find what is right, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import first_light
from bench.light import (
    equality,
    features,
    generation,
    large,
    others,
    processes,
    repeats,
    runs,
    small,
)
from bench.light.job import Job
from bench.light.material import CAUSAL, TINY, Bag, prepare
from bench.light.table import section

ROOT = Path(__file__).parents[2]
# What a machine with a GPU may lack.
LACKING = ("snakemake", "datasets", "evaluate", "pydantic", "jinja2", "matplotlib", "peft")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    folder = tmp_path_factory.mktemp("light") / "material"
    prepare(folder, real=False)
    return Bag(folder)


@pytest.fixture
def job(bag: Bag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that has two of the tiny tasks."""
    torch.set_num_threads(1)
    two = lambda self, model=TINY: [self.task(model, name) for name in ("pair", "span")]  # noqa: E731
    monkeypatch.setattr(Bag, "tiny", two)
    return Job("cpu", bag, tmp_path)


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run first light, in processes that find no package which a machine with a GPU may lack."""
    site = folder.with_name(f"{folder.name}-site")
    site.mkdir()
    blocker = f"import sys\nsys.modules.update(dict.fromkeys({LACKING}))\n"
    (site / "sitecustomize.py").write_text(blocker)
    command = [sys.executable, "-m", "bench.first_light", "--out", str(folder), *arguments]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), str(site)])
    environment = {**os.environ, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def found(folder: Path) -> Any:
    return json.loads((folder / first_light.NAME).read_text())


def test_without_a_gpu_it_says_so_and_ends(tmp_path: Path) -> None:
    ended = started(tmp_path / "out")
    assert ended.stdout == "bench.first_light: no GPU here, nothing was checked\n"
    assert ended.returncode == first_light.NO_GPU
    assert not (tmp_path / "out").exists()


def test_a_check_leaves_its_figures(bag: Bag, tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(bag.folder), "--only", "memory"]
    ended = started(tmp_path, *told, "--commit", "c0ffee")
    assert ended.returncode == first_light.ALL_RIGHT, ended.stderr
    check = found(tmp_path)["checks"]["memory"]
    assert check["ended"] == "to its end"
    assert 0 < check["rows"][0]["own_mb"] <= check["rows"][0]["asked_mb"] == 1000
    assert found(tmp_path)["machine"]["commit"] == "c0ffee"
    assert "| memory | 1 of 1 | to its end |" in "\n".join(section(found(tmp_path)))


def test_what_lacks_a_package_says_so_and_the_rest_is_looked_at(bag: Bag, tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(bag.folder)]
    ended = started(tmp_path, *told, "--only", "adapters", "generation")
    assert ended.returncode == first_light.ALL_RIGHT, ended.stderr
    checks = found(tmp_path)["checks"]
    named = {row["what"]: row["ok"] for row in checks["adapters"]["rows"]}
    assert named["pair, lora"] is named["pair, ia3"] is None
    assert named["pair, bottleneck, fp32"] is named["pair, frozen encoder, bf16"] is True
    assert "not looked at: adapters: pair, lora: no peft here\n" in ended.stdout
    assert "| adapters | pair, lora: no peft here |" in "\n".join(section(found(tmp_path)))
    *drawn, program = checks["generation"]["rows"]
    assert all(row["ok"] for row in drawn)
    assert program["reason"] == "no pydantic, datasets here"
    assert "adapters: right: 4 of 4, to its end" in ended.stdout


def test_one_check_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(tmp_path), "--only", "families", "memory"]
    ended = started(tmp_path, *told)
    assert ended.returncode == first_light.SOMETHING_WRONG
    wrong = "not as it should be:\nfamilies: exit status 1\nmemory: exit status 1\n"
    assert ended.stdout.endswith(wrong)
    assert "FileNotFoundError" in (tmp_path / "log.txt").read_text()


def test_a_check_ends_when_its_time_is_over(bag: Bag, tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(bag.folder), "--only", "forms"]
    ended = started(tmp_path, *told, "--share", "0.001")
    assert ended.returncode == first_light.SOMETHING_WRONG
    assert found(tmp_path)["checks"]["forms"]["ended"] == "no time left"


def test_losses_are_those_of_a_plain_loop(job: Job) -> None:
    rows = list(equality.forms(job))
    assert [row["what"] for row in rows[1:3]] == ["pair, fp32", "pair, bf16"]
    assert all(row["ok"] for row in rows)


def test_other_losses_are_seen(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SEED", 6)
    run = runs.Run("pair", (job.bag.task(TINY, "pair"),), equality.PLAIN)
    wanted = runs.plain_curve(run)
    monkeypatch.setattr(equality, "plain_curve", lambda *_: wanted)
    monkeypatch.setattr(runs, "SEED", 5)
    assert [row["ok"] for row in equality.forms(job)][1:3] == [False, False]


def test_a_digest_is_that_of_the_run(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ([row["digest"] for row in repeats.digests(job)] for _ in range(2))
    monkeypatch.setattr(runs, "SEED", 6)
    other = [row["digest"] for row in repeats.digests(job)]
    assert first == second
    assert not set(first) & set(other)
    assert len(set(first)) == len(first)


def test_an_interrupted_run_is_resumed(job: Job) -> None:
    rows = list(repeats.resumed(job))
    assert len(rows) == 7  # two forms and an optimiser, in both precisions, and a signal
    assert all(row["ok"] for row in rows)


def test_a_run_that_was_not_interrupted_shows_nothing(job: Job) -> None:
    def make() -> runs.Built:
        run = runs.Run("pair", (job.bag.task(TINY, "pair"),), runs.TINY)
        return runs.build(run, "cpu", bf16=False)

    with pytest.raises(RuntimeError, match="before it was to be interrupted"):
        runs.interrupted(make, job.folder / "run.checkpoint", after=100)


def test_runs_under_the_lock_are_carried_out(job: Job) -> None:
    """As far as a processor shows it: there no GPU is claimed."""
    rows = list(small.shared(job))
    assert [row["on_the_gpu"] for row in rows] == [0, 0]
    assert all(row["ok"] and row["steps"] for row in rows)


def test_a_check_gets_what_is_left_of_the_whole(
    bag: Bag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_light, "WHOLE", 0.0)
    told = ["--device", "cpu", "--material", str(bag.folder), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["first_light", *told, "--only", "memory"])
    with pytest.raises(SystemExit) as ended:
        first_light.main()
    assert ended.value.code == first_light.SOMETHING_WRONG
    assert capsys.readouterr().out.endswith("memory: no time left\n")


def test_what_is_asked_for_alone_is_no_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["first_light"])
    assert set(first_light._options().only) == first_light.CHECKS.keys() - {
        "large-long",
        "small-staying",
    }


def test_mixtures_are_those_of_a_plain_loop(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    known = others.mixtures(job.bag, equality.MIXED)
    monkeypatch.setattr(others, "mixtures", lambda *_: [known[2], known[4]])
    rows = list(equality.mixtures(job))
    assert [row["what"] for row in rows[::2]] == [
        "single + pair, temperature, mixed, heads by-labels, fp32",
        "pair + mlm, size, mixed, fp32",
    ]
    assert all(row["ok"] for row in rows)


def test_the_loss_of_standardised_targets_is_told_in_their_unit(job: Job) -> None:
    run = others.standardised(job.bag, equality.PLAIN)
    first = runs.curve(runs.build(run, "cpu", bf16=False).train())[0]
    assert first > 1.5 * runs.plain_curve(run)[0]


def test_an_adapter_of_another_seed_is_seen(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [run for run in others.adapters(job.bag, equality.PLAIN) if "bottle" in run.name]
    monkeypatch.setattr(runs, "SEED", 6)
    wanted = runs.plain_curve(block)
    monkeypatch.setattr(runs, "SEED", 5)
    assert next(row["ok"] for row in equality._compared(job, block, wanted)) is False
    assert next(row["ok"] for row in equality._compared(job, block, runs.plain_curve(block)))


def test_a_run_of_each_other_kind_is_resumed(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    bag, settings = job.bag, repeats.WITH_DROPOUT
    few = [others.by_scores(bag, settings), others.adapters(bag, settings)[0]]
    monkeypatch.setattr(repeats, "_others", lambda _: few)
    assert [row["ok"] for row in repeats.others_resumed(job)] == [True, True]


def test_what_goes_by_scores_is_lost_after_it_has_measured_some(job: Job) -> None:
    trained = runs.build(others.by_scores(job.bag, repeats.WITH_DROPOUT), "cpu", bf16=False).train()
    assert trained.epochs[0]["step"] < repeats.OTHERS_LOST_AFTER < trained.steps


def test_texts_that_are_not_those_of_a_processor_are_seen(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = generation._sentences
    monkeypatch.setattr(generation, "READERS", ("no such package",))
    monkeypatch.setattr(generation, "_sentences", lambda *_: real(6, 12))
    assert all(row["ok"] for row in list(generation.texts(job))[:-1])
    row = generation._same("texts", [[["a", "b"], ["c", "d"]]], [[["a", "b"], ["c", "e"]]])
    assert (row["ok"], row["endings"], row["differ"]) == (False, 4, 1)


def test_the_words_of_a_timed_generator_are_counted(job: Job) -> None:
    rows = list(generation.speed(job))
    assert {row["what"].partition(",")[0] for row in rows} == {CAUSAL}
    longest = len(generation._sentences(8, generation.WORDS)[0].ending.split())
    for row in rows:
        tokens = row["generated_tokens_per_second"] * row["seconds"]
        assert tokens == pytest.approx(8 * generation.FAKES * longest)


def test_features_are_those_of_a_processor(job: Job) -> None:
    rows = list(features.tensors(job))
    assert len(rows) == 2 * (2 + len(features.STARTED) * 2 * 2)
    assert all(row["ok"] for row in rows)


def test_how_far_features_are_off_is_seen_and_rounding_error_is_not() -> None:
    wanted = {
        "text": torch.tensor([2.0, 4.0]),
        "blind": torch.tensor([1e-16]),
        "labels": torch.tensor([1, 0]),
    }
    found = {**wanted, "blind": torch.tensor([3e-16])}
    assert features._off(found, wanted) < features.OFF
    assert features._off({**wanted, "text": torch.tensor([2.0, 4.004])}, wanted) == pytest.approx(
        1e-3, rel=0.01
    )
    assert features._off({**wanted, "labels": torch.tensor([1, 1])}, wanted) == float("inf")


def test_a_race_tells_how_many_runs_there_was_time_for(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat = large.Heat("pair", 8, ("interlude",))
    monkeypatch.setattr(large, "TRIED", (heat, replace(heat, batch=4)))
    *rows, last = list(large.speed(replace(job, seconds=0.0)))
    assert [row["batch"] for row in rows] == [8, 4]
    assert (last["run"], last["of"]) == (2, 4)
    assert all(row["tokens_per_second"] > 0 for row in rows)


@needs_gpu
def test_of_two_processes_one_waits_for_the_gpu(job: Job) -> None:
    assert all(row["ok"] for row in processes.claims(replace(job, device="cuda")))
