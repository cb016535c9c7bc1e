"""The command line of a training job: read as it is told, and told by the rules' own program."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.jobs.arguments import Job, JobFiles, job_of, job_parser
from interlude.plan.trainings import Choice, Training

ONE = tiny.training("single")
CHOICE = Choice(("1" * 16, "2" * 16), ("learning_rate",), "{}")


def read(line: list[str]) -> Namespace:
    return job_parser(None).parse_args(line)


def told(training: Training, *more: str) -> list[str]:
    files = tiny.files(Path("m"), Path("e"), Path("results/trained/1"))
    return [*tiny.arguments(tiny.job(training, files)), *more]


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"keep_start": True},
        {"start": Path("results/trained/0/start"), "shared": Path("/data/all of us")},
    ],
)
def test_a_job_is_read_as_it_is_told(places: dict[str, Path]) -> None:
    files = tiny.files(Path("a model"), Path("encoded"), Path("results/trained/1"), **places)
    job = Job(replace(ONE, start="0" * 16), files, "c0de", 'stilts target: "a" > b', "3f a1")
    line = [*tiny.arguments(tiny.job(job.training, files)), "--made-from", "3f a1"]
    line[line.index("--name") + 1] = job.name
    assert job_of(read(line)) == job


def test_a_training_on_several_tasks_has_an_encoding_of_each() -> None:
    line = told(ONE)
    at = line.index("--encoded=e")
    line[at : at + 1] = ["--encoded", "first", "second"]
    assert job_of(read(line)).files.encoded == (Path("first"), Path("second"))


def test_so_many_may_share_its_gpu() -> None:
    given = ([], ["--runs-per-gpu=8"], ["--runs-per-gpu=auto"])
    assert [read(told(ONE, *each)).runs_per_gpu for each in given] == [1, 8, "auto"]


def test_a_training_leaves_all_in_its_folder() -> None:
    files = JobFiles(Path("m"), (Path("e"),), Path("trained/1"), keep_start=True)
    assert files.record == Path("trained/1/record.json")
    assert files.predictions == Path("trained/1/predictions.parquet")
    assert files.checkpoint == Path("trained/1/checkpoint.safetensors")
    assert files.own_start == Path("trained/1/start")
    assert replace(files, keep_start=False).own_start is None


def test_chosen_settings_go_over_those_of_the_training_and_its_id_stays(tmp_path: Path) -> None:
    choice = tmp_path / "chosen.json"
    choice.write_text(json.dumps({"point": 2, "settings": {"learning_rate": 0.5}}))
    planned = replace(ONE, choice=CHOICE)
    found = job_of(read(told(planned, "--chosen", str(choice)))).training
    assert found.settings == tiny.settings(learning_rate=0.5)
    assert found.id == planned.id
    assert job_of(read(told(planned))).training == planned


def test_where_nothing_was_chosen_the_settings_of_the_config_stay(tmp_path: Path) -> None:
    choice = tmp_path / "chosen.json"
    choice.write_text('{"point": null, "settings": {}}')
    assert job_of(read(told(ONE, "--chosen", str(choice)))).training == ONE


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b'{"point": 1, "set', b"[]", b"null", b'{"point": 1}', b"\xff\xfe"),
        *(b'{"settings": {"lerning_rate": 1}}', b'{"settings": 1}'),
    ],
)
def test_a_broken_choice_is_named_and_not_used(content: bytes, tmp_path: Path) -> None:
    choice = tmp_path / "chosen.json"
    choice.write_bytes(content)
    with pytest.raises(InputError, match=rf"{choice}: not a whole choice .* Delete it and run"):
        job_of(read(told(ONE, "--chosen", str(choice))))


@pytest.mark.parametrize("training", ["", "{}", '{"seed": 1}', "no JSON", '{"parts": 1}'])
def test_a_training_that_is_none_is_refused(
    training: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(ONE)
    line[line.index("--training") + 1] = training
    with pytest.raises(SystemExit, match="2"):
        read(line)
    assert "argument --training: invalid" in capsys.readouterr().err
