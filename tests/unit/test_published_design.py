"""The published study as a config: every number against the reference table and the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from interlude.plan.runspec import Settings

from interlude.plan.study import KINDS, Run, Study, load_study

ROOT = Path(__file__).parents[2]
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
    """Settings by kind and title of the task."""
    return {
        (kind, study.tasks[task].title): study.settings(kind, task)
        for kind in KINDS
        for task in getattr(study.design, kind)
    }


def reference() -> pd.DataFrame:
    """Return the published hyperparameters by kind and title of the task."""
    table = pd.read_csv(ROOT / "reference/pruksachatkun_hparams.csv")
    table = table[table["role"].isin(KINDS) & ~table["task"].isin(NOT_IN_THE_PAPER)]
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
    for (kind, title), found in settings.items():
        interval = INTERVALS.get(title, 5000)
        assert found.evaluate_every == interval, title
        if title.startswith("EP-"):
            assert found.steps == interval * VALIDATIONS[interval], title
        else:
            assert (found.steps, found.epochs) == (None, EPOCHS.get(title, 10)), (kind, title)


def test_what_all_runs_have_in_common(settings: dict[tuple[str, str], Settings]) -> None:
    for key, found in settings.items():
        assert (found.optimizer, found.weight_decay) == ("bert-adam", 0.01), key
        assert (found.warmup, found.gradient_clip) == (0.1, 5.0), key
        assert (found.patience, found.interim_examples, found.max_length) == (20, 5000, 256), key
        assert (found.train_examples, found.validation_examples) == (None, None), key
        assert (found.dropout, found.select) == (None, "best"), key


def test_restarts_have_the_published_seeds(study: Study) -> None:
    found = [tuple(study.seed(kind, restart) for kind in KINDS) for restart in (1, 2, 3)]
    assert found == SEEDS


def test_the_model_is_the_whole_of_roberta_large(study: Study) -> None:
    assert study.model == "roberta-large"
    assert study.config["encoder"]["layers"] is None


def test_every_restart_starts_from_its_own_intermediate_model(study: Study) -> None:
    for restart, (seed, _, _) in enumerate(SEEDS, start=1):
        assert study.spec(Run("target", "mnli", "rte", restart)).source_seed == seed


def test_licensed_tasks_can_be_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where nothing was downloaded
    available = load_study(config() | {"skip_unavailable": True}, ROOT, OVERLAY)
    assert "CCGbank (LDC2005T13)" in available.skipped["ccg"]
    assert "ccg" not in available.design.intermediate
    assert available.design.target == load_study(config(), ROOT, OVERLAY).design.target
