"""Tokenise one task for one model: normalised Parquet in, Arrow out."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.encode import encode_task
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised Parquet")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--form", required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Arrow files")
    arguments = parser.parse_args()
    encode_task(
        arguments.data, arguments.out, arguments.form, arguments.model, arguments.max_length
    )


if __name__ == "__main__":
    main()
