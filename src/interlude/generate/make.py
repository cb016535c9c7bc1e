"""Make a task of real and made endings: normalised Parquet with a manifest, as of other tasks."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from interlude.data.made_from import generated_made_from
from interlude.data.prepare import write_normalised
from interlude.errors import InputError
from interlude.files import WEIGHTS, check_files, read_manifest, sha256_of
from interlude.forms.examples import Row
from interlude.generate.endings import Batch, Generator, Request, batches
from interlude.generate.kept import Kept
from interlude.generate.prompts import Part, Sentence, choose, number_of, read_corpus
from interlude.plan.generated import Generated
from interlude.plan.tasks import Task

EVERY = 10.0  # seconds between two lines of progress
TWICE, EMPTY = "two endings that are equal", "an ending without a word"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Inputs:
    """What a task is made of.

    corpus: normalised training data of the corpus' task, or the text file. generator: the folder of
    a prepared model.
    """

    corpus: Path
    generator: Path


def make(
    task: Task, inputs: Inputs, kept_below: Path, out: Path, device: str, say: Say
) -> dict[str, Any]:
    """Write train, validation and manifest of a generated task into `out`; return the last.

    kept_below: where finished batches are kept, so that an interrupted call goes on to the same
    bytes. device: cpu or cuda. say: prints a line of progress. Raises InputError, and then leaves
    `out` as it was, for a corpus with too few sentences and for prompts with more tokens than the
    generator has positions.
    """
    declared = _declared(task)
    where = f"{task.path}: key source.generated"
    texts = read_corpus(declared.corpus, inputs.corpus, f"{where}.corpus")
    parts = choose(texts, declared, f"{where}.corpus")
    provenance = _provenance(declared, inputs, device)
    generator = _generator(inputs, device)
    endings = _endings(parts, declared, generator, Kept.of(kept_below, provenance), say)
    dropped: Counter[str] = Counter()
    rows = {name: _rows(part, endings, declared, dropped) for name, part in parts.items()}
    about = {
        "source": {"generated": provenance},
        "revision": _revision(declared, provenance),
        "made_from": str(generated_made_from(task, *_made_from(declared, inputs))),
    }
    return write_normalised(task, rows, dropped, about, out)


def _declared(task: Task) -> Generated:
    if task.source.generated is None:
        raise InputError(f"{task.path}: key source: found no generated. Allowed: generated.")
    return task.source.generated


def _generator(inputs: Inputs, device: str) -> Generator:
    check_files(inputs.generator)
    return Generator(inputs.generator, device)


def _endings(
    parts: dict[str, Part], declared: Generated, generator: Generator, kept: Kept, say: Say
) -> dict[Sentence, tuple[str, list[str]]]:
    """Return the real ending of each sentence, as the generator writes it, and the made ones."""
    requests = [generator.request(each) for part in parts.values() for each in part]
    _check_places(requests, generator.places, declared.generator)
    planned = list(batches(requests, declared.batch_size))
    endings = {}
    for number, batch in enumerate(_with_progress(planned, len(requests), kept, say)):
        made = kept.get(number, partial(generator.endings, batch, declared))
        endings.update({r.sentence: (r.real, each) for r, each in zip(batch, made, strict=True)})
    return endings


def _check_places(requests: Sequence[Request], places: int | None, generator: str) -> None:
    longest = max(len(each.tokens) + each.longest for each in requests)
    if places is not None and longest > places:
        raise InputError(
            f"generator {generator}: found a sentence of {longest} tokens. Allowed: at most "
            f"{places}, the positions that it has; most_words cuts sentences off."
        )


def _with_progress(planned: list[Batch], prompts: int, kept: Kept, say: Say) -> Iterator[Batch]:
    """Yield batches, and report how many prompts are done, and how long the others will take."""
    started = reported_at = time.monotonic()
    skipped, done = kept.finished, 0
    for number, batch in enumerate(planned):
        yield batch
        done += len(batch)
        now = time.monotonic()
        if now - reported_at > EVERY or number in (skipped - 1, len(planned) - 1):
            reported_at = now
            remaining = (
                (now - started) / max(1, done - sum(map(len, planned[:skipped]))) * (prompts - done)
            )
            say(f"generated: {done} of {prompts} prompts, about {remaining / 60:.0f} minutes left")


def _rows(
    part: Part,
    endings: dict[Sentence, tuple[str, list[str]]],
    declared: Generated,
    dropped: Counter[str],
) -> list[Row]:
    """Return the rows of a part, the real ending in a random place; count those left out.

    Left out are prompts with an ending without a word, or with two equal endings: they have no
    single right choice.
    """
    rows = []
    for sentence in part:
        real, made = endings[sentence]
        if not all([real, *made]):
            dropped[EMPTY] += 1
        elif len({real, *made}) <= len(made):
            dropped[TWICE] += 1
        else:
            place = number_of(declared.seed, sentence.prompt, sentence.ending, "place")
            label = place % (len(made) + 1)
            choices = [*made[:label], real, *made[label:]]
            rows.append({"prompt": sentence.prompt, "endings": choices, "label": label})
    return rows


def _provenance(declared: Generated, inputs: Inputs, device: str) -> dict[str, Any]:
    """Return what the rows are made from and by, for the record; it decides their bytes."""
    generator = read_manifest(inputs.generator)
    return {
        "corpus": _of_corpus(declared, inputs.corpus),
        "generator": {name: generator.get(name) for name in ("name", "revision", "licence")}
        | {"sha256": generator["files"][WEIGHTS]},
        "parameters": declared.model_dump(exclude={"corpus", "generator"}),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
    }


def _of_corpus(declared: Generated, corpus: Path) -> dict[str, Any]:
    about = {"sha256": sha256_of(corpus)}
    if declared.corpus.task is None:
        return {"file": declared.corpus.file, **about}
    manifest = read_manifest(corpus.parent)
    kept = {name: manifest.get(name) for name in ("revision", "licence")}
    return {"task": declared.corpus.task, "column": declared.corpus.column, **kept, **about}


def _revision(declared: Generated, provenance: dict[str, Any]) -> str:
    generator, corpus = provenance["generator"], provenance["corpus"]
    return (
        f"{declared.fakes} endings by {generator['name']} ({generator['revision']}) on "
        f"{declared.corpus.called}, SHA-256 {corpus['sha256'][:12]}"
    )


def _made_from(declared: Generated, inputs: Inputs) -> tuple[str, str]:
    """Return what corpus and generator are made from; of a text file its SHA-256."""
    if declared.corpus.task is None:
        corpus = sha256_of(inputs.corpus)
    else:
        corpus = str(read_manifest(inputs.corpus.parent)["made_from"])
    return corpus, str(read_manifest(inputs.generator)["made_from"])
