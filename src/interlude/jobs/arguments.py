"""The command line that the two scripts of a training job share."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path

from interlude.errors import InputError
from interlude.plan.runspec import RunSpec


@dataclass(frozen=True)
class RunFiles:
    """Where a run reads and writes. `encoder_in` is its source's, `encoder_out` its own.

    `shared` is the folder of outcomes that studies share.
    """

    model: Path
    encoded: Path
    record: Path
    encoder_in: Path | None = None
    encoder_out: Path | None = None
    shared: Path | None = None

    @property
    def predictions(self) -> Path:
        """The predictions lie beside the record."""
        return self.record.with_suffix(".parquet")

    @property
    def checkpoint(self) -> Path:
        """The state of an interrupted run lies beside the record, until the run has ended."""
        return self.record.with_suffix(".checkpoint")


def run_parser(description: str | None) -> ArgumentParser:
    """Return a parser of the arguments that name a run and its files."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--spec", type=RunSpec.from_json, required=True, help="the run, as JSON")
    parser.add_argument(
        "--chosen", type=Path, help="settings that a sweep chose, over the run's own"
    )
    parser.add_argument("--code", required=True, help="digest of the training code")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--encoded", type=Path, required=True, help="folder of the encoded task")
    parser.add_argument("--encoder-in", type=Path, help="intermediate encoder to start from")
    parser.add_argument("--encoder-out", type=Path, help="where to leave the trained encoder")
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--shared", type=Path, help="folder of encoders that studies share")
    return parser


def told(arguments: Namespace) -> RunSpec:
    """Return the run of the parsed arguments, with the settings that a sweep chose for it.

    InputError when the file of the choice is broken.
    """
    spec: RunSpec = arguments.spec
    path: Path | None = arguments.chosen
    if path is None:
        return spec
    try:
        chosen = json.loads(path.read_text(encoding="utf8"))["settings"]
        return replace(spec, settings=replace(spec.settings, **chosen))
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path}: not a whole choice of a sweep ({error}). Delete it and run again."
        ) from None


def run_files(arguments: Namespace) -> RunFiles:
    """Return the files that the parsed arguments name."""
    return RunFiles(
        model=arguments.model,
        encoded=arguments.encoded,
        record=arguments.record,
        encoder_in=arguments.encoder_in,
        encoder_out=arguments.encoder_out,
        shared=arguments.shared,
    )
