"""The documentation names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlude.analysis.catalog import TABLES
from interlude.plan.config import Config
from interlude.plan.reference import MADE, MODELS, refreshed

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_keys_are_those_of_the_models(page: Path) -> None:
    """`python -m interlude.plan.reference docs/*.md` writes them."""
    assert refreshed(page.read_text(encoding="utf8")) == page.read_text(encoding="utf8")


@pytest.mark.parametrize("name", [*MODELS, *MADE])
def test_every_model_has_its_table_on_some_page(name: str) -> None:
    assert [page for page in PAGES if f"<!-- keys: {name} -->" in page.read_text(encoding="utf8")]


def test_a_table_names_every_key_with_its_default_and_its_meaning() -> None:
    table = refreshed("<!-- keys: config -->\n<!-- end -->\n")
    assert "| `encoder.model` | – | a file in config/models/, without .yaml: lower case" in table
    assert "| `restarts` | `3` | repetitions of every training, 1 to 100 |" in table
    assert {re.split(r"[`.]", line)[1] for line in table.splitlines()[3:-1]} == set(
        Config.model_fields
    )


def test_how_to_read_the_results_names_every_table() -> None:
    page = (ROOT / "docs/read-the-results.md").read_text(encoding="utf8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {*TABLES} <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(?:tests/)?((?:unit|workflow|hub|slurm)/[\w/]+\.py)`", page.read_text())
    missing = [test for test in named if not (ROOT / "tests" / test).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_image_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_and_folder_of_the_package_that_a_page_names_is_there(page: Path) -> None:
    rooms = [path.name for path in (ROOT / "src/interlude").iterdir() if path.is_dir()]
    pattern = rf"`(?:src/interlude/)?((?:{'|'.join(rooms)})/(?:[\w/]*/|[\w/]+\.py)?)`"
    named = re.findall(pattern, page.read_text())
    assert [name for name in named if not (ROOT / "src/interlude" / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_part_of_a_page_that_a_link_names_is_there(page: Path) -> None:
    for file, part in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
        assert part in parts_of(page.parent / file if file else page), f"{file}#{part}"


def parts_of(page: Path) -> set[str]:
    """Return what links call the headings of a page: lower case, hyphens for blanks."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
