"""The command line that the two scripts of a training job share."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from interlude.errors import InputError
from interlude.jobs.runs_per_gpu import AUTO
from interlude.plan.trainings import Part, Training


@dataclass(frozen=True)
class JobFiles:
    """Where a training reads and writes.

    encoded: folder of the encoding of each task that is read, in the order of `Training.read`.
    folder: where it writes its record, predictions and, with `keep_start`, its start. start: the
    folder that it starts from; None for the pretrained encoder. references: records of the
    trainings that a sampler compares with, in the order of the parts. metrics: folder of the metric
    of each part in `Training.evaluated`. shared: folder of outcomes that other folders use as well.
    """

    model: Path
    encoded: tuple[Path, ...]
    folder: Path
    start: Path | None = None
    references: tuple[Path, ...] = ()
    metrics: tuple[Path, ...] = ()
    keep_start: bool = False
    shared: Path | None = None

    @property
    def record(self) -> Path:
        """The record of the training, as JSON."""
        return self.folder / "record.json"

    @property
    def predictions(self) -> Path:
        """Id, prediction and gold of each validation example."""
        return self.folder / "predictions.parquet"

    @property
    def own_start(self) -> Path | None:
        """The folder of what others start from; None when it is not kept."""
        return self.folder / "start" if self.keep_start else None

    @property
    def checkpoint(self) -> Path:
        """The state of an interrupted training, until it has ended."""
        return self.folder / "checkpoint.safetensors"


@dataclass(frozen=True)
class Job:
    """A training to carry out. name: what people call it.

    code: digest of what trains. made_from: of what its data and model are made, as the plan knows.
    """

    training: Training
    files: JobFiles
    code: str
    name: str
    made_from: str | None = None

    def encoded(self, part: Part) -> dict[Part, Path]:
        """Return the folder of the encoding of a part or, where it has texts, of each of these."""
        tasks = (each.task for each in self.training.read)
        folders = dict(zip(tasks, self.files.encoded, strict=True))
        return {each: folders[each.task] for each in part.texts or (part,)}


def job_parser(description: str | None) -> ArgumentParser:
    """Return a parser of the arguments that name a training and its files."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--training", type=Training.from_json, required=True, help="as JSON")
    parser.add_argument("--name", required=True, help="what people call it")
    parser.add_argument("--chosen", type=Path, help="settings that a sweep chose, over its own")
    parser.add_argument("--code", required=True, help="digest of the code that trains")
    parser.add_argument("--made-from", help="of what its data and model are made")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument(
        "--encoded", type=Path, nargs="+", required=True, help="folder of each task's encoding"
    )
    parser.add_argument("--start", type=Path, help="folder of the start that it begins from")
    parser.add_argument(
        "--references", type=Path, nargs="+", default=[], help="records of each part alone"
    )
    parser.add_argument(
        "--metrics", type=Path, nargs="+", default=[], help="folders of metrics of evaluate"
    )
    parser.add_argument("--keep-start", action="store_true", help="keep encoder and heads")
    parser.add_argument("--out", type=Path, required=True, help="folder of its record")
    parser.add_argument(
        "--checkpoint-minutes", type=float, default=math.inf, help="how often the state is saved"
    )
    parser.add_argument(
        "--runs-per-gpu",
        type=lambda text: text if text == AUTO else int(text),
        default=1,
        help="how many may share its GPU, or auto",
    )
    parser.add_argument("--shared", type=Path, help="folder of outcomes that others use as well")
    return parser


def job_of(arguments: Namespace) -> Job:
    """Return the job of the parsed arguments, with the settings that a sweep chose for it.

    InputError when the file of the choice is broken.
    """
    files = JobFiles(
        model=arguments.model,
        encoded=tuple(arguments.encoded),
        folder=arguments.out,
        start=arguments.start,
        references=tuple(arguments.references),
        metrics=tuple(arguments.metrics),
        keep_start=arguments.keep_start,
        shared=arguments.shared,
    )
    return Job(_settled(arguments), files, arguments.code, arguments.name, arguments.made_from)


def _settled(arguments: Namespace) -> Training:
    training: Training = arguments.training
    path: Path | None = arguments.chosen
    if path is None:
        return training
    try:
        chosen = json.loads(path.read_text(encoding="utf8"))["settings"]
        return training.settled(chosen)
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path}: not a whole choice of a sweep ({error}). Delete it and run again."
        ) from None
