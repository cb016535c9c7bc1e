"""Mistakes of a user: one clear message, a non-zero exit, nothing half-written left behind."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest
from helpers.project import Project, snakemake_command

from interlude.jobs.console import INTERRUPTED


def fails(project: Project, *arguments: str) -> str:
    """Run snakemake, which must fail, and return what it printed."""
    done = project.snakemake("--cores", "1", *arguments)
    assert done.returncode != 0
    return done.stdout


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("restart=2", "unknown key 'restart'. Did you mean 'restarts'?"),
        ("target=[boolk]", "unknown task 'boolk'. Did you mean 'boolq'?"),
        ("task_folders=[nowhere]", "key task_folders: found nowhere, which is no folder"),
    ],
)
def test_a_wrong_config_is_refused_before_anything_is_done(
    project: Project, config: str, said: str
) -> None:
    output = fails(project, "--config", config)
    assert said in output
    assert "Allowed: " in output
    assert "tiny.yaml" in output
    assert "Traceback" not in output
    assert not (project.root / "results").exists()


def test_a_wrong_setting_is_refused_before_anything_is_done(project: Project) -> None:
    with project.edited("tiny.yaml", "target: {epochs: 2", "target: {epochs: -1"):
        output = fails(project)
    assert "tiny.yaml: key training.target.epochs: found -1" in output
    assert not (project.root / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--configfile tiny.yaml targets", "--configfile: found targets, which is no file."),
        ("--configfile mine.yaml", "--configfile: found mine.yaml, which is no file."),
        ("--config seed=3 targets", "--config: found targets, which is no key=value."),
    ],
)
def test_an_option_that_takes_a_target_for_its_own_is_refused(
    project: Project, arguments: str, said: str
) -> None:
    output = fails(project, *arguments.split())
    assert f"error: {said} It takes all words that follow it: a target goes before" in output
    assert "Traceback" not in output


def test_ctrl_c_while_the_plan_is_made_is_one_line(project: Project) -> None:
    folder = project.root / "waits"
    folder.mkdir()
    os.mkfifo(folder / "sarcasm.yaml")  # who reads it waits until it is written
    command = [*snakemake_command(), "--cores", "1", "--configfile", "tiny.yaml"]
    with Popen(
        [*command, "--config", "task_folders=[config/tasks,waits]"],
        cwd=project.root,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
    ) as process:
        writer = None
        while writer is None and process.poll() is None:
            with suppress(OSError):  # no reader yet
                writer = os.open(folder / "sarcasm.yaml", os.O_WRONLY | os.O_NONBLOCK)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert writer is not None, output
    os.close(writer)
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in output
    assert output.splitlines()[-1] == INTERRUPTED


def test_a_comparison_with_a_study_that_is_not_there_is_refused_at_the_start(
    project: Project,
) -> None:
    (project.root / "mine.yaml").write_text("compare: {study: other}\n")
    output = fails(project, "--configfile", "tiny.yaml", "mine.yaml")
    assert "key compare.study: found other, which has no results/other/" in output
    assert "Allowed: a study that was run in this folder: none yet." in output
    assert not any((project.root / "results").rglob("record.json"))


@pytest.mark.parametrize("file", ["tiny.yaml", "config.yaml"])
def test_a_config_with_a_key_twice_is_refused(project: Project, file: str) -> None:
    lines = (project.root / file).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("study:"))
    with project.edited(file, lines[0], f"study: twice\n{lines[0]}"):
        output = fails(project, "--configfile", file, "--dry-run")
    said = f"key study: found twice, in lines 1 and {line + 1}. Allowed: once."
    assert f"{file}: {said}" in output
    assert "Traceback" not in output
    assert not (project.root / "results").exists()


def test_a_cache_folder_that_cannot_be_written_is_named_with_a_way_out(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "file"
    home.write_text("no folder")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))
    output = fails(project, "--dry-run")
    assert f"error: {home}/.cache/snakemake: cannot be written (Not a directory). Set XDG_CACH" in (
        output
    )
    assert "Traceback" not in output
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert project.snakemake("--dry-run").returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("form: single", "form: singel", "found 'singel'. Did you mean 'single'?"),
        ("metric: accuracy", "metrik: accuracy", "unknown key 'metrik'. Did you mean 'metric'?"),
        ("metric: accuracy", "metric: acuracy", "found 'acuracy'. Did you mean 'accuracy'?"),
        ("metric: accuracy", "metric: qa_f1_em", "unknown metric of the form single 'qa_f1_em'"),
    ],
)
def test_a_wrong_task_file_is_refused_before_anything_is_done(
    project: Project, old: str, new: str, said: str
) -> None:
    with project.edited("config/tasks/sarcasm.yaml", old, new):
        output = fails(project)
    assert said in output
    assert "sarcasm.yaml" in output
    assert not (project.root / "results").exists()


DATA = "results/data/sarcasm/manifest.json"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("config/tasks/sarcasm.yaml", "text: text", "text: headline", "no column 'headline'"),
        ("config/tasks/sarcasm.yaml", 'labels: ["0", "1"]', 'labels: ["0", "2"]', "unknown label"),
        ("config/tasks/sarcasm.yaml", "sarcasm/samples.jsonl", "sarcasm/sample.jsonl", "samples"),
        ("config/archives.yaml", "0abcb205130350", "0abcb205130351", "sha256"),
    ],
)
def test_data_that_do_not_fit_leave_no_data_behind(
    project: Project, file: str, old: str, new: str, said: str
) -> None:
    with project.edited(file, old, new):
        output = fails(project, DATA)
    assert said in output
    assert "error: " in output
    assert leftovers(project.root / "results/data") == []


def test_an_unreachable_index_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    output = fails(project, DATA)
    assert "evals" in output
    assert "error: " in output
    assert leftovers(project.root / "results") == []
    assert leftovers(tmp_path / "empty-cache") == []


def leftovers(folder: Path) -> list[Path]:
    """Files below a folder, but for logs and what each start leaves: the plan, and the origins."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    return [path for path in files if path.name not in ("plan.csv", "origins.json")]
