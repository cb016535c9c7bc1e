"""Fetch an archive of config/archives.yaml, verified by its hash, and put a copy at --out."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.data.fetch.archives import copy_archive, find_archive
from interlude.errors import command

CONFIG = Path(__file__).parents[2] / "config"  # of this project, wherever it is called from


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", required=True, help="a key of the registry")
    parser.add_argument("--registry", type=Path, default=CONFIG / "archives.yaml")
    parser.add_argument("--out", required=True, type=Path, help="where the file goes")
    args = parser.parse_args()
    copy_archive(find_archive(args.archive, args.registry), args.out)


if __name__ == "__main__":
    main()
