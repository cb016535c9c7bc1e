"""Tokenise one task for one model: normalised Parquet in, Arrow out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from interlude.encode.truncation_report import warnings_of
from interlude.errors import command
from interlude.jobs.encodings import Encoding


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised Parquet")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--form", required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Arrow files")
    parser.add_argument("--made-from", help="of what, for the manifest")
    parser.add_argument("--code", default="", help="digest of the code that encodes")
    parser.add_argument("--shared", type=Path, help="folder of encodings that others use as well")
    arguments = parser.parse_args()
    encoding = Encoding(
        arguments.data,
        arguments.model,
        arguments.form,
        arguments.max_length,
        arguments.made_from,
        arguments.code,
    )
    if arguments.shared is None:
        counts = encoding.make(arguments.out)
    else:
        counts = encoding.take_or_make(arguments.out, arguments.shared)
    for sentence in warnings_of(counts, arguments.max_length):
        print(f"warning: {arguments.data.name}: {sentence}.", file=sys.stderr)


if __name__ == "__main__":
    main()
