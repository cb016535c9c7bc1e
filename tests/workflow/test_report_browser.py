"""The report in a real browser: everything shows, no number breaks, nothing leaves the page."""

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
        yield page


def show(page: Page, width: int, scheme: str = "light") -> None:
    """Show the page in a window of so many pixels, light or dark."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **metrics)
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    page.call("Emulation.setEmulatedMedia", features=media)


def press(page: Page, key: str, code: int, text: str = "") -> None:
    """Press a key and let it go."""
    named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
    page.call("Input.dispatchKeyEvent", type="keyUp", **named)


def column(page: Page, table: str, head: str) -> list[str]:
    """Return the texts of a column, from the top; of rows that show."""
    return list(
        page.run(
            f"(() => {{ const table = {table};"
            " const place = [...table.tHead.rows[0].cells]"
            f".findIndex(each => each.innerText.trim().startsWith({json.dumps(head)}));"
            " return [...table.tBodies[0].rows].filter(row => !row.hidden)"
            ".map(row => row.cells[place].textContent) })()"
        )
    )


TRANSFER = "document.querySelector('#transfer .without table')"
SHOWN = "each => each.getClientRects().length > 0"


def test_the_report_opens_with_the_answer_from_its_first_line_on(page: Page) -> None:
    show(page, 1400)
    told = page.run("document.querySelector('#answer').innerText")
    assert re.search(r"^\d+ targets?: \d", told, re.MULTILINE)
    assert f"{HOSTILE}: " in told
    sections = page.run("[...document.querySelectorAll('main > section h2')].map(h => h.innerText)")
    assert sections == [
        *("Answer", "Transfer", "Data size", "Correlations", "Study", "How the numbers came about")
    ]
    assert page.run("document.querySelector('#answer').getBoundingClientRect().top") < 400


def test_every_figure_shows_and_is_told_in_words(page: Page) -> None:
    images = page.run("[...document.images].map(each => [each.naturalWidth, each.alt])")
    assert len(images) > 10
    assert all(width > 100 and len(alt) > 30 for width, alt in images)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_nothing_is_wider_than_the_page(page: Page, width: int, scheme: str) -> None:
    show(page, width, scheme)
    for runs in ("all", "without"):
        page.run(f"document.querySelector('#runs-{runs}').click()")
        wider = (
            "[...document.querySelectorAll('body *')].filter(each => !each.closest('.scroll')"
            " && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
            ".map(each => each.outerHTML.slice(0, 80))"
        )
        assert page.run(wider) == []
        assert page.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1400, 1000, 400])
def test_no_number_is_broken_or_cut_off(page: Page, width: int) -> None:
    """Each number of a cell stands on one line, inside its cell."""
    show(page, width)
    broken = """(() => {
      const found = [], range = document.createRange();
      for (const cell of document.querySelectorAll("tbody td, tbody th")) {
        if (!cell.getClientRects().length) continue;
        const box = cell.getBoundingClientRect();
        for (const node of cell.childNodes) {
          for (const number of node.data.matchAll(/[-+]?[0-9][0-9.,e+-]*/g)) {
            range.setStart(node, number.index);
            range.setEnd(node, number.index + number[0].length);
            const lines = [...range.getClientRects()];
            const cut = lines.some(line => line.left < box.left - 1 || line.right > box.right + 1);
            if (lines.length > 1 || cut) found.push(number[0]);
          }
        }
      }
      return found;
    })()"""
    assert page.run(broken) == []
    assert page.run("document.querySelectorAll('tbody td.number').length") > 300
    cells = "[...document.querySelectorAll('td.number')]"
    assert {*page.run(f"{cells}.map(cell => getComputedStyle(cell).textAlign)")} == {"right"}


def test_the_switch_shows_one_treatment_of_degenerate_runs_everywhere(page: Page) -> None:
    show(page, 1400)
    for runs, told in (("without", "without degenerate runs"), ("all", "all runs")):
        page.run(f"document.querySelector('#runs-{runs}').click()")
        captions = page.run(
            f"[...document.querySelectorAll('caption, figcaption')].filter({SHOWN})"
            ".map(each => each.innerText)"
        )
        other = {"without": "all runs", "all": "without degenerate runs"}[runs]
        assert sum(told in caption for caption in captions) > 8
        assert not [caption for caption in captions if other in caption]
    page.run("document.querySelector('#runs-without').click()")


def test_rows_are_sorted_from_the_keyboard(page: Page) -> None:
    show(page, 1000)
    head = f"[...{TRANSFER}.tHead.rows[0].cells].find(e => e.innerText.startsWith('Difference'))"
    page.run(f"{head}.querySelector('button').focus()")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    press(page, "Tab", 9)
    page.run(f"{head}.querySelector('button').focus()")
    assert page.run(outline) == "solid"
    for order in ("ascending", "descending"):
        press(page, "Enter", 13, "\r")
        assert page.run(f"{head}.getAttribute('aria-sort')") == order
        texts = column(page, TRANSFER, "Difference")
        numbers = [float(text) for text in texts if text != "–"]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert texts[len(numbers) :] == ["–"] * (len(texts) - len(numbers))
        assert len({*numbers}) > 1
    assert page.run(f"{TRANSFER}.querySelectorAll('[aria-sort]').length") == 1


def test_rows_are_filtered_from_the_keyboard(page: Page) -> None:
    table = "document.querySelector('#restarts table')"
    rows = column(page, table, "Task")
    page.run("document.querySelector('#restarts input').focus()")
    for letter in "disf":
        press(page, letter, ord(letter.upper()), letter)
    left = column(page, table, "Task")
    assert left == [text for text in rows if "disf" in text.lower()]
    assert 0 < len(left) < len(rows)
    count = page.run("document.querySelector('#restarts output').innerText")
    assert count == f"{len(left)} of {len(rows)} rows"


def test_tables_have_heads_of_columns_and_rows(page: Page) -> None:
    scopes = "[...document.querySelectorAll('th')].map(each => each.scope)"
    assert {*page.run(scopes)} == {"col", "row"}
    assert page.run("[...document.querySelectorAll('table')].every(t => t.caption.innerText)")
    assert page.run("document.querySelector('a').hash") == "#answer"  # the first stop of Tab


def test_text_can_be_read_light_and_dark(page: Page) -> None:
    """The contrast of texts with what lies behind them, as in the guidelines for accessibility."""
    for scheme in ("light", "dark"):
        show(page, 1400, scheme)
        colours = page.run(
            "[getComputedStyle(document.body).backgroundColor, ...['p', '.caption', 'nav a', 'td']"
            ".map(each => getComputedStyle(document.querySelector(each)).color)]"
        )
        behind, *texts = (luminance(colour) for colour in colours)
        for text in texts:
            high, low = max(text, behind), min(text, behind)
            assert (high + 0.05) / (low + 0.05) > 4.5, scheme
    show(page, 1400)


def luminance(colour: str) -> float:
    """Relative luminance of rgb(r, g, b)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))


def test_names_with_html_stay_text(page: Page) -> None:
    told = page.run("document.body.innerText")
    assert HOSTILE in told
    assert OBTAIN in told
    assert "<i>out of memory</i>" in told
    assert page.run("document.querySelectorAll('main b, main img[src=x], td i').length") == 0
    assert page.run("document.title") == "Report of study tiny"


def test_without_javascript_everything_shows_and_the_switch_works(
    project: Project, tmp_path: Path
) -> None:
    with chromium(tmp_path / "profile") as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.open(project.root / "results/tiny/report.html")
        assert page.run(f"[...document.querySelectorAll('table')].filter({SHOWN}).length") > 15
        assert page.run("document.querySelectorAll('th button, .filter').length") == 0
        page.run("document.querySelector('#runs-all').click()")
        assert page.run(f"[...document.querySelectorAll('.without')].filter({SHOWN}).length") == 0


def test_the_console_is_quiet_and_no_request_leaves_the_page(page: Page) -> None:
    assert page.problems() == []
    outside = [url for url in page.requests() if not url.startswith(("file:///", "data:"))]
    assert outside == []
    assert len([url for url in page.requests() if url.startswith("file:///")]) == 1


def test_the_report_needs_no_other_file_and_links_to_those_that_are_there(
    project: Project,
) -> None:
    results = project.root / "results/tiny"
    text = (results / "report.html").read_text()
    assert str(project.root) not in text
    assert 'src="http' not in text
    links = re.findall(r'href="([^#"]+)"', text)
    assert [link for link in links if not (results / link).is_file()] == []
