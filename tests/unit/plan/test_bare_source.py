"""What digests see of sources is kept between starts, by content alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interlude.plan import bare_source

ROOT = Path(__file__).parents[3]
READ = """
import ast, sys
from pathlib import Path
from interlude.plan import bare_source

parsed = []
parse = ast.parse
ast.parse = lambda content: (parsed.append(1), parse(content))[1]
kept = Path(sys.argv[1])
bare_source.recall(kept)
for name in sys.argv[2:]:
    source = bare_source.source_of(Path(name))
    print(source.bare, *source.imports)
bare_source.remember(kept)
print(len(parsed))
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return where sources are kept."""
    return tmp_path / "sources.json"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Return a small module."""
    path = tmp_path / "module.py"
    path.write_text('"""Words."""\nfrom interlude import files\nONE = 1\n')
    return path


def read(kept: Path, *modules: Path) -> tuple[list[str], int]:
    """Return what a new process sees of modules, and how many files it parsed for that."""
    done = subprocess.run(
        [sys.executable, "-c", READ, kept, *modules],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "src",
    )
    *seen, parsed = done.stdout.splitlines()
    return seen, int(parsed)


def test_a_file_is_parsed_once_and_again_when_its_content_is_another(
    kept: Path, module: Path
) -> None:
    first, parsed = read(kept, module)
    assert parsed == 1
    module.touch()
    assert read(kept, module) == (first, 0)
    module.write_text(module.read_text().replace("ONE = 1", "ONE = 2"))
    second, parsed = read(kept, module)
    assert parsed == 1
    assert second != first
    assert first[0].split()[1:] == second[0].split()[1:] == ["interlude", "interlude.files"]


def test_words_are_not_seen_but_are_another_content(kept: Path, module: Path) -> None:
    first, _ = read(kept, module)
    module.write_text(module.read_text().replace("Words", "Other words"))
    assert read(kept, module) == (first, 1)


def test_what_several_studies_have_seen_is_kept_up_to_a_number(
    kept: Path, module: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.py"
    other.write_text("TWO = 2\n")
    read(kept, module)
    read(kept, other)
    assert read(kept, module, other)[1] == 0
    many = {f"{number}": ("", []) for number in range(bare_source.MOST_KEPT)}
    kept.write_text(json.dumps(many | json.loads(kept.read_text())))
    module.write_text("THREE = 3\n")
    read(kept, module, other)
    assert len(json.loads(kept.read_text())) == bare_source.MOST_KEPT
    assert read(kept, module, other)[1] == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": [1]}'])
def test_a_spoiled_file_counts_as_none(kept: Path, module: Path, content: str) -> None:
    first, _ = read(kept.with_name("intact.json"), module)
    kept.write_text(content)
    assert read(kept, module) == (first, 1)
    assert read(kept, module) == (first, 0)


def test_a_place_that_cannot_be_written_is_no_fault(module: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    kept = in_the_way / "sources.json"
    assert read(kept, module) == read(kept, module)
