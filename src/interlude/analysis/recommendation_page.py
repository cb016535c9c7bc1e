"""A recommendation as text, as a page, and as what programs read."""

from __future__ import annotations

from typing import Any

from interlude.analysis.known_as import PUBLISHED_SOURCES
from interlude.analysis.pages import Section, render
from interlude.analysis.recommend import Recommendation


def as_text(recommended: Recommendation, task: str) -> str:
    """Return the sentence, the starts and what they rest on, for a terminal."""
    shown = recommended.starts.drop(columns="note", errors="ignore").to_string(
        index=False, float_format="{:.2f}".format, na_rep="–"
    )
    return "\n".join([f"{task}: {recommended.sentence}", "", shown, "", *recommended.basis, ""])


def as_page(recommended: Recommendation, task: str) -> str:
    """Return the same as HTML that asks for nothing outside it."""
    sections = [
        Section(text=recommended.sentence),
        Section("Starts", table=recommended.starts, missing="–"),
        *(Section(text=line) for line in recommended.basis),
    ]
    return render(f"Choose a start: {task}", sections, csv=recommended.starts.to_csv(index=False))


def as_document(recommended: Recommendation, task: str) -> dict[str, Any]:
    """Return the same for JSON; None where a number is missing."""
    starts = recommended.starts.astype(object)
    rows = starts.where(starts.notna(), None).to_dict("records")
    text = {"task": task, "sentence": recommended.sentence, "basis": recommended.basis}
    return {**text, **recommended.measured, "starts": rows}


def about_task(facts: dict[str, Any]) -> str:
    """Return what is known of the task: form, and rows and labels of the training part."""
    labels = f", {facts['labels']} labels" if facts["labels"] else ""
    return (
        f"The task: form {facts['form']}, {facts['rows']:,} training rows{labels}. The evidence is "
        "too small to distinguish forms and sizes of targets, so they change no number here."
    )


COSTS = "Costs are those of training the start, in examples and words of one pass."


def how_to_start(recommended: Recommendation, task: str) -> str:
    """Return what to write into a config to train the task from the first published source."""
    first = str(recommended.starts["start"].iloc[0])
    name = PUBLISHED_SOURCES[first]
    return f"To start from {first}: a study with intermediate: [{name}] and target: [{task}]."
