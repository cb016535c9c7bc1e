"""A recommendation as text, as a page, and as what programs read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from interlude.analysis.pages import Section, render
from interlude.analysis.recommend import Recommendation


def as_text(found: Recommendation, task: str, basis: list[str]) -> str:
    """Return the sentence, the starts and what they rest on, for a terminal."""
    shown = found.starts.drop(columns="note").to_string(
        index=False, float_format="{:.2f}".format, na_rep="–"
    )
    return "\n".join([f"{task}: {found.sentence}", "", shown, "", *basis, ""])


def as_page(found: Recommendation, task: str, basis: list[str]) -> str:
    """Return the same as HTML that asks for nothing outside it."""
    sections = [
        Section(text=found.sentence),
        Section("Starts", table=found.starts, missing="–"),
        *(Section(text=line) for line in basis),
    ]
    return render(f"Choose a start: {task}", sections, csv=found.starts.to_csv(index=False))


def as_document(found: Recommendation, task: str, basis: list[str]) -> dict[str, Any]:
    """Return the same for JSON; None where a number is missing."""
    starts = found.starts.astype(object).where(found.starts.notna(), None).to_dict("records")
    return {"task": task, "basis": basis, **asdict(found), "starts": starts}


def basis_of(found: Recommendation, facts: dict[str, Any], encoder: str, alpha: float) -> list[str]:
    """Return what is known of the task, what the judgement rests on, and what intervals cover.

    facts: form, and rows and labels of the training part. encoder: that of the evidence.
    """
    labels = f", {facts['labels']} labels" if facts["labels"] else ""
    measured = (
        f"With each task left out in turn, the {100 * (1 - alpha):g} % intervals hold "
        f"{100 * found.coverage:.0f} % of the measured effects "
        f"({100 * found.unscaled_coverage:.0f} % before they were scaled)."
    )
    return [
        f"The task: form {facts['form']}, {facts['rows']:,} training rows{labels}. The evidence is "
        "too small to tell forms and sizes of targets apart, so they change no number here.",
        f"Rests on published scores of {encoder}: {found.tasks} target tasks, "
        f"{len(found.starts)} sources (Pruksachatkun et al. 2020, reference/).",
        measured,
        f"What they cover for another encoder than {encoder} is not known: the evidence is of one.",
        "Costs are those of training the start, in examples and words of one pass.",
    ]
