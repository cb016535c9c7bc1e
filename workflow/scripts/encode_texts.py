"""Tokenise a text file, one text a line, for one model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from interlude.encode.text_file import encode_text_file
from interlude.encode.truncation_report import warnings_of
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="the text file")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Arrow files")
    arguments = parser.parse_args()
    counts = encode_text_file(arguments.texts, arguments.out, arguments.model, arguments.max_length)
    for sentence in warnings_of(counts, arguments.max_length):
        print(f"warning: {arguments.texts}: {sentence}.", file=sys.stderr)


if __name__ == "__main__":
    main()
