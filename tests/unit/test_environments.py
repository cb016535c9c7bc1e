"""The lock, the ranges of pyproject.toml and the conda environments agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"pytorch": "torch", "snakemake-minimal": "snakemake"}
NOT_FROM_PIP = {"python", "pip"}


def locked(file: str = "requirements.lock") -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pins}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(*extras: str) -> list[Requirement]:
    return [Requirement(text) for name in extras for text in PROJECT["optional-dependencies"][name]]


ALWAYS = [*map(Requirement, PROJECT["dependencies"]), *declared("dev")]
FROM_THE_INDEX = [requirement for requirement in ALWAYS if requirement.name != "pip"]
CLUSTER = declared("slurm", "cluster-generic")


@pytest.mark.parametrize("requirement", FROM_THE_INDEX, ids=str)
def test_the_lock_has_every_dependency_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("requirement", CLUSTER, ids=str)
def test_the_cluster_lock_has_every_plugin_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(locked("requirements-cluster.lock")[requirement.name])


@pytest.mark.parametrize(
    "file",
    [*ROOT.glob("requirements*.lock")],
    ids=lambda f: f.name,
)
def test_every_line_of_a_lock_is_one_version(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[a-z0-9.+]+", line)] == []


def test_a_plain_installation_has_no_cluster_plugin() -> None:
    assert not {requirement.name for requirement in CLUSTER} & locked().keys()


@pytest.mark.parametrize(("package", "version"), [("torch", "2.11.0"), ("transformers", "5.17.0")])
def test_the_ranges_admit_the_oldest_promised_versions(package: str, version: str) -> None:
    requirement = next(each for each in ALWAYS if each.name == package)
    assert requirement.specifier.contains(version)


@pytest.mark.parametrize("file", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda f: f.name)
def test_conda_environments_name_the_locked_versions(file: Path) -> None:
    environment = yaml.safe_load(file.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    named = (re.fullmatch(r"([\w-]+)(?: =(.+))?", line) for line in environment["dependencies"])
    versions = {match[1]: match[2] for match in named if match}
    assert len(versions) == len(environment["dependencies"])
    for name in versions.keys() - NOT_FROM_PIP:
        assert versions[name] == locked()[canonicalize_name(CONDA_NAMES.get(name, name))], name


def test_only_the_training_environment_has_torch() -> None:
    with_torch = [f.name for f in (ROOT / "envs").glob("*.yaml") if "pytorch" in f.read_text()]
    assert with_torch == ["train.yaml"]
