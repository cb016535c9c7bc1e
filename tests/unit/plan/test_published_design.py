"""The published study as a config: every number against the reference table and the facts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from interlude.data.fetch.availability import why_unavailable
from interlude.data.fetch.places import places_of
from interlude.plan.config import Config
from interlude.plan.planner import check_mixtures, plan_of
from interlude.plan.settings import Settings
from interlude.plan.study import Study, load_study
from interlude.plan.tasks import Task
from interlude.words import ROLES

ROOT = Path(__file__).parents[3]
OVERLAY = "config/studies/pruksachatkun2020.yaml"

# Names of the reference table where they are not the title of the task.
TITLES = {"CSenseQA": "CommonsenseQA", "AJ-CoLA": "CoLA"}
NOT_IN_THE_PAPER = ["SQuAD (listed, not in the paper)"]

# Steps from one validation to the next, and epochs, where they are not 5,000 and 10; validations
# of edge probing, whose training is not bounded by epochs.
INTERVALS = {
    **{"COPA": 100, "RTE": 625, "BoolQ": 2400, "CB": 60, "MultiRC": 1000, "WiC": 1000},
    **{"WSC": 130, "CommonsenseQA": 2500},
    **{"AJ-Coord": 91, "AJ-Def": 101, "AJ-EOS": 95, "AJ-Wh": 416},
    **dict.fromkeys(["EP-SPR1", "EP-SPR2", "EP-DPR", "EP-Rel"], 100),
    **dict.fromkeys(["EP-POS", "EP-Const", "EP-NER", "EP-SRL", "EP-Coref", "EP-UD"], 1000),
}
EPOCHS = {"COPA": 40, "CB": 40, "WSC": 40}
VALIDATIONS = {100: 100, 1000: 250}  # by interval
SEEDS = [(1111001, 1111002, 1111003), (523821, 523822, 523823), (921, 922, 923)]


def config() -> dict[str, Any]:
    """Return the config as it is written."""
    written: dict[str, Any] = yaml.safe_load((ROOT / OVERLAY).read_text())
    return written


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(config(), ROOT, OVERLAY)


@pytest.fixture(scope="module")
def settings(study: Study) -> dict[tuple[str, str], Settings]:
    """Settings by role and title of the task."""
    return {
        (role, study.tasks[task].title): study.settings(role, task)
        for role in ROLES
        for task in study.tasks_of(role)
    }


def reference() -> pd.DataFrame:
    """Return the published hyperparameters by role and title of the task."""
    table = pd.read_csv(ROOT / "reference/pruksachatkun_hparams.csv")
    table = table[table["role"].isin(ROLES) & ~table["task"].isin(NOT_IN_THE_PAPER)]
    return table.assign(task=table["task"].replace(TITLES)).set_index(["role", "task"])


def test_tasks_are_those_of_the_reference_table(
    settings: dict[tuple[str, str], Settings],
) -> None:
    assert set(settings) == set(reference().index)
    assert len(settings) == 11 + 10 + 25


def test_hyperparameters_are_those_of_the_reference_table(
    settings: dict[tuple[str, str], Settings],
) -> None:
    told = ["lr", "dropout", "batch_size", "val_interval_steps", "patience_vals", "max_seq_len"]
    for key, row in reference()[told].iterrows():
        found = settings[key]  # type: ignore[index]
        assert [
            *(found.learning_rate, found.head_dropout, found.batch_size),
            *(found.evaluate_every, found.patience, found.max_length),
        ] == list(row), key


def test_schedules_are_those_of_the_study(settings: dict[tuple[str, str], Settings]) -> None:
    for (role, title), found in settings.items():
        interval = INTERVALS.get(title, 5000)
        assert found.evaluate_every == interval, title
        if title.startswith("EP-"):
            assert found.steps == interval * VALIDATIONS[interval], title
        else:
            assert (found.steps, found.epochs) == (None, EPOCHS.get(title, 10)), (role, title)


def test_what_all_trainings_have_in_common(
    study: Study, settings: dict[tuple[str, str], Settings]
) -> None:
    for key, found in settings.items():
        assert (found.optimizer, found.weight_decay) == ("bert-adam", 0.01), key
        assert (found.warmup, found.gradient_clip) == (0.1, 5.0), key
        assert (found.patience, found.interim_examples, found.max_length) == (20, 5000, 256), key
        assert (found.validation_examples, found.dropout, found.select) == (None, None, "best"), key
    for role in ROLES:
        assert {study.examples(role, task) for task in study.tasks_of(role)} == {None}


def test_restarts_have_the_published_seeds(study: Study) -> None:
    found = [tuple(study.seed(role, restart) for role in ROLES) for restart in (1, 2, 3)]
    assert found == SEEDS


def test_the_model_is_the_whole_of_roberta_large(study: Study) -> None:
    assert study.model.name == "roberta-large"
    assert study.config.encoder.layers is None


def test_every_restart_starts_from_its_own_intermediate_model(study: Study) -> None:
    plan = plan_of(study)
    for cell in plan.cells:
        if (cell.source, cell.task) == ("mnli", "rte"):
            assert cell.restart is not None
            start = plan.trainings[plan.trainings[cell.training].start or ""]
            assert (start.part.task, start.seed) == ("mnli", SEEDS[cell.restart - 1][0])


def test_the_plan_has_the_cells_and_the_trainings_of_the_study(study: Study) -> None:
    plan = plan_of(study)
    assert len(plan.cells) == len(plan.trainings) == 33 + (11 + 1) * 35 * 3


def test_masked_lm_co_training_adds_363_trainings_to_the_study(study: Study) -> None:
    over = ROOT / "config/studies/pruksachatkun2020-mlm.yaml"
    told = config()
    update_config(told, yaml.safe_load(over.read_text()))
    plan = plan_of(load_study(told, ROOT, over.name))
    check_mixtures(plan, over.name)
    assert Counter((cell.arm, cell.role) for cell in plan.cells) == {
        ("single", "target"): 30,
        ("stilts", "intermediate"): 33,
        ("stilts", "target"): 330,
        ("mlm", "intermediate"): 33,
        ("mlm", "target"): 330,
    }
    assert len(plan.cells) == len(plan.trainings) == 756
    ours = {cell.training for cell in plan.cells if cell.arm == "mlm"}
    assert plan.trainings.keys() & plan_of(study).trainings.keys() == plan.trainings.keys() - ours
    starts = [plan.trainings[id] for id in ours if plan.trainings[id].start is None]
    assert {part.task for each in starts for part in each.parts} == {
        "mlm",
        *study.config.intermediate,
    }
    assert {(each.sampler, each.settings.learning_rate) for each in starts} == {
        ("proportional", 5e-6)
    }


def test_licensed_tasks_can_be_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where nothing was downloaded
    told = config() | {"skip_unavailable": True}

    def why(task: Task, config: Config) -> str | None:
        return why_unavailable(task, places_of(config, ROOT))

    available = load_study(told, ROOT, OVERLAY, why)
    assert "CCGbank (LDC2005T13)" in available.skipped["ccg"]
    assert "ccg" not in available.tasks_of("intermediate")
    assert available.tasks_of("target") == load_study(config(), ROOT, OVERLAY).tasks_of("target")
