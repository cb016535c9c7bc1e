"""Tokenise one task for one model: normalised Parquet in, Arrow out."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.encode.encoding import encode_task, encode_task_once
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised Parquet")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--form", required=True)
    parser.add_argument("--max-length", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the Arrow files")
    parser.add_argument("--code", default="", help="digest of the encoding code")
    parser.add_argument("--shared", type=Path, help="folder of encodings that studies share")
    arguments = parser.parse_args()
    told = (arguments.data, arguments.out, arguments.form, arguments.model, arguments.max_length)
    if arguments.shared is None:
        encode_task(*told)
    else:
        encode_task_once(*told, shared=arguments.shared, code=arguments.code)


if __name__ == "__main__":
    main()
