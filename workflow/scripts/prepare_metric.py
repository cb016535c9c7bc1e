"""Put the metric of evaluate that a task file names where jobs load it without a network."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.data.fetch.metrics import prepare_metric
from interlude.errors import InputError, command
from interlude.plan.tasks import load_task


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, type=Path, help="file that names it")
    parser.add_argument("--out", required=True, type=Path, help="folder of the metric")
    args = parser.parse_args()
    metric = load_task(args.task).evaluate
    if metric is None:
        raise InputError(f"{args.task}: no key evaluate, so no metric to prepare.")
    manifest = prepare_metric(metric, args.task, args.out)
    print(f"{metric.called}: {', '.join(manifest['files'])}")


if __name__ == "__main__":
    main()
