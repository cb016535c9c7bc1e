"""Planning: from a config to the list of runs, their seeds and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from interlude.errors import InputError
from interlude.plan.runspec import RunSpec, Settings
from interlude.plan.study import KINDS, Design, Run, Study, load_study
from interlude.plan.tasks import load_task

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project folder with the tiny tasks and the tiny model declared."""
    tiny.write_registry(tmp_path)
    return tmp_path


def study(root: Path, **changes: Any) -> Study:
    return load_study(tiny.config(**changes), root, where="study.yaml")


def design(n_intermediate: int, n_target: int, n_probing: int, **changes: Any) -> Design:
    names = {
        "intermediate": [f"i{i}" for i in range(n_intermediate)],
        "target": [f"t{i}" for i in range(n_target)],
        "probing": [f"p{i}" for i in range(n_probing)],
    }
    return Design(**{"restarts": 3, "retrain_intermediate": True, **names, **changes})


def counts(planned: Design) -> dict[str, int]:
    return dict(Counter(run.kind for run in planned.runs()))


def test_the_published_design_has_33_and_1260_runs() -> None:
    # Pruksachatkun et al. 2020: 11 intermediate, 10 target and 25 probing tasks, 3 restarts.
    found = counts(design(11, 10, 25))
    assert found == {"intermediate": 33, "target": 12 * 10 * 3, "probing": 12 * 25 * 3}
    assert found["target"] + found["probing"] == 1260


def test_an_intermediate_model_trained_once_is_planned_once() -> None:
    found = counts(design(11, 10, 25, retrain_intermediate=False))
    assert found == {"intermediate": 11, "target": 360, "probing": 900}


def test_planned_runs_are_the_full_grid_without_duplicates() -> None:
    planned = list(design(2, 1, 1, restarts=2).runs())
    trained = {Run("intermediate", "none", task, n) for task in ("i0", "i1") for n in (1, 2)}
    evaluated = {
        Run(kind, source, task, n)
        for kind, task in (("target", "t0"), ("probing", "p0"))
        for source in ("none", "i0", "i1")
        for n in (1, 2)
    }
    assert len(planned) == len(set(planned))
    assert set(planned) == trained | evaluated


def test_a_study_without_intermediate_tasks_has_its_baselines() -> None:
    planned = list(design(0, 1, 0, restarts=1).runs())
    assert planned == [Run("target", "none", "t0", 1)]


def test_path_of_a_run_names_kind_source_task_and_restart() -> None:
    assert Run("target", "sarcasm", "disfl-qa", 2).path == "target/sarcasm/disfl-qa/2"


def test_design_survives_json() -> None:
    planned = design(2, 1, 1)
    assert list(Design.from_json(planned.to_json()).runs()) == list(planned.runs())


def test_spec_survives_json(root: Path) -> None:
    planned = study(root)
    for run in planned.design.runs():
        spec = planned.spec(run)
        assert RunSpec.from_json(spec.to_json()) == spec


def test_spec_with_an_unknown_or_a_missing_field_is_refused() -> None:
    document = json.loads(tiny.spec("single").to_json())
    for broken in (document | {"extra": 1}, {k: v for k, v in document.items() if k != "seed"}):
        with pytest.raises(TypeError):
            RunSpec.from_json(json.dumps(broken))


def test_spec_says_all_that_a_run_depends_on(root: Path) -> None:
    planned = study(root, seed=3, encoder={"model": "tiny", "layers": 1}, compute={"device": "cpu"})
    spec = planned.spec(Run("target", "tiny-choice", "tiny-span", 2))
    assert spec == RunSpec(
        study="tiny",
        kind="target",
        source="tiny-choice",
        task="tiny-span",
        restart=2,
        seed=planned.seed("target", 2),
        source_seed=planned.seed("intermediate", 2),
        form="span",
        metric="qa_f1_em",
        model="tiny",
        layers=1,
        device="cpu",
        precision="auto",
        settings=Settings(),
    )


def test_a_baseline_has_no_source_seed(root: Path) -> None:
    assert study(root).spec(Run("target", "none", "tiny-span", 2)).source_seed is None


def test_settings_of_a_task_go_before_those_of_its_kind_before_defaults(root: Path) -> None:
    planned = study(
        root,
        training={"target": {"epochs": 7, "batch_size": 4}, "probing": {"epochs": 8}},
        overrides={"target": {"tiny-pair": {"epochs": 9}}, "probing": {"tiny-pair": {"epochs": 1}}},
    )
    assert planned.settings("target", "tiny-pair") == Settings(epochs=9, batch_size=4)
    assert planned.settings("target", "tiny-span") == Settings(epochs=7, batch_size=4)
    assert planned.settings("probing", "tiny-tagging") == Settings(epochs=8)
    assert planned.settings("intermediate", "tiny-single") == Settings()


def test_a_setting_can_be_put_back_to_null(root: Path) -> None:
    planned = study(
        root,
        training={"target": {"train_examples": 100}},
        overrides={"target": {"tiny-pair": {"train_examples": None}}},
    )
    assert planned.settings("target", "tiny-pair").train_examples is None


@pytest.mark.parametrize(
    ("seed", "kind", "restart", "derived"),
    [
        (2020, "intermediate", 1, 53_641_212),
        (2020, "target", 1, 1_796_084_563),
        (2020, "probing", 3, 342_440_246),
        (0, "target", 1, 2_556_572_359),
    ],
)
def test_derived_seeds_never_change(
    root: Path, seed: int, kind: str, restart: int, derived: int
) -> None:
    assert study(root, seed=seed).seed(kind, restart) == derived


def test_derived_seeds_differ_by_study_seed_kind_and_restart(root: Path) -> None:
    studies = [study(root, seed=seed, restarts=20) for seed in (0, 1, 2)]
    drawn = [
        planned.seed(kind, restart)
        for planned in studies
        for kind in KINDS
        for restart in range(1, 21)
    ]
    assert len(set(drawn)) == len(drawn)
    assert all(0 <= seed < 2**32 for seed in drawn)


def test_given_seeds_take_the_place_of_derived_ones(root: Path) -> None:
    triples = [(432, 1111, 555), (979, 4444, 777), (8664, 7777, 999)]
    given = [dict(zip(KINDS, triple, strict=True)) for triple in triples]
    planned = study(root, seeds=given)
    found = [[planned.seed(kind, restart) for kind in KINDS] for restart in (1, 2, 3)]
    assert found == [list(triple) for triple in triples]


def test_every_run_starts_from_restart_1_where_the_intermediate_model_is_trained_once(
    root: Path,
) -> None:
    planned = study(root, retrain_intermediate=False)
    run = Run("target", "tiny-single", "tiny-pair", 3)
    assert planned.source_restart(run) == 1
    assert planned.spec(run).source_seed == planned.seed("intermediate", 1)
    assert planned.spec(run).seed == planned.seed("target", 3)


@pytest.mark.parametrize("entries", [0, 1, 4])
def test_seeds_for_another_number_of_restarts_are_refused(root: Path, entries: int) -> None:
    given = [{"intermediate": 1, "target": 2, "probing": 3}] * entries
    message = rf"study\.yaml: key seeds: found {entries} entries\. Allowed: 3, one per restart\."
    with pytest.raises(InputError, match=message):
        study(root, seeds=given)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"target": ["tiny-pear"]}, ["key target", "'tiny-pear'", "Did you mean 'tiny-pair'?"]),
        ({"intermediate": ["zzz"]}, ["key intermediate", "'zzz'", "Allowed: tiny-"]),
        (
            {"overrides": {"probing": {"tiny-tag": {"epochs": 1}}}},
            ["key overrides.probing", "'tiny-tag'"],
        ),
        ({"encoder": {"model": "tinny"}}, ["key encoder.model", "Did you mean 'tiny'?"]),
        ({"task_folders": ["elsewhere"]}, ["unknown task 'tiny-single'", "Allowed: none"]),
        ({"intermediate": ["none"]}, ["key intermediate.0", "found 'none'"]),
    ],
)
def test_unknown_names_are_refused(root: Path, changes: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        study(root, **changes)
    for part in ["study.yaml: ", *parts]:
        assert part in str(raised.value)


def test_only_the_task_files_that_a_study_names_must_be_valid(root: Path) -> None:
    tiny.write_yaml(root / "config/tasks/unused.yaml", {"name": "something else"})
    assert "unused" not in study(root).tasks


def test_a_task_file_is_checked_with_its_path(root: Path) -> None:
    path = root / "config/tasks/tiny-pair.yaml"
    tiny.write_yaml(path, tiny.task_file("pair") | {"form": "pears"})
    with pytest.raises(InputError, match=r"tiny-pair\.yaml: key form: found 'pears'.*'pair'"):
        study(root)


def test_a_task_file_must_be_named_like_its_task(root: Path) -> None:
    path = tiny.write_yaml(root / "config/tasks/other.yaml", tiny.task_file("pair"))
    message = r"other\.yaml: key name: found 'tiny-pair'\. Allowed: 'other'"
    with pytest.raises(InputError, match=message):
        load_task(path)


@pytest.mark.parametrize(
    ("form", "metric"), [("span", "accuracy"), ("tagging", "qa_f1_em"), ("choice", "matthews")]
)
def test_a_metric_that_does_not_fit_the_form_is_refused(root: Path, form: str, metric: str) -> None:
    path = root / f"config/tasks/tiny-{form}.yaml"
    tiny.write_yaml(path, tiny.task_file(form) | {"metric": metric})
    message = rf"tiny-{form}\.yaml: key metric: unknown metric of the form {form} '{metric}'"
    with pytest.raises(InputError, match=message):
        load_task(path)


@pytest.mark.parametrize(
    ("form", "metric"), [("single", "accuracy_f1"), ("answer-option", "multirc")]
)
def test_a_metric_of_two_labels_is_refused_for_three(root: Path, form: str, metric: str) -> None:
    labels = {"labels": ["no", "perhaps", "yes"]}
    path = root / f"config/tasks/tiny-{form}.yaml"
    tiny.write_yaml(path, tiny.task_file(form) | {"metric": metric} | labels)
    message = rf"tiny-{form}\.yaml: key labels: found 3 \(no, perhaps, yes\)\. Allowed: two, with"
    with pytest.raises(InputError, match=message):
        load_task(path)


def test_a_later_task_folder_goes_before_an_earlier_one(root: Path) -> None:
    mine = tiny.task_file("pair") | {"title": "Mine"}
    tiny.write_yaml(root / "mine/tiny-pair.yaml", mine)
    planned = study(root, task_folders=["config/tasks", "mine"])
    assert planned.tasks["tiny-pair"].title == "Mine"
    assert planned.tasks["tiny-span"].title == "Tiny span"


def test_data_of_a_task_depend_on_its_rows_and_not_on_its_words(root: Path) -> None:
    task = study(root).tasks["tiny-pair"]
    reworded = replace(task, title="x", description="y", citation="z", licence="w")
    assert reworded.data_declaration() == task.data_declaration()
    recut = replace(task, splits={"train": "all[:50%]", "validation": "all[50%:]"})
    assert recut.data_declaration() != task.data_declaration()


def test_planning_fetching_and_analysis_import_no_torch() -> None:
    program = """
import importlib, pathlib, sys
import interlude
sources = pathlib.Path(interlude.__file__).parent
trains = tuple(f"interlude.{name}" for name in ("training", "forms", "encode", "jobs"))
paths = [path.relative_to(sources.parent).with_suffix("") for path in sources.rglob("*.py")]
names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
assert "interlude.plan.study" in names and "interlude.analysis.runs" in names, names
for name in names:
    if not name.startswith(trains):
        importlib.import_module(name)
        assert "torch" not in sys.modules, name
"""
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


# Sizes of intermediate tasks


def sizes(root: Path, **changes: Any) -> Study:
    return study(root, sizes={"tiny-choice": [50, 100]}, **changes)


def test_each_size_is_a_source_with_runs_of_its_own(root: Path) -> None:
    plain, planned = (list(made.design.runs()) for made in (study(root), sizes(root)))
    added = set(planned) - set(plain)
    assert len(planned) == len(plain) + len(added)
    names = ("tiny-choice@50", "tiny-choice@100")
    targets = {"target": ("tiny-pair", "tiny-span"), "probing": ("tiny-tagging",)}
    assert added == {
        *(Run("intermediate", "none", name, n) for name in names for n in (1, 2, 3)),
        *(
            Run(kind, name, task, n)
            for kind, tasks in targets.items()
            for name in names
            for task in tasks
            for n in (1, 2, 3)
        ),
    }


def test_a_size_is_told_to_its_intermediate_run_alone(root: Path) -> None:
    made = sizes(root)
    whole, part = (
        made.spec(Run("intermediate", "none", name, 1))
        for name in ("tiny-choice", "tiny-choice@50")
    )
    assert part.settings == replace(whole.settings, train_examples=50)
    assert replace(part, task=whole.task, settings=whole.settings) == whole
    started = made.spec(Run("target", "tiny-choice@50", "tiny-pair", 1))
    plain = made.spec(Run("target", "tiny-choice", "tiny-pair", 1))
    assert replace(started, source="tiny-choice") == plain


def test_sizes_have_titles_and_may_stand_in_the_run_table(root: Path) -> None:
    scope = study(root, sizes={"tiny-choice": [1250]}).scope
    assert scope["titles"]["tiny-choice@1250"] == "Tiny choice (1,250)"
    assert "tiny-choice@1250" in scope["tasks"]


def test_a_design_with_sizes_survives_json(root: Path) -> None:
    planned = sizes(root).design
    assert Design.from_json(planned.to_json()) == planned


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tiny-pair": [5]}, "key sizes: unknown intermediate task 'tiny-pair'"),
        ({"tiny-choice": [5, 5]}, "key sizes.tiny-choice"),
        ({"tiny-choice": [0]}, "key sizes.tiny-choice"),
        ({"tiny-choice": []}, "key sizes.tiny-choice"),
        ({"tiny-choice": [5, 64]}, r"key sizes\.tiny-choice: found 64\. Allowed: below 64"),
    ],
)
def test_wrong_sizes_are_refused(given: Any, message: str, root: Path) -> None:
    limit = {"intermediate": {"train_examples": 64}}
    with pytest.raises(InputError, match=f"study.yaml: {message}"):
        study(root, sizes=given, training=limit)
