"""Copy an encoding from the folder of shared outcomes, or make it and put it there."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from interlude.encode.encoding import encode_task, write_manifest
from interlude.encode.read import PARTS
from interlude.encode.truncation import Counts
from interlude.files import MANIFEST, WEIGHTS, check_files, read_manifest
from interlude.jobs.shared import identity_of, put, take
from interlude.versions import versions

NOT_TOKENIZER = {WEIGHTS, MANIFEST}  # in a model's folder


@dataclass(frozen=True)
class Encoding:
    """A task to tokenise for a model: the folders of both, the form, the longest sequence.

    made_from: of what, for the manifest. code: digest of what encodes.
    """

    data: Path
    model: Path
    form: str
    max_length: int
    made_from: str | None
    code: str

    def make(self, out: Path) -> dict[str, Counts]:
        """Tokenise the task into a folder: see `encode_task`."""
        return encode_task(self.data, out, self.form, self.model, self.max_length, self.made_from)

    def take_or_make(self, out: Path, shared: Path) -> dict[str, Counts]:
        """Copy the encoding from the shared folder, or make it and put it there."""
        identity, files = self._identity(), {part: out / f"{part}.arrow" for part in PARTS}
        outcome = take(shared, identity, files, _say)
        if outcome is None:
            counts = self.make(out)
            put(shared, identity, files, {"truncation": counts}, _say)
            return counts
        counts = {part: Counter(outcome["truncation"][part]) for part in PARTS}
        write_manifest(
            self.data, out, counts, self.made_from
        )  # of these data: others have the same
        return counts

    def _identity(self) -> str:
        check_files(self.data)
        rows = [self.data / f"{part}.parquet" for part in PARTS]
        tokenizer = [
            each for each in sorted(self.model.iterdir()) if each.name not in NOT_TOKENIZER
        ]
        labels = read_manifest(self.data)["label_names"]
        made_from = [self.form, self.max_length, labels, self.code, versions()]
        return identity_of(*made_from, *rows, *tokenizer)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
