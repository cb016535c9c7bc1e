"""Turn the declared source of a task into normalised Parquet files and a manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare, summary
from interlude.errors import command
from interlude.plan.tasks import load_task

CONFIG = Path(__file__).parents[2] / "config"  # of this project, wherever it is called from


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, type=Path, help="file in config/tasks/")
    parser.add_argument("--archive-file", type=Path, help="the archive, already downloaded")
    parser.add_argument("--registry", type=Path, default=CONFIG / "archives.yaml")
    parser.add_argument("--mirror", type=Path, help="folder of data sets with a manifest")
    parser.add_argument("--slices", type=Path, default=CONFIG / "mirrors/partial.yaml")
    parser.add_argument("--own-data", type=Path, help="folder of copies of your own")
    parser.add_argument("--out", required=True, type=Path, help="folder of the normalised data")
    args = parser.parse_args()
    places = Places(args.registry, args.archive_file, args.mirror, args.slices, args.own_data)
    manifest = prepare(load_task(args.task), places, args.out)
    print(summary(manifest))
    for sentence in manifest["warnings"]:
        print(f"warning: {sentence}.", file=sys.stderr)


if __name__ == "__main__":
    main()
