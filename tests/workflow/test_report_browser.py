"""The report in a real browser: everything opens and shows, nothing breaks, nothing leaves it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from helpers.browser import Page, chromium, find_chromium
from helpers.project import TINY, Project, copy_project
from helpers.synthetic import record

from interlude.analysis.results import split, write_results
from interlude.words import ROLES

pytestmark = pytest.mark.skipif(
    find_chromium() is None,
    reason="Chromium is not installed (Debian: apt-get install chromium)",
)
# As a title it must show as it is: no picture asked for, no script ended or run.
HOSTILE = "<b>Privacy</b><img src=x onerror=\"document.title='run'\"></script> & $x_1$"
# The same from a task that is skipped for want of data, and from a value of the config.
OBTAIN = f"the lab's shelf, {HOSTILE}"
FOLDER = f"shelf {HOSTILE}"


def cells_of(config: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Yield role, source, task and restart of each cell of the tiny study."""
    intermediate, *roles = ROLES
    restarts = range(1, config["restarts"] + 1)
    yield from product([intermediate], ["none"], config[intermediate], restarts)
    for role in roles:
        yield from product([role], ["none", *config[intermediate]], config[role], restarts)


def tables_of(config: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and trainings of the tiny study: one constant, one failed, all others in order."""
    records = [
        {**record(*cell, 0.6 + 0.01 * number % 0.07), "study": config["study"]}
        for number, cell in enumerate(cells_of(config))
    ]
    records[-1] |= {"status": "failed", "score": None, "reason": "<i>out of memory</i>"}
    records[-2] |= {"constant": True}
    return split(records)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that holds only the tables of its scores, hostile texts, and a finished report."""
    project = copy_project(tmp_path_factory.mktemp("report") / "interlude")
    config = yaml.safe_load(TINY.read_text())
    task = project.root / f"config/tasks/{config['target'][0]}.yaml"
    declared = yaml.safe_load(task.read_text()) | {"title": HOSTILE}
    task.write_text(yaml.safe_dump(declared))
    skipped = project.root / "config/tasks/ccg.yaml"
    declared = yaml.safe_load(skipped.read_text()) | {"source": {"own": {"obtain": OBTAIN}}}
    skipped.write_text(yaml.safe_dump(declared))
    changes = {"own_data": FOLDER, "skip_unavailable": True, "target": [*config["target"], "ccg"]}
    (project.root / "tiny.yaml").write_text(yaml.safe_dump(config | changes))
    for name, table in zip(("scores", "trainings"), tables_of(config), strict=True):
        write_results(table, project.root / f"results/{config['study']}/{name}.parquet")
    project.run("--", "tables", "figures", "report")
    return project


@pytest.fixture(scope="module")
def page(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        page.open(project.root / "results/tiny/report.html")
        page.wait_for("document.querySelectorAll('nav a').length > 3")
        yield page


def click(page: Page, link: str) -> None:
    """Click the first link that an expression gives."""
    page.run(f"{link}.click()")


def open_category(page: Page, category: str) -> int:
    """Open a category from the start of the menu; return how many results it lists."""
    click(page, "document.querySelector('nav ol a')")
    name = json.dumps(category)
    entry = f"[...document.querySelectorAll('nav a')].find(a => a.innerText.trim() === {name})"
    page.wait_for(f"{entry} !== undefined")
    click(page, entry)
    page.wait_for("document.querySelectorAll('nav table tbody tr').length > 0")
    return int(page.run("document.querySelectorAll('nav table tbody tr').length"))


def show(page: Page, row: int) -> str:
    """Show a result of the open category; return its label."""
    line = f"document.querySelectorAll('nav table tbody tr')[{row}]"
    click(page, f"{line}.querySelector('a')")
    return str(page.run(f"{line}.innerText"))


def test_the_report_opens_with_the_answer_from_its_first_line_on(page: Page) -> None:
    opening = "document.querySelector('.prose')"
    told = page.run(f"{opening}.innerText")
    assert re.search(r"^\d+ targets?: \d", told, re.MULTILINE)
    assert f"{HOSTILE}: " in told
    assert page.run(f"{opening}.getBoundingClientRect().top") >= 0
    assert page.run(f"{opening}.querySelector('img').naturalWidth") > 100


def test_every_result_of_every_category_shows(page: Page) -> None:
    categories = page.run("Object.keys(categories)")
    assert set(categories) == {"Answer", "Transfer", "Correlations", "Data size", "Study"}
    listed = 0
    for category in categories:
        for row in range(open_category(page, category)):
            label = show(page, row)
            if "(figure)" in label:
                page.wait_for("document.querySelector('div.p-3 img')?.naturalWidth > 100")
            else:
                page.wait_for("document.querySelector('iframe') !== null")
                assert page.run_in_frame("document.body.innerText.length") > 10, label
            listed += 1
    assert listed == page.run("Object.keys(results).length") > 30


def test_every_result_has_a_caption(page: Page) -> None:
    captions = page.run("Object.values(results).map(result => result.caption)")
    assert all("<p>" in caption for caption in captions)


def test_names_with_html_stay_text(page: Page) -> None:
    count = open_category(page, "Transfer")
    table = next(row for row in range(count) if "Transfer by task (table)" in show(page, row))
    show(page, table)
    page.wait_for("document.querySelector('iframe') !== null")
    open_category(page, "Study")
    rows = page.run("[...document.querySelectorAll('nav table tbody tr')].map(r => r.innerText)")
    review = next(row for row, label in enumerate(rows) if "Reviewer" in label)
    show(page, review)
    page.wait_for("document.querySelector('iframe') !== null")
    told = page.run_in_frame("document.body.innerText")
    assert HOSTILE in told
    assert OBTAIN in told
    assert "<i>out of memory</i>" in told
    assert page.run_in_frame("document.querySelectorAll('b, i, img, script').length") == 0
    assert page.run("document.title") == "Snakemake Report"


def test_the_console_is_quiet_and_no_request_leaves_the_page(page: Page) -> None:
    assert page.problems() == []
    outside = [url for url in page.requests() if not url.startswith(("file:///", "data:"))]
    assert outside == []
    assert len([url for url in page.requests() if url.startswith("file:///")]) == 1


def test_the_report_needs_no_other_file(project: Project, tmp_path: Path) -> None:
    text = (project.root / "results/tiny/report.html").read_text()
    assert str(project.root) not in text
    assert 'src="http' not in text
