"""What may make what run again after a change of code: the table of docs/run.md, line by line.

Each edit is made in a finished project. Files of a user count by content: see test_contents.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from helpers import tiny
from helpers.project import Project

Edit = tuple[str, str, str]  # file, old text, new text

SOURCES = "src/interlude"
TRAINING = {"train_intermediate": 2, "train_target": 8, "train_probe": 8}
UNUSED = "\n\ndef unused() -> int:\n    return 1\n"

NEW_FILES = {
    f"{SOURCES}/forms/new_form/__init__.py": "",
    f"{SOURCES}/forms/new_form/rows.py": "ROWS = None\n",
    f"{SOURCES}/forms/new_form/head.py": "class NewForm: ...\n",
    f"{SOURCES}/metrics/new_metric.py": "def new_metric() -> None: ...\n",
    f"{SOURCES}/data/fetch/new_origin.py": "ADDED = 1\n",
    f"{SOURCES}/selection/new_estimator.py": "ADDED = 1\n",
    "config/new-page.md": "# New\n",
}
NO_NUMBER_DEPENDS_ON: list[Edit] = [
    # words of log lines and messages, comments, docstrings, layout
    (f"{SOURCES}/jobs/shared.py", "copied from", "found in"),
    (f"{SOURCES}/jobs/perform.py", "step {step} of", "at step {step} of"),
    (f"{SOURCES}/jobs/failure.py", "out of memory: ", "memory was short: "),
    (f"{SOURCES}/errors.py", "Allowed", "Possible"),
    (f"{SOURCES}/training/data.py", "raise InputError(\n", "raise InputError(  # why\n\n"),
    (f"{SOURCES}/training/loop.py", '"""The training loop. ', '# a comment\n"""The loop. '),
    (f"{SOURCES}/jobs/arguments.py", "how often the state is saved", "how often it is saved"),
    # how a GPU is claimed, what surrounds a training
    (f"{SOURCES}/jobs/claims.py", "WAIT_SECONDS = 0.5", "WAIT_SECONDS = 2"),
    (f"{SOURCES}/jobs/meter.py", "\n\n\ndef ", f"{UNUSED}\n\ndef "),
    (f"{SOURCES}/jobs/checkpoint.py", "\n\n\nclass ", f"{UNUSED}\n\nclass "),
    # fetching and planning
    (f"{SOURCES}/data/fetch/mirror.py", 'KEYS = {"dataset", ', 'KEYS = {"title", "dataset", '),
    (f"{SOURCES}/data/fetch/hub.py", "\n\n\ndef ", f"{UNUSED}\n\ndef "),
    (f"{SOURCES}/plan/planner.py", "\n\n\ndef ", f"{UNUSED}\n\ndef "),
    (f"{SOURCES}/forms/declaration.py", '"evaluate")', '"evaluate", "new_metric")'),
    (
        f"{SOURCES}/plan/config.py",
        "class Config(Declared):\n",
        "class Config(Declared):\n    new_key: int = Field(1, description='new')\n",
    ),
]


@contextmanager
def edited(project: Project, *edits: Edit) -> Iterator[None]:
    with ExitStack() as stack:
        for edit in edits:
            stack.enter_context(project.edited(*edit))
        yield


@contextmanager
def added(project: Project, files: dict[str, str]) -> Iterator[None]:
    """Add files to a project for a while."""
    paths = [project.root / name for name in files]
    new = {path.parent for path in paths if not path.parent.exists()}
    for path, content in zip(paths, files.values(), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    try:
        yield
    finally:
        for path in paths:
            path.unlink()
        for folder in new:
            shutil.rmtree(folder)


def test_what_is_new_runs_nothing_that_exists(finished: Project) -> None:
    with added(finished, NEW_FILES):
        assert finished.planned() == {}


def test_code_on_which_no_number_depends_runs_nothing(finished: Project) -> None:
    with edited(finished, *NO_NUMBER_DEPENDS_ON):
        assert finished.planned() == {}


def test_names_of_arms_train_nothing(finished: Project) -> None:
    stages = {"alone": ["task"], "by-way-of": ["source", "task"]}
    arms = {name: [{"parts": [part]} for part in parts] for name, parts in stages.items()}
    tiny.write_yaml(finished.root / "arms.yaml", {"arms": arms})
    again = ("--configfile", "tiny.yaml", "arms.yaml", "--config", "study=renamed")
    assert finished.trainings_planned(*again) == {}


@pytest.mark.parametrize(
    ("edit", "trained"),
    [
        (("forms/span/head.py", "MOST_TOKENS = 30", "MOST_TOKENS = 31"), {"train_probe": 4}),
        (("metrics/entity_f1.py", 'prefix == "I"', 'prefix != "B"'), {"train_target": 4}),
        (("training/loop.py", "mean > max", "mean >= max"), TRAINING),
        (("training/optimizer.py", "weight.ndim > 1", "weight.ndim > 2"), TRAINING),
        (("training/dropout.py", "BITS = 15", "BITS = 14"), TRAINING),
    ],
    ids=["head of one form", "formula of one metric", "loop", "optimizer", "dropout"],
)
def test_code_that_trains_runs_the_trainings_that_use_it(
    edit: Edit, trained: dict[str, int], finished: Project
) -> None:
    file, old, new = edit
    with finished.edited(f"{SOURCES}/{file}", old, new):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == trained
    assert not {"download_archive", "prepare_model", "normalise_task", "encode_task"} & set(planned)


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("analysis/transfer.py", {"make_tables", "make_figures", "write_answer", "make_report"}),
        ("figures/style.py", {"make_figures", "write_answer", "make_report"}),
        ("analysis/answer_page.py", {"write_answer", "make_report"}),
        ("report/contents.py", {"make_report"}),
    ],
)
def test_code_of_tables_and_figures_makes_these_again(
    file: str, made: set[str], finished: Project
) -> None:
    with finished.edited(f"{SOURCES}/{file}", "\nimport ", "\nimport math\nimport "):
        planned = finished.planned().keys()
    assert made <= planned
    assert not [rule for rule in planned if rule.startswith(("train_", "encode_", "collect_"))]
    assert ("make_tables" in planned) == ("make_tables" in made)


def test_data_made_anew_with_the_same_content_take_no_step_of_training(
    finished: Project, tmp_path: Path
) -> None:
    project = Project(tmp_path / "interlude")
    shutil.copytree(finished.root, project.root)
    before = {training: outcome(project, training) for training in project.trained_at()}
    shutil.rmtree(project.root / "results/data")
    for file in ("data/read/readers.py", "forms/values.py", "encode/encoding.py"):
        path = project.root / SOURCES / file
        path.write_text(path.read_text() + UNUSED)
    wanted = ("intermediate", "targets", "probing")
    expected = {**TRAINING, "normalise_task": 5, "encode_task": 5}
    assert project.planned(*wanted).items() >= expected.items()
    project.run(*wanted)
    assert {training: outcome(project, training) for training in before} == before
    for training in before:
        assert "step" not in project.log(training)
        assert "copied from" in project.log(training)
    assert project.planned(*wanted) == {}


def outcome(project: Project, training: Path) -> tuple[object, bytes]:
    """Return the record, but for where it was taken from, and the predictions of a training."""
    record = project.record_in(training)
    kept = {
        name: value for name, value in record.items() if name not in ("taken_from", "made_from")
    }
    return kept, (project.root / training / "predictions.parquet").read_bytes()
