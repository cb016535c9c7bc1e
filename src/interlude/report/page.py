"""The report as one page of HTML that asks for nothing outside it. Whatever it shows stays text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from interlude.analysis.answer_shown import sections_of
from interlude.analysis.options import Options
from interlude.analysis.pages import Section
from interlude.report.contents import ALL, WITHOUT, Files, figure, sections
from interlude.report.tables import MISSING, plain_table

_ANSWER = "What to expect"


def report_page(
    study: str,
    answer: str,
    files: Files,
    review: Sequence[Section],
    template: Path,
    options: Options,
) -> str:
    """Return the report of a study.

    answer: the page of `answer_page.as_markdown`. review: how the numbers came about. template:
    folder of the page with its style, its script and the captions.
    """
    captions = Environment(
        loader=FileSystemLoader(template / "captions"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  they are texts; the page escapes them
    )
    caption = captions.get_template("answer.txt").render(options=options).strip()
    page = Environment(
        loader=FileSystemLoader(template),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("page.html")
    return page.render(
        study=study,
        answer=sections_of(answer),
        estimates=figure(files.figures / "answer.svg", _ANSWER, "", caption, files),
        estimates_caption=caption,
        notes=options.notes(),
        sections=sections(files, captions, options),
        review=[
            (part.title, part.text, plain_table(part.table, part.missing) if part.rows else None)
            for part in review
        ],
        runs={WITHOUT: "without degenerate", ALL: "all"},
        chosen=WITHOUT if options.degenerate.exclude else ALL,
        missing=MISSING,
    )
