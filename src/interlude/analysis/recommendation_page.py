"""A recommendation as text, as a page, and as what programs read."""

from __future__ import annotations

from typing import Any

from interlude.analysis.known_as import PUBLISHED_SOURCES
from interlude.analysis.pages import Section, render
from interlude.analysis.recommend import Recommendation


def as_text(found: Recommendation, task: str) -> str:
    """Return the sentence, the starts and what they rest on, for a terminal."""
    shown = found.starts.drop(columns="note", errors="ignore").to_string(
        index=False, float_format="{:.2f}".format, na_rep="–"
    )
    return "\n".join([f"{task}: {found.sentence}", "", shown, "", *found.basis, ""])


def as_page(found: Recommendation, task: str) -> str:
    """Return the same as HTML that asks for nothing outside it."""
    sections = [
        Section(text=found.sentence),
        Section("Starts", table=found.starts, missing="–"),
        *(Section(text=line) for line in found.basis),
    ]
    return render(f"Choose a start: {task}", sections, csv=found.starts.to_csv(index=False))


def as_document(found: Recommendation, task: str) -> dict[str, Any]:
    """Return the same for JSON; None where a number is missing."""
    starts = found.starts.astype(object).where(found.starts.notna(), None).to_dict("records")
    said = {"task": task, "sentence": found.sentence, "basis": found.basis}
    return {**said, **found.measured, "starts": starts}


def about_task(facts: dict[str, Any]) -> str:
    """Return what is known of the task: form, and rows and labels of the training part."""
    labels = f", {facts['labels']} labels" if facts["labels"] else ""
    return (
        f"The task: form {facts['form']}, {facts['rows']:,} training rows{labels}. The evidence is "
        "too small to tell forms and sizes of targets apart, so they change no number here."
    )


COSTS = "Costs are those of training the start, in examples and words of one pass."


def how_to_start(found: Recommendation, task: str) -> str:
    """Return what to write into a config to train the task from the first published source."""
    first = str(found.starts["start"].iloc[0])
    name = PUBLISHED_SOURCES[first]
    return f"To start from {first}: a study with intermediate: [{name}] and target: [{task}]."
