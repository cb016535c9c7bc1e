"""How many trainings of one study another study, of another design, has made already.

    python -m interlude.plan.shared_designs docs/run.md

plans the designs of the four studies over the same tasks, encoder, settings and seeds, counts the
ids that two of them have in common, and writes the table between the lines `<!-- shared -->` and
`<!-- end -->` of a page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from interlude.files import markdown_table, with_table
from interlude.plan.planner import Plan, plan_of
from interlude.plan.study import load_study

# 4 intermediate tasks and 3 targets, of which one is an intermediate task as well.
COMMON: dict[str, Any] = {
    "study": "mine",
    "restarts": 3,
    "seeds": [1, 2, 3],  # of every role
    "encoder": {"model": "minilm-l6"},
    "intermediate": ["social-iqa-dev", "commonsense-qa-dev", "disfl-qa", "sarcasm"],
    "target": ["privacy-qa", "finance-ner", "sarcasm"],
}
_STILTS = [{"parts": ["source"]}, {"parts": ["task"], "carry_head": True}]
_WELLER: dict[str, Any] = {
    "single": [{"parts": ["task"]}],
    "stilts": _STILTS,
    "mtl": [{"parts": ["source", "task"], "sampler": "uniform"}],
    "mtl-all": [{"parts": ["all"], "sampler": "size"}],
}
_DYNAMIC = {"mtl-all-dynamic": [{"parts": ["all"], "sampler": "dynamic"}]}
# One of its points is what the others train with: a learning rate of 1e-4, 16, and .1.
_GRID = {"learning_rate": [1e-5, 3e-5, 1e-4], "batch_size": [8, 16, 32], "warmup": [0, 0.1]}
DESIGNS: dict[str, dict[str, Any]] = {
    "Pruksachatkun et al.": {"probing": ["ep-pos"]},
    "Chang and Lu": {"retrain_intermediate": False, "grid": _GRID},
    "Poth et al.": {"retrain_intermediate": False, "encoder": {"method": {"name": "bottleneck"}}},
    "Weller et al.": {"self_transfer": False, "arms": _WELLER},
    "Weller et al., dynamic": {"self_transfer": False, "arms": _WELLER | _DYNAMIC},
}


def plan_of_design(changes: dict[str, Any], root: Path) -> Plan:
    """Return the plan of a study of the common tasks with what a design changes.

    root: the project's folder.
    """
    encoder = {**COMMON["encoder"], **changes.get("encoder", {})}
    return plan_of(load_study({**COMMON, **changes, "encoder": encoder}, root))


def plans(root: Path) -> dict[str, Plan]:
    """Return the plan of each design."""
    return {name: plan_of_design(changes, root) for name, changes in DESIGNS.items()}


def as_markdown(planned: dict[str, Plan]) -> str:
    """Return the table: a row per second study, a column per first one; trainings it finds done."""
    heads = ["second study", "trainings", *(f"after {name}" for name in planned)]
    rows = []
    for name, second in planned.items():
        in_common = (
            "–" if name == other else str(len(second.trainings.keys() & first.trainings.keys()))
            for other, first in planned.items()
        )
        rows.append([name, str(len(second.trainings)), *in_common])
    return markdown_table(heads, rows)


def main() -> None:
    """Print the table, and write it into the pages that are named on the command line."""
    table = as_markdown(plans(Path()))
    print(table, end="")
    for page in map(Path, sys.argv[1:]):
        page.write_text(
            with_table(page.read_text(encoding="utf8"), "shared", table), encoding="utf8"
        )


if __name__ == "__main__":
    main()
