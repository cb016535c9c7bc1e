"""The digest of the code behind a step: what changes it, and what does not."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interlude.plan import digest

REPOSITORY = Path(__file__).parents[2]
TRAIN = Path("workflow/scripts/train.py")

Edit = Callable[[str], str]
DigestOf = Callable[..., str]


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DigestOf:
    """A function: the digest of a script in a copy of the code where some files are edited."""

    def of(script: Path = TRAIN, **edits: Edit) -> str:
        tree = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / "src", tree / "src", ignore=skipped)
        shutil.copytree(REPOSITORY / script.parent, tree / script.parent, ignore=skipped)
        for name, edit in edits.items():
            path = tree / name
            path.write_text(edit(path.read_text(encoding="utf8")), encoding="utf8")
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        return digest.code_digest(tree / script)

    return of


def edited(file: str, old: str, new: str) -> dict[str, Edit]:
    """Return an edit of one file, which must hold the old text."""

    def edit(text: str) -> str:
        assert re.search(old, text), f"{file} holds no {old!r}"
        return re.sub(old, new, text, count=1)

    return {file: edit}


def with_constant(text: str) -> str:
    return f"{text}\nADDED = 1\n"


def test_digest_is_16_hex_digits_and_the_same_in_every_folder(digest_of: DigestOf) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", digest_of())
    assert digest_of() == digest_of()


@pytest.mark.parametrize(
    "edit",
    [
        edited("src/interlude/training/loop.py", r'"""The training loop[^"]*"""', '"""Words."""'),
        edited("src/interlude/training/loop.py", r'"""Train a model[^"]*"""', '"""Other words."""'),
        edited("src/interlude/training/loop.py", r"\A", "# a comment\n\n\n"),
        edited("src/interlude/training/loop.py", r"\n\Z", "  # why\n\n\n"),
        edited("src/interlude/training/loop.py", r"model\.eval\(\)", "model.eval(\n\n    )"),
        edited(str(TRAIN), r'"""Carry out[^"]*"""', '"""Words."""'),
        edited("src/interlude/errors.py", r"found", "seen"),
        edited("src/interlude/analysis/tables.py", r"\Z", "\nADDED = 1\n"),
        edited("src/interlude/data/read/readers.py", r"\Z", "\nADDED = 1\n"),
        edited("workflow/scripts/collect_runs.py", r"\Z", "\nADDED = 1\n"),
    ],
    ids=[
        *("module docstring", "function docstring", "comment", "trailing comment", "layout"),
        *("script docstring", "error words", "analysis", "data", "another script"),
    ],
)
def test_digest_stays_with(digest_of: DigestOf, edit: dict[str, Edit]) -> None:
    assert digest_of(**edit) == digest_of()


@pytest.mark.parametrize(
    "edit",
    [
        edited(str(TRAIN), "default=1", "default=2"),
        edited("src/interlude/jobs/perform.py", r"GUESSING_ROUNDS = 20", "GUESSING_ROUNDS = 21"),
        edited("src/interlude/training/batches.py", r"POOL = 32", "POOL = 33"),
        edited("src/interlude/forms/span.py", r"MOST_TOKENS = 30", "MOST_TOKENS = 31"),
        edited("src/interlude/forms/__init__.py", r'"pair": Pair', '"pair": Single'),
        edited("src/interlude/training/loop.py", r"score > best", "score >= best"),
    ],
    ids=["script", "imported", "indirectly", "lazily chosen form", "package", "sign"],
)
def test_digest_changes_with(digest_of: DigestOf, edit: dict[str, Edit]) -> None:
    assert digest_of(**edit) != digest_of()


@pytest.mark.parametrize(
    "line",
    [
        "from interlude.training import batches",
        "import interlude.training.batches",
        "def f():\n    from interlude.training.batches import POOL",
    ],
)
def test_digest_follows_every_way_to_import(digest_of: DigestOf, line: str) -> None:
    script = {str(TRAIN): lambda _: line}
    other = edited("src/interlude/training/batches.py", "POOL = 32", "POOL = 33")
    assert digest_of(**script) != digest_of(**script, **other)


def test_digest_follows_exactly_the_modules_that_training_loads(digest_of: DigestOf) -> None:
    unchanged = digest_of()
    modules = {str(p.relative_to(REPOSITORY)) for p in (REPOSITORY / "src").rglob("*.py")}
    loaded = loaded_by_training() - {"src/interlude/errors.py"}
    for name in loaded:
        assert digest_of(**{name: with_constant}) != unchanged, name
    assert digest_of(**dict.fromkeys(modules - loaded, with_constant)) == unchanged


def loaded_by_training() -> set[str]:
    """Return the files with code that Python itself loads for a training run."""
    program = "import sys, interlude.jobs.machine, interlude.jobs.perform as _\n" + (
        "print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'interlude'))"
    )
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": "/usr/bin:/bin"}
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, env=environment, capture_output=True, text=True
    )
    paths = [Path(name) for name in found.stdout.split()]
    return {str(path.relative_to(REPOSITORY)) for path in paths if has_code(path)}


def has_code(path: Path) -> bool:
    """Return whether a module holds more than a docstring and the version."""
    body = ast.parse(path.read_text(encoding="utf8")).body
    return any(
        not isinstance(line, ast.Expr) and "__version__" not in ast.unparse(line) for line in body
    )


def test_no_module_of_the_package_uses_relative_imports() -> None:
    # The digest would not follow them.
    for path in (REPOSITORY / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
