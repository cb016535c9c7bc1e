"""The package as a wheel: it plans without a checkout around it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT_FROM = ("pyproject.toml", "README.md")

PLANS = """
import json, sys
from pathlib import Path

import yaml

import interlude
from interlude.forms import form_names
from interlude.plan.digest import encoding_code, training_code
from interlude.plan.planner import plan_of
from interlude.plan.study import load_study
from interlude.plan.tasks import load_task

root = Path(sys.argv[1])
study = load_study(yaml.safe_load((root / "config.yaml").read_text()), root)
print(json.dumps({
    "package": str(Path(interlude.__file__).parent),
    "trainings": list(plan_of(study).trainings),
    "task": load_task(root / "config/tasks/sarcasm.yaml").data_declaration(),
    "codes": [[encoding_code(form), training_code([form], ["accuracy"])] for form in form_names()],
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", folder / "source/src", ignore=skipped)
    for name in BUILT_FROM:
        shutil.copy2(ROOT / name, folder / "source" / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder)]
    subprocess.run([*command, str(folder / "source")], check=True)
    (wheel,) = folder.glob("interlude-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "installed")
    return folder / "installed"


def planned(sources: Path, folder: Path) -> dict[str, object]:
    """What a fresh interpreter plans that finds the package in a folder, called from elsewhere."""
    done = subprocess.run(
        [sys.executable, "-c", PLANS, str(ROOT)],
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(sources), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_wheel_plans_what_the_checkout_plans(installed: Path, tmp_path: Path) -> None:
    from_wheel = planned(installed, tmp_path)
    from_checkout = planned(ROOT / "src", tmp_path)
    assert from_wheel.pop("package") == str(installed / "interlude")
    assert from_checkout.pop("package") == str(ROOT / "src/interlude")
    assert from_wheel == from_checkout


def test_the_wheel_holds_every_module(installed: Path) -> None:
    def modules(folder: Path) -> set[Path]:
        return {path.relative_to(folder) for path in (folder / "interlude").rglob("*.py")}

    assert modules(installed) == modules(ROOT / "src")
