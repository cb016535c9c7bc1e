"""List the trainings that no study's plan names, with their sizes; delete them where asked to."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.errors import command
from interlude.jobs.prune import delete, unnamed_trainings


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of all studies")
    parser.add_argument("--shared", type=Path, help="folder of shared outcomes")
    parser.add_argument("--delete", action="store_true", help="delete them")
    arguments = parser.parse_args()
    unnamed = unnamed_trainings(arguments.results)
    for each in unnamed:
        print(f"{each.size / 1e6:10.1f} MB  {each.folder}  {each.tasks}")
    megabytes = sum(each.size for each in unnamed) / 1e6
    total = f"{len(unnamed)} trainings that no plan.csv names, {megabytes:.1f} MB"
    if arguments.delete:
        delete(unnamed, arguments.shared)
        print(f"deleted: {total}")
    else:
        print(f"{total}. To delete them: snakemake prune --config prune=delete")


if __name__ == "__main__":
    main()
