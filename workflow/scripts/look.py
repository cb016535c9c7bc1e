"""Show what a task's trainings will see of it: as text, and as a page of HTML."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.errors import command
from interlude.files import written_atomically
from interlude.look.facts import look_at
from interlude.look.page import as_page
from interlude.look.text import as_text


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--about", type=json.loads, required=True, help="the task, as JSON")
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised Parquet")
    parser.add_argument(
        "--encoded", type=Path, nargs="+", required=True, help="its encodings, named by max_length"
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--text", type=Path, required=True, help="text to write")
    parser.add_argument("--page", type=Path, required=True, help="HTML to write")
    arguments = parser.parse_args()
    look = look_at(arguments.about, arguments.data, arguments.encoded, arguments.model)
    text = f"{as_text(look)}page: {arguments.page}\n"
    with written_atomically(arguments.page) as page, written_atomically(arguments.text) as lines:
        page.write_text(as_page(look), encoding="utf8")
        lines.write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
