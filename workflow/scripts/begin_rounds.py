"""Choose the sources of the first round of trainings, in the order of the published evidence."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.decisions import Decision, write_decision
from interlude.analysis.evidence import load_evidence
from interlude.analysis.recommend_starts import by_evidence
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", nargs="+", required=True, help="names of candidates")
    parser.add_argument("--published", type=json.loads, required=True, help="name -> published one")
    parser.add_argument("--reference", type=Path, required=True, help="folder of the evidence")
    parser.add_argument("--first", type=int, required=True, help="so many sources at most")
    parser.add_argument("--alpha", type=float, required=True, help="intervals cover 1 - alpha")
    parser.add_argument("--out", type=Path, required=True, help="the decision, as CSV")
    arguments = parser.parse_args()
    evidence = load_evidence(arguments.reference)
    ranking = by_evidence(evidence, arguments.alpha, "", arguments.sources, arguments.published)
    ranked = list(ranking.sort_values("gain", ascending=False, kind="stable")["start"])
    write_decision(Decision(ranked[: arguments.first], restarts=1), arguments.out)


if __name__ == "__main__":
    main()
