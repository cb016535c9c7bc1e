"""The registry has every task of the 110-pair study, as the study used it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from interlude.forms import columns_of, declaration_of, form_names, form_of, rows_of
from interlude.metrics import metric_names
from interlude.plan.planner import MASKED_ACCURACY
from interlude.plan.tasks import Task, load_task

ROOT = Path(__file__).parents[3]
TASKS = {path.stem: load_task(path) for path in sorted((ROOT / "config/tasks").glob("*.yaml"))}

# Task of Pruksachatkun et al. 2020 -> name here, metric. Their names are those of reference/.
INTERMEDIATE = {
    "QAMR": ("qamr", "qa_f1_em"),
    "CSenseQA": ("commonsense-qa", "accuracy"),
    "SciTail": ("scitail", "accuracy"),
    "CosmosQA": ("cosmos-qa", "accuracy"),
    "SocialIQA": ("social-iqa", "accuracy"),
    "CCG": ("ccg", "tag_accuracy"),
    "HellaSwag": ("hellaswag", "accuracy"),
    "QA-SRL": ("qa-srl", "qa_f1_em"),
    "SST-2": ("sst-2", "accuracy"),
    "QQP": ("qqp", "accuracy_f1"),
    "MNLI": ("mnli", "accuracy"),
}
TARGET = {
    "CB": ("cb", "f1_macro"),
    "COPA": ("copa", "accuracy"),
    "WSC": ("wsc", "accuracy"),
    "RTE": ("rte", "accuracy"),
    "MultiRC": ("multirc", "multirc"),
    "ReCoRD": ("record", "record"),
    "WiC": ("wic", "accuracy"),
    "BoolQ": ("boolq", "accuracy_f1"),
    "CSenseQA": ("commonsense-qa", "accuracy"),
    "CosmosQA": ("cosmos-qa", "accuracy"),
}
ACCEPTABILITY = ("Wh", "Def", "Coord", "EOS")
EDGES = ("POS", "NER", "SRL", "Coref", "Const", "SPR1", "SPR2", "DPR", "Rel", "UD")
SENTEVAL = {
    "SentLen": "sent-len",
    "WC": "wc",
    "TreeDepth": "tree-depth",
    "TopConst": "top-const",
    "BShift": "bshift",
    "Tense": "tense",
    "SubjNum": "subj-num",
    "ObjNum": "obj-num",
    "SOMO": "somo",
    "CoordInv": "coord-inv",
}
PROBING = {
    **{f"EP-{name}": (f"ep-{name.lower()}", "micro_f1") for name in EDGES},
    **{f"SE-{theirs}": (f"se-{ours}", "accuracy") for theirs, ours in SENTEVAL.items()},
    "AJ-CoLA": ("cola", "matthews"),
    **{
        f"AJ-{name}": (f"aj-{name.lower()}", "accuracy_f1")
        for name in ("Wh", "Def", "Coord", "EOS")
    },
}
STUDY = {**INTERMEDIATE, **TARGET, **PROBING}
LICENSED = {"ccg", "ep-pos", "ep-ner", "ep-srl", "ep-coref", "ep-const", "ep-spr1"}


def test_the_metrics_of_all_forms_are_those_that_there_are() -> None:
    named = {metric for form in form_names() for metric in declaration_of(form).metrics}
    assert named | {MASKED_ACCURACY} == set(metric_names())


@pytest.mark.parametrize("form", form_names())
def test_a_form_is_whole_in_its_folder(form: str) -> None:
    declaration, columns = declaration_of(form), columns_of(form)
    assert set(declaration.metrics) <= set(metric_names())
    assert columns.unseen <= columns.types.keys()
    assert columns.label in {None, *columns.types}
    assert rows_of(form).encode is not None
    assert form_of(form).__module__.endswith(f"{form.replace('-', '_')}.head")


def test_the_study_has_its_46_roles() -> None:
    assert (len(INTERMEDIATE), len(TARGET), len(PROBING)) == (11, 10, 25)


@pytest.mark.parametrize("theirs", STUDY)
def test_every_task_of_the_study_has_its_metric_and_published_size(theirs: str) -> None:
    name, metric = STUDY[theirs]
    assert TASKS[name].metric == metric
    assert TASKS[name].published.train == _published_sizes()[theirs]


def _published_sizes() -> dict[str, int]:
    with (ROOT / "reference/pruksachatkun_tasks.csv").open(encoding="utf8") as file:
        return {
            row["task"]: int(row["train_size_task_metadata"] or row["num_examples"])
            for row in csv.DictReader(file)
            if row["role"] != "unused"
        }


@pytest.mark.parametrize("name", ["cola", "mrpc", "qnli", "sts-b", "wnli", "winogrande"])
def test_the_rest_of_glue_and_winogrande_are_there(name: str) -> None:
    assert TASKS[name].source.hub is not None


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_hub_task_names_a_commit_or_the_parquet_conversion(task: Task) -> None:
    hub = task.source.hub
    revision = "refs/convert/parquet" if hub is None else hub.revision
    assert revision == "refs/convert/parquet" or re.fullmatch("[0-9a-f]{40}", revision)


@pytest.mark.parametrize("name", sorted(LICENSED))
def test_every_licensed_task_has_a_free_stand_in_with_a_name_of_its_own(name: str) -> None:
    assert "LDC" in TASKS[name].licence
    stand_ins = [task for task in TASKS.values() if name in task.stands_in_for]
    assert stand_ins
    assert not {task.title for task in stand_ins} & {TASKS[name].title}


def test_stand_ins_stand_in_for_tasks_that_exist() -> None:
    named = {name for task in TASKS.values() for name in task.stands_in_for}
    assert named <= set(TASKS)


def test_no_two_tasks_share_a_title() -> None:
    titles = [task.title for task in TASKS.values()]
    assert len(set(titles)) == len(titles)
