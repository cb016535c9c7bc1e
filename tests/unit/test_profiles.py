"""The profiles agree with each other and with the rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = "\n".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
ON_CLUSTERS = ("slurm", "cluster-generic")
EVERYWHERE = ("scheduler", "keep-going", "rerun-incomplete", "show-failed-logs", "quiet")


def profile(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    return loaded


def submitted() -> set[str]:
    """Return the rules that are not local."""
    rules = set(re.findall(r"^(?:rule|use rule \w+ as) (\w+)", RULES, re.M))
    blocks = re.findall(r"^localrules:\n((?: +\w+,\n)+)", RULES, re.M)
    return rules - set(re.findall(r"\w+", " ".join(blocks)))


@pytest.mark.parametrize("name", ON_CLUSTERS)
def test_only_training_is_submitted_each_rule_with_its_resources(name: str) -> None:
    asked = profile(name)["set-resources"]
    assert submitted() == asked.keys()
    assert {rule.startswith("train_") for rule in submitted()} == {True}
    for resources in asked.values():
        assert resources["gpu"] == 1
        assert "attempt" in resources["mem_mb"]


@pytest.mark.parametrize("name", ON_CLUSTERS)
def test_the_profiles_of_a_cluster_limit_no_gpus_and_else_agree_with_the_default(name: str) -> None:
    assert "resources" not in profile(name)
    for key in EVERYWHERE:
        assert profile(name)[key] == profile("default")[key]
