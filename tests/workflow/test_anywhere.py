"""The same study from any folder: what is trained does not depend on where the project lies."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from project import ROOT, Project, copy_project, snakemake_command

AWKWARD = 'the lab\'s "own" $HOME clone'  # blanks, quotes, and what a shell would replace
SMALL = ROOT / "tests/slurm/tiny.yaml"  # five trainings
PUBLISHED = "config/studies/published.yaml"


@dataclass(frozen=True)
class Place:
    """A folder in which snakemake is called, and how it finds the project from there."""

    folder: Path
    found: tuple[str, ...] = ()

    def snakemake(self, *arguments: str) -> str:
        """Return what snakemake prints, stderr in stdout; the test fails when it does."""
        done = subprocess.run(
            [*snakemake_command(), *self.found, "--cores", "2", *arguments],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def trainings(self, *arguments: str) -> list[str]:
        """Return what each training of a dry run is told: seed, settings and all else."""
        shown = self.snakemake("-n", "--printshellcmds", "--quiet", "host", *arguments)
        return sorted(re.findall(r"\{.*\"learning_rate\".*\}", shown))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in a folder whose name has blanks and quotes."""
    project = copy_project(tmp_path_factory.mktemp("anywhere") / AWKWARD)
    shutil.copyfile(SMALL, project.root / "small.yaml")
    return project


@pytest.fixture(scope="module")
def places(clone: Project) -> dict[str, Place]:
    """Ways to call snakemake on the project."""
    work, other = (clone.root.parent / name for name in ("a working folder", "another"))
    work.mkdir()
    other.mkdir()
    return {
        "at home": Place(clone.root),
        "--directory": Place(clone.root, ("--directory", str(work))),
        "--snakefile": Place(other, ("--snakefile", f"../{AWKWARD}/Snakefile")),
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A project as most users have it."""
    return Place(copy_project(tmp_path_factory.mktemp("plain") / "interlude").root)


@pytest.mark.parametrize("how", ["at home", "--directory", "--snakefile"])
@pytest.mark.parametrize("study", ["default", "tiny"])
def test_the_same_trainings_are_planned(
    how: str, study: str, places: dict[str, Place], clone: Project, plain: Place
) -> None:
    overlay = ["--configfile", str(clone.root / "tiny.yaml")] if study == "tiny" else []
    planned = places[how].trainings(*overlay)
    assert len(planned) == {"default": 81, "tiny": 18}[study]
    assert planned == plain.trainings(*overlay)


def test_a_study_is_trained_to_its_end_and_found_again(
    places: dict[str, Place], clone: Project
) -> None:
    config = ("--configfile", str(clone.root / "small.yaml"))
    elsewhere = places["--snakefile"]
    elsewhere.snakemake(*config)
    results = elsewhere.folder / "results/tiny"
    assert "heatmap" in (results / "report.html").read_text()
    assert not (clone.root / "results").exists()
    again = Place(clone.root, ("--directory", str(elsewhere.folder)))
    assert "Nothing to be done" in again.snakemake("-n", *config)


def test_published_scores_are_found_beside_the_snakefile(places: dict[str, Place]) -> None:
    place = places["--directory"]
    place.snakemake("--configfile", PUBLISHED, "--", "results/published/runs.csv")
    assert (Path(place.found[1]) / "results/published/runs.csv").exists()
