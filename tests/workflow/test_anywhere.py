"""The same study from any folder: what is trained does not depend on where the project lies."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from helpers import forked
from helpers.project import ROOT, Project, copy_project, figures_in

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
        given = [*self.found, "--cores", "2", *arguments]
        done = forked.snakemake(given, self.folder, os.environ)
        assert done.returncode == 0, done.stdout
        return done.stdout

    @cache  # noqa: B019  a place lives as long as its module's tests
    def trainings(self, *arguments: str) -> list[str]:
        """Return what each training of a dry run is told: seed, settings and all else."""
        shown = self.snakemake("-n", "--printshellcmds", "--quiet", "host", *arguments)
        told = re.findall(r"\{.*\"learning_rate\".*\}", shown)
        return sorted(each for each in told if '"seed"' in each)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in a folder whose name has blanks and quotes."""
    project = copy_project(tmp_path_factory.mktemp("anywhere") / AWKWARD, own_sources=True)
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
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Trainings of the default study in a project as most users have it."""
    plain = Place(copy_project(tmp_path_factory.mktemp("plain") / "interlude").root)
    return plain.trainings()


@pytest.mark.parametrize("how", ["at home", "--directory", "--snakefile"])
def test_the_same_trainings_are_planned(
    how: str, places: dict[str, Place], expected: list[str]
) -> None:
    assert len(expected) == 45
    assert places[how].trainings() == expected


@pytest.mark.parametrize("how", ["--directory", "--snakefile"])
def test_a_config_file_means_the_same(how: str, places: dict[str, Place], clone: Project) -> None:
    """It is given from where snakemake is called, whatever the working directory."""
    named = os.path.relpath(clone.root / "tiny.yaml", places[how].folder)
    overlay = ("--configfile", named)
    planned = places[how].trainings(*overlay)
    assert len(planned) == 18
    assert planned == places["at home"].trainings(*overlay[:1], "tiny.yaml")


@pytest.mark.parametrize("how", ["--directory", "--snakefile"])
def test_the_profile_of_the_project_is_used(how: str, places: dict[str, Place]) -> None:
    assert "profiles/default for setting default" in places[how].snakemake("-n", "download")


def test_a_study_is_trained_to_its_end_and_found_again(
    places: dict[str, Place], clone: Project
) -> None:
    config = ("--configfile", str(clone.root / "small.yaml"))
    elsewhere = places["--snakefile"]
    elsewhere.snakemake(*config)
    results = elsewhere.folder / "results/tiny"
    heatmap = (results / "figures/heatmap.svg").read_text()
    assert heatmap in figures_in(results / "report.html")
    assert not (clone.root / "results").exists()
    again = Place(clone.root, ("--directory", str(elsewhere.folder)))
    assert "Nothing to be done" in again.snakemake("-n", *config)


def test_published_scores_are_found_beside_the_snakefile(places: dict[str, Place]) -> None:
    place = places["--directory"]
    place.snakemake("--configfile", PUBLISHED, "--", "results/published/scores.csv")
    assert (Path(place.found[1]) / "results/published/scores.csv").exists()
