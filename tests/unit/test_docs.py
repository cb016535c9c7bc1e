"""The documentation names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from interlude.plan.settings import Settings

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
CONFIG_PAGE = (ROOT / "docs/config.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("key", SCHEMA["properties"])
def test_the_config_page_names_every_key(key: str) -> None:
    assert re.search(rf"`{key}[`.]", CONFIG_PAGE)


@pytest.mark.parametrize("setting", SCHEMA["$defs"]["settings"]["properties"])
def test_the_config_page_gives_every_setting_with_its_default(setting: str) -> None:
    row = re.search(rf"^\|.*`{setting}`.*$", CONFIG_PAGE, re.M)
    assert row is not None
    default = getattr(Settings(), setting, None)
    if isinstance(default, int | float):
        cells = [cell.strip() for cell in row[0].split("|")]
        assert float(cells[2]) == default


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
