"""Recommend an intermediate task to start from for a task, by what its budget allows."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.decisions import read_decision
from interlude.analysis.evidence import load_evidence
from interlude.analysis.recommend import Recommendation, recommend
from interlude.analysis.recommend_starts import by_features, by_trainings
from interlude.analysis.recommendation_page import (
    COSTS,
    about_task,
    as_document,
    as_page,
    as_text,
    how_to_start,
)
from interlude.errors import command
from interlude.files import read_manifest, write_json, written_atomically


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="name of the task")
    parser.add_argument("--form", required=True, help="its form")
    parser.add_argument("--facts", type=json.loads, required=True, help="of the plan: see the rule")
    parser.add_argument("--published", type=json.loads, required=True, help="name -> published one")
    parser.add_argument("--data", type=Path, required=True, help="folder of its normalised data")
    parser.add_argument("--reference", type=Path, required=True, help="folder of the evidence")
    parser.add_argument("--licences", type=json.loads, required=True, help="source -> licence")
    parser.add_argument("--alpha", type=float, required=True, help="intervals cover 1 - alpha")
    parser.add_argument("--scores", type=Path, help="minutes: numbers of the starts, Parquet")
    parser.add_argument("--decisions", type=Path, nargs="+", help="hours: of each round")
    parser.add_argument("--runs", type=Path, help="hours: scores of all rounds, CSV")
    parser.add_argument("--out", type=Path, required=True, help="recommendation.json to write")
    arguments = parser.parse_args()
    recommended = recommendation(arguments)
    facts = {"form": arguments.form, **facts_of(arguments.data)}
    recommended = replace(recommended, basis=[about_task(facts), *recommended.basis])
    html, csv, text = (arguments.out.with_suffix(ending) for ending in (".html", ".csv", ".txt"))
    with (
        written_atomically(html) as page,
        written_atomically(csv) as table,
        written_atomically(text) as lines,
    ):
        page.write_text(as_page(recommended, arguments.task), encoding="utf8")
        recommended.starts.to_csv(table, index=False)
        lines.write_text(as_text(recommended, arguments.task), encoding="utf8")
    write_json(arguments.out, as_document(recommended, arguments.task))


def recommendation(arguments: argparse.Namespace) -> Recommendation:
    """Return what the budget allows."""
    evidence, facts = load_evidence(arguments.reference), arguments.facts
    known = (evidence, arguments.alpha, facts, arguments.published)
    if facts["budget"] == "minutes":
        return by_features(*known, pd.read_parquet(arguments.scores))
    if facts["budget"] == "hours":
        decisions = [read_decision(path) for path in arguments.decisions]
        rounds = [each.kept for each in decisions[:-1]]
        return by_trainings(*known, rounds, decisions[-1].ends, pd.read_csv(arguments.runs))
    about = about_sources(arguments.reference, arguments.licences)
    recommended = recommend(evidence, arguments.alpha, about, facts["encoder"])
    return replace(
        recommended, basis=[*recommended.basis, COSTS, how_to_start(recommended, arguments.task)]
    )


def about_sources(reference: Path, licences: dict[str, str]) -> pd.DataFrame:
    """Return examples, words of a pass and licence of the sources of the published study."""
    tasks = pd.read_csv(reference / "pruksachatkun_tasks.csv").set_index("task")
    examples = tasks["train_size_task_metadata"].fillna(tasks["num_examples"])
    words = (examples * tasks["avg_input_len"]).round()
    named = pd.Series(licences, dtype=object).reindex(tasks.index)
    return pd.DataFrame({"examples": examples, "words_per_pass": words, "licence": named})


def facts_of(data: Path) -> dict[str, Any]:
    """Return the training rows of a task and the number of its labels; 0 where it has none."""
    manifest = read_manifest(data)
    names = manifest.get("label_names") or []
    return {"rows": manifest["sizes"]["train"], "labels": len(names)}


if __name__ == "__main__":
    main()
