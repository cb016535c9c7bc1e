"""A study: the config with its tasks and model, seeds and settings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.analysis.options import Options
from interlude.errors import InputError
from interlude.plan.planner import plan_of
from interlude.plan.rounds import cells_of_rounds, cells_to_choose_from, trainings_behind
from interlude.plan.settings import Settings
from interlude.plan.study import Study, load_study
from interlude.plan.tasks import Splits, load_task
from interlude.words import ROLES

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project folder with the tiny tasks and the tiny model declared."""
    tiny.write_registry(tmp_path)
    return tmp_path


def study(root: Path, **changes: Any) -> Study:
    return load_study(tiny.config(**changes), root, where="study.yaml")


def test_settings_of_a_task_go_before_those_of_its_role_before_defaults(root: Path) -> None:
    planned = study(
        root,
        training={"target": {"epochs": 7, "batch_size": 4}, "probing": {"epochs": 8}},
        overrides={"target": {"tiny-pair": {"epochs": 9}}, "probing": {"tiny-pair": {"epochs": 1}}},
    )
    assert planned.settings("target", "tiny-pair") == Settings(epochs=9, batch_size=4)
    assert planned.settings("target", "tiny-span") == Settings(epochs=7, batch_size=4)
    assert planned.settings("probing", "tiny-tagging") == Settings(epochs=8)
    assert planned.settings("intermediate", "tiny-single") == Settings()


def test_a_study_without_any_task_is_refused_unless_its_scores_are_published(root: Path) -> None:
    nothing: dict[str, Any] = {role: [] for role in ROLES}
    message = r"study\.yaml: keys intermediate, target, probing: found no task\. Allowed"
    with pytest.raises(InputError, match=message):
        study(root, **nothing)
    assert study(root, published="pruksachatkun", **nothing).tasks == {}


def test_a_task_that_is_looked_at_need_be_in_no_role(root: Path) -> None:
    planned = study(root, look="tiny-regression")
    assert "tiny-regression" in planned.tasks
    assert all("tiny-regression" not in planned.tasks_of(role) for role in ROLES)
    with pytest.raises(
        InputError, match=r"key look: unknown task 'tiny-pear'\. Did you mean 'tiny"
    ):
        study(root, look="tiny-pear")


def test_a_setting_can_be_put_back_to_null(root: Path) -> None:
    planned = study(
        root,
        training={"target": {"train_examples": 100}},
        overrides={"target": {"tiny-pair": {"train_examples": None}}},
    )
    assert planned.examples("target", "tiny-pair") is None
    assert planned.examples("target", "tiny-span") == 100


@pytest.mark.parametrize(
    ("seed", "role", "restart", "derived"),
    [
        (2020, "intermediate", 1, 53_641_212),
        (2020, "target", 1, 1_796_084_563),
        (2020, "probing", 3, 342_440_246),
        (0, "target", 1, 2_556_572_359),
    ],
)
def test_derived_seeds_never_change(
    root: Path, seed: int, role: str, restart: int, derived: int
) -> None:
    assert study(root, seed=seed).seed(role, restart) == derived


def test_derived_seeds_differ_by_study_seed_role_and_restart(root: Path) -> None:
    studies = [study(root, seed=seed, restarts=20) for seed in (0, 1, 2)]
    drawn = [
        planned.seed(role, restart)
        for planned in studies
        for role in ROLES
        for restart in range(1, 21)
    ]
    assert len(set(drawn)) == len(drawn)
    assert all(0 <= seed < 2**32 for seed in drawn)


def test_given_seeds_take_the_place_of_derived_ones(root: Path) -> None:
    triples = [(432, 1111, 555), (979, 4444, 777), (8664, 7777, 999)]
    given = [dict(zip(ROLES, triple, strict=True)) for triple in triples]
    planned = study(root, seeds=given)
    found = [[planned.seed(role, restart) for role in ROLES] for restart in (1, 2, 3)]
    assert found == [list(triple) for triple in triples]


def test_a_number_for_a_restart_is_the_seed_of_every_role(root: Path) -> None:
    planned = study(root, seeds=[42, 544460, {"intermediate": 1, "target": 2, "probing": 3}])
    found = [[planned.seed(role, restart) for role in ROLES] for restart in (1, 2, 3)]
    assert found == [[42] * 3, [544460] * 3, [1, 2, 3]]


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
        (
            {"task_folders": ["elsewhere"]},
            ["key task_folders: found elsewhere, which is no folder"],
        ),
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
    words = {"title": "x", "description": "y", "citation": "z", "licence": "w"}
    reworded = task.model_copy(update=words)
    assert reworded.data_declaration() == task.data_declaration()
    recut = task.model_copy(update={"splits": Splits(train="all[:50%]", validation="all[50%:]")})
    assert recut.data_declaration() != task.data_declaration()


def test_what_snakemake_imports_at_each_start_is_light() -> None:
    """Pandas and scipy would add more than a second to each start."""
    rules = "".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    names = set(re.findall(r"^from (interlude[\w.]*) import", rules, re.M))
    assert "interlude.plan.study" in names
    heavy = "{'pandas', 'scipy', 'torch', 'matplotlib'}"
    program = f"import sys, {', '.join(names)}; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY / "src")},
    )
    assert done.stdout == "set()\n"


def test_planning_fetching_and_analysis_import_no_torch() -> None:
    program = """
import importlib, pathlib, sys
import interlude
sources = pathlib.Path(interlude.__file__).parent
rooms = ("training", "forms", "generate", "encode", "look", "jobs", "selection")
trains = tuple(f"interlude.{name}" for name in rooms)
paths = [path.relative_to(sources.parent).with_suffix("") for path in sources.rglob("*.py")]
names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
assert "interlude.plan.study" in names and "interlude.analysis.transfer" in names, names
for name in names:
    if not name.startswith(trains):
        importlib.import_module(name)
        assert "torch" not in sys.modules, name
"""
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tiny-choice": [5]}, "key target_sizes: unknown target or probing task 'tiny-choice'"),
        ({"tiny-pair": [5, 5]}, "key target_sizes.tiny-pair"),
        ({"tiny-pair": [0]}, "key target_sizes.tiny-pair"),
        ({"tiny-pair": [64, 5]}, r"key target_sizes\.tiny-pair: found 64\. Allowed: below 64"),
    ],
)
def test_wrong_target_sizes_are_refused(given: Any, message: str, root: Path) -> None:
    limit = {"target": {"train_examples": 64}}
    with pytest.raises(InputError, match=f"study.yaml: {message}"):
        study(root, target_sizes=given, training=limit)


# Arms


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"arms": {"odd": [{"parts": ["task"]}, {"parts": ["source"]}]}},
            r"key arms\.odd: found the last stage \[source\], which holds no task to score",
        ),
        (
            {"arms": {"odd": [{"parts": ["tiny-pear"]}, {"parts": ["task"]}]}},
            r"key arms: unknown task 'tiny-pear'\. Did you mean 'tiny-pair'\?",
        ),
        (
            {"arms": {"odd": [{"parts": ["source"]}, {"parts": ["task"], "retrain": False}]}},
            r"key arms\.odd: found retrain in the last stage\. Allowed: in a stage before it\.",
        ),
        (
            {"arms": {"odd": [{"parts": ["task"], "carry_head": True}]}},
            r"key arms\.odd: found carry_head in the first stage",
        ),
        (
            {"arms": {"odd": [{"parts": ["task"], "sampler": "dynamic"}]}},
            r"key arms\.odd: found the sampler dynamic in a stage of \[task\]\. Allowed: where two",
        ),
        *(
            (
                {"arms": {"odd": [{"parts": ["task"], key: value}]}},
                rf"key arms\.odd: found {key} in a stage of \[task\], which mixes nothing",
            )
            for key, value in (
                ("sampler", "size"),
                ("mixing", "mixed"),
                ("kept", "mean"),
                ("heads", "by-labels"),
            )
        ),
        (
            {"arms": {"odd": [{"parts": ["task", "mlm"], "sampler": "dynamic"}]}},
            r"key arms\.odd: found the sampler dynamic in a stage of \[task, mlm\]\. .*without mlm",
        ),
        (
            {"arms": {"odd": [{"parts": ["task"]}, {"parts": ["source", "mlm"]}]}},
            r"key arms\.odd: found the last stage \[source, mlm\], which holds no task to score",
        ),
        (
            {"arms": {"odd": [{"parts": ["mlm"]}, {"parts": ["task"]}]}},
            r"key arms\.odd: found a stage \[mlm\] without texts\. Allowed: other parts",
        ),
        (
            {"arms": {"odd": [{"parts": ["task"], "texts": ["tiny-pair"]}]}},
            r"key arms\.odd: found texts in the stage \[task\]\. Allowed: in one with the part mlm",
        ),
        (
            {"arms": {"odd": [{"parts": ["task", "mlm"], "texts": ["source"]}]}},
            r"key arms\.odd: key texts: found source\. Allowed: source, in an arm that has one",
        ),
        (
            {"arms": {"odd": [{"parts": ["task", "mlm"], "texts": ["tiny-pear"]}]}},
            r"key arms: unknown task 'tiny-pear'\. Did you mean 'tiny-pair'\?",
        ),
        (
            {"arms": {"odd": [{"parts": ["task"], "frozen": True, "method": "lora"}]}},
            r"key arms\.odd: found frozen with the method lora, .*Allowed: with the method full",
        ),
        (
            {"arms": {"odd": [{"parts": ["source"]}, {"parts": ["task"], "weights": "random"}]}},
            r"key arms\.odd: found weights in a later stage, .*Allowed: in the first stage",
        ),
        (
            {"encoder": {"model": "tiny", "weights": "random", "method": "lora"}},
            r"key arms\.single: found weights: random with the method lora, .*with the method full",
        ),
        (
            {"encoder": {"model": "tiny", "weights": "drawn"}},
            r"key encoder\.weights: found 'drawn'\. Allowed: pretrained, random",
        ),
        (
            {"contrasts": [{"arm": "stilt", "against": "single"}]},
            r"key contrasts\.arm: unknown arm 'stilt'\. Did you mean 'stilts'\?",
        ),
        (
            {"contrasts": [{"arm": "stilts", "against": "stilts"}]},
            r"key contrasts: found stilts against itself\. Allowed: another arm\.",
        ),
        (
            {"contrasts": [{"arm": "single", "against": "stilts"}]},
            r"key contrasts: found single, which has no source, against stilts, which has\.",
        ),
    ],
)
def test_wrong_arms_are_refused(changes: dict[str, Any], message: str, root: Path) -> None:
    with pytest.raises(InputError, match=f"study.yaml: {message}"):
        study(root, **changes)


# The model


def test_words_of_a_model_s_file_do_not_count_and_its_weights_do(root: Path) -> None:
    path = root / "config/models/tiny.yaml"
    tiny.write_yaml(path, tiny.model_file())
    before = study(root).model.declared
    tiny.write_yaml(path, tiny.model_file(title="Other", licence="MIT", citation="me"))
    assert study(root).model.declared == before
    tiny.write_yaml(path, tiny.model_file(folder="models/other"))
    assert study(root).model.declared != before


def test_a_start_is_recommended_for_a_task_that_is_in_no_role(root: Path) -> None:
    nothing: dict[str, Any] = {role: [] for role in ROLES}
    planned = study(root, **nothing, recommend={"task": "tiny-pair"})
    assert [*planned.tasks] == ["tiny-pair"]
    with pytest.raises(InputError, match=r"recommend\.task: unknown task 'tiny-pear'"):
        study(root, **nothing, recommend={"task": "tiny-pear"})


PROBED = {"file": "truth.csv", "source": "s", "target": "t", "score": "y"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"selection": {"methods": ["size"]}, "intermediate": ["tiny-single"]},
            r"key selection: found 1 intermediate and .* Allowed: two or more to choose from",
        ),
        (
            {"selection": {"methods": ["size+leep"]}, "published": "pruksachatkun"},
            r"key selection\.methods: found leep in a study of published scores, which has no enc",
        ),
        (
            {
                "selection": {"methods": ["size", "logme"]},
                "intermediate": ["tiny-single", "tiny-choice"],
                "encoder": {"model": "tiny", "weights": "random"},
            },
            r"key selection\.methods: found logme in a study with weights: random",
        ),
        (
            {
                "selection": {"methods": ["size"], "truths": {"pruksachatkun": PROBED}},
                "published": "pruksachatkun",
            },
            r"key selection\.truths: found pruksachatkun, which is the study's own",
        ),
    ],
)
def test_selection_that_has_nothing_to_choose_or_to_read_is_refused(
    root: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        study(root, **changes)


def test_a_probe_that_the_study_does_not_have_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match=r"key selection\.probe: unknown probing or target task"):
        study(root, selection={"methods": ["probe"], "probe": "tiny-pear"})


def test_the_analysis_is_told_what_selection_is_judged(root: Path) -> None:
    given = {"methods": ["size", "size+static"], "truths": {"other": PROBED}}
    told = Options.from_json(study(root, selection=given).options).selection
    assert told is not None
    assert told.methods == ("size", "size+static")
    assert told.truth == tiny.config()["study"]
    assert told.truths["other"].columns == ["s", "t", "y"]


HOURS = {"task": "tiny-pair", "budget": "hours"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"intermediate": ["tiny-single", "tiny-pair"]},  # a task is no source of itself
            r"key intermediate: found 1 to choose from\. Allowed: two or more",
        ),
        ({"restarts": 1}, r"key restarts: found 1\. Allowed: 2 or more"),
        ({"grid": {"epochs": [1, 2]}}, r"key grid: found a grid of settings\. Allowed: null"),
    ],
)
def test_trainings_that_cannot_choose_a_start_are_refused(
    root: Path, changes: dict[str, Any], message: str
) -> None:
    enough = {"intermediate": ["tiny-single", "tiny-choice"], "restarts": 2}
    with pytest.raises(InputError, match=message):
        study(root, **{**enough, **changes, "recommend": HOURS})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"restarts": 3},
            r"key restarts: found 3\. Allowed: 4 or more, as cells are first looked at after 3, "
            r"with stop: when-known\.",
        ),
        (
            {"arms": {"single": [{"parts": ["task"]}]}},
            "key contrasts: found no arm that is compared",
        ),
        ({"statistics": {"paired": True}}, r"key statistics\.paired: found true\. Allowed: false"),
        ({"grid": {"epochs": [1, 2]}}, r"key grid: found a grid of settings\. Allowed: null"),
        ({"sizes": {"tiny-single": [8]}}, r"key sizes: found sizes\. Allowed: none"),
        ({"target_sizes": {"tiny-pair": [8]}}, r"key target_sizes: found sizes\. Allowed: none"),
        ({"stability": {}}, r"key stability: found tables of trials\. Allowed: null"),
        ({"recommend": HOURS}, r"key recommend\.budget: found hours\. Allowed: another"),
        (
            {"stop": None},
            r"key negligible: found 1(\.0)? without stop\. Allowed: with stop: when-kn",
        ),
        ({"stop": "soon"}, r"key stop: found 'soon'\. Allowed: when-known"),
        ({"negligible": 0}, r"key negligible: found 0\. Allowed: .*\(above 0\)"),
    ],
)
def test_a_study_that_cannot_stop_when_it_knows_is_refused(
    root: Path, changes: dict[str, Any], message: str
) -> None:
    enough = {"restarts": 4, "stop": "when-known", "negligible": 1}
    with pytest.raises(InputError, match=message):
        study(root, **{**enough, **changes})
    assert study(root, **enough).config.stop == "when-known"


def test_a_task_that_a_start_is_chosen_for_by_trainings_is_a_target(root: Path) -> None:
    given = {"intermediate": ["tiny-single", "tiny-choice"], "restarts": 2, "target": []}
    planned = study(root, **given, recommend=HOURS)
    plan = plan_of(planned)
    cells = cells_to_choose_from(planned, plan, "tiny-pair")
    assert Counter(cell.source for cell in cells) == dict.fromkeys(
        ["none", "tiny-single", "tiny-choice"], 2
    )
    grid = trainings_behind(cells, plan)
    assert len(grid) == 2 + 2 * 2 * 2
    assert grid <= plan.trainings.keys()
    rounds = [(["tiny-single", "tiny-choice"], 1), (["tiny-choice"], 2)]
    trained = cells_of_rounds(cells, rounds)
    assert len(trained) == 3 + 2
    assert trainings_behind(trained, plan) < grid
