"""Print what a study will cost, estimated from the trainings that were measured so far."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.estimate import counts, estimate, planned_examples
from interlude.analysis.example_noise import with_example_noise
from interlude.analysis.options import Options
from interlude.analysis.restarts import LONE, restart_table
from interlude.analysis.results import joined, of_full_size, read_runs, to_scores, to_trainings
from interlude.analysis.transfer import transfer_table
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.plan.cells import read_plan, scored


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--planned", type=json.loads, required=True, help="trainings, as JSON")
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised tasks")
    parser.add_argument("--measured", type=Path, nargs="*", default=[], help="folders of studies")
    parser.add_argument("--model", type=Path, required=True, help="weights of the encoder")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    arguments = parser.parse_args()
    collected = collect(arguments.study, scored(read_plan(arguments.plan)), arguments.trained)
    runs = [joined(to_scores(collected.scores), to_trainings(collected.trainings))]
    runs += [
        read_runs(study / "scores.parquet", study / "trainings.parquet")
        for study in arguments.measured
    ]
    print(f"plan: {arguments.plan}")
    show(planned_examples(arguments.planned, arguments.data), pd.concat(runs), arguments.model)
    show_restarts(runs[0], arguments.options)


def show(planned: pd.DataFrame, measured: pd.DataFrame, model: Path) -> None:
    """Print the estimate; the counts alone, where nothing was measured yet."""
    if (measured["status"] == "ok").any():
        encoder_bytes = model.stat().st_size if model.exists() else float("nan")
        table = estimate(planned, measured.reset_index(drop=True), encoder_bytes)
    else:
        table = counts(planned)
    print(table.to_string(index=False, float_format="{:,.2f}".format, na_rep="?"))
    if "hours" not in table:
        print(
            "Nothing was measured yet, so tokens and hours are not known: train a few first, or "
            "name studies in the config, key plan.measured."
        )


def show_restarts(runs: pd.DataFrame, options: Options) -> None:
    """Print the differences that restarts can detect, and the restarts needed, by their spread."""
    rule, levels = options.degenerate, options.statistics
    flagged = of_full_size(flag_degenerate(runs, rule))
    cells = transfer_table(flagged, options, rule.exclude)
    transfer = with_example_noise(cells, flagged, options)
    table = restart_table(flagged, transfer, rule.exclude, levels)
    table = table[(table["level"] == LONE) & (table["sd"] > 0)]
    if not table.empty:
        shown = table.drop(columns=["level", "example_sd", "pays_to", "note"])
        print(
            f"\nThe difference in points that so many restarts detect (level {levels.alpha:g}, "
            f"power {levels.power:g}), and the restarts needed for 1 and for 2 points:"
        )
        print(shown.to_string(index=False, float_format="{:,.2f}".format, na_rep="?"))
        print(
            "Beyond the restarts in column pays_to of tables/restarts.csv, which uses the "
            "predictions, the validation examples are the larger noise: more of them help more."
        )


if __name__ == "__main__":
    main()
