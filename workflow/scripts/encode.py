"""Tokenise one task for one model: normalised Parquet in, Arrow out."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.encode.encoding import encode_task
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised Parquet")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--form", required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Arrow files")
    parser.add_argument("--made-from", help="of what, for the manifest")
    told = parser.parse_args()
    encode_task(told.data, told.out, told.form, told.model, told.max_length, told.made_from)


if __name__ == "__main__":
    main()
