"""Endings on a GPU: a processor's texts, the same ones again, and how many tokens a second."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from bench.light.job import Job, Row
from bench.light.material import CAUSAL, SMALL_CAUSAL
from bench.machine import ROOT
from interlude.files import WEIGHTS, write_json
from interlude.generate.endings import Endings, Generator, batches
from interlude.generate.prompts import Sentence

GENERATE = str(ROOT / "workflow/scripts/generate.py")
READERS = ("pydantic", "yaml", "datasets", "tenacity")  # of task files, for the program alone
TEXTS, SIZE, FAKES = 24, 4, 3
# Ways to choose a token: the paper's, one with all that is computed beside it, the most probable.
USUAL = {"greedy": False, "nucleus": 0.9, "top_k": 0, "temperature": 1.0, "repetition_penalty": 1.0}
WAYS = {
    "nucleus": USUAL,
    "all of it": {**USUAL, "top_k": 20, "temperature": 1.3, "repetition_penalty": 1.2},
    "greedy": {**USUAL, "greedy": True},
}
# Prompts at a time, and batches, that are timed: of a GPU and of a processor.
ON_GPU, ON_PROCESSOR = (32, 8), (8, 1)
WORDS = 30  # of a sentence that is timed, as in a generated task; half of them are the prompt


def texts(job: Job) -> Iterator[Row]:
    """The texts of a tiny generator: those of a processor, and the same ones once more.

    Each ending has random numbers of its own, so that draws too are those of a processor but where
    the last digit of a logit decides: in the few hundred of this check, never.
    """
    folder = job.bag.model(CAUSAL)
    here, processor = Generator(folder, job.device), Generator(folder, "cpu")
    planned = list(batches([here.request(each) for each in _sentences(TEXTS, 12)], SIZE))
    for name, way in WAYS.items():
        declared = _declared(way)
        found = [here.endings(each, declared) for each in planned]
        wanted = [processor.endings(each, declared) for each in planned]
        again = [here.endings(each, declared) for each in planned]
        later = [Generator(folder, job.device).endings(each, declared) for each in planned[2:]]
        yield _same(f"{name}: the texts of a processor, in fp32", found, wanted)
        yield _same(f"{name}: once more", found, again)
        yield _same(f"{name}: lost after two batches, and gone on", found[2:], later)
    yield from _by_program(job, folder)


def speed(job: Job) -> Iterator[Row]:
    """Tokens a second of DistilGPT2's shape, on the device and on the processor."""
    folder = job.bag.model(SMALL_CAUSAL if job.on_gpu else CAUSAL)
    places = [(job.device, 1, ON_GPU)] if job.on_gpu else []
    places += [("cpu", threads, ON_PROCESSOR) for threads in sorted({1, os.cpu_count() or 1})]
    for device, threads, (size, count) in places:
        torch.set_num_threads(threads)
        generator = Generator(folder, device)
        sentences = _sentences(size * count, WORDS)
        planned = list(batches([generator.request(each) for each in sentences], size))
        generator.endings(planned[0][:1], _declared(USUAL))  # what a first call costs
        started = time.perf_counter()
        for each in planned:
            generator.endings(each, _declared(USUAL))
        seconds = time.perf_counter() - started
        drawn = sum(FAKES * request.longest for batch in planned for request in batch)
        yield {
            "what": f"{folder.name}, {device}, {threads} threads, {size} prompts at a time",
            "ok": None,
            "generated_tokens_per_second": drawn / seconds,
            "endings_per_second": FAKES * len(sentences) / seconds,
            "seconds": seconds,
        }


def _by_program(job: Job, folder: Path) -> Iterator[Row]:
    """The program of a job: twice, and behind some of its batches."""
    what = "the program: twice, and gone on behind two batches, to the same bytes"
    if lacks := [name for name in READERS if find_spec(name) is None]:
        yield {"what": what, "ok": None, "reason": f"no {', '.join(lacks)} here"}
        return
    task, corpus = _task_file(job.folder)
    made = {}
    for name in ("one", "other", "resumed"):
        kept, out = job.folder / f"kept-{name}", job.folder / name
        if name == "resumed":
            _take_first(job.folder / "kept-one", kept)
        files = ["--task", task, "--corpus", corpus, "--generator", folder / WEIGHTS]
        files += ["--kept", kept, "--out", out, "--device", job.device]
        ended = job.run([sys.executable, GENERATE, *map(str, files)])
        made[name] = (ended.returncode, _bytes(out))
    one, *others = made.values()
    same = all(other == one for other in others)
    yield {
        "what": what,
        "ok": same and one[0] == 0,
        "statuses": [each[0] for each in made.values()],
    }


def _take_first(whole: Path, kept: Path) -> None:
    """Copy the first two batches of a generation."""
    for file in sorted(whole.rglob("*.json"))[:2]:
        target = kept / file.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())


def _bytes(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*"))]


def _task_file(folder: Path) -> tuple[Path, Path]:
    """Write the file of a task to be made, and its corpus."""
    corpus, task = folder / "corpus.txt", folder / "made.yaml"
    corpus.write_text("\n".join(_texts(2 * TEXTS, 12)), encoding="utf8")
    generated = {
        **{"corpus": {"file": str(corpus)}, "generator": CAUSAL, "batch_size": SIZE},
        **{"least_words": 6, "most_words": 12, "train": TEXTS, "validation": 8},
    }
    declared = {
        **{"name": "made", "title": "Made", "description": "Made.", "form": "choice"},
        **{"source": {"generated": generated}, "metric": "accuracy"},
        "splits": {"train": "train", "validation": "validation"},
        "columns": {"text": "prompt", "choices": "endings", "label": "label"},
        **{"licence": "none", "citation": "none"},
    }
    write_json(task, declared)  # JSON is YAML
    return task, corpus


def _declared(way: dict[str, Any]) -> Any:
    """Return what the generator reads of `plan.generated.Generated`, which pydantic makes."""
    fakes = 1 if way["greedy"] else FAKES
    return SimpleNamespace(fakes=fakes, seed=42, decoding=SimpleNamespace(**way))


def _sentences(count: int, words: int) -> list[Sentence]:
    """Return different sentences, halved; those of a tiny model end at different lengths."""
    found = []
    for number, text in enumerate(_texts(count, words)):
        known = text.split(". ", maxsplit=1)[0].split()
        known = known[: words - number % 3] if words < WORDS else known
        half = len(known) // 2
        found.append(Sentence(" ".join(known[:half]), " ".join(known[half:])))
    return list(dict.fromkeys(found))


def _texts(count: int, words: int) -> list[str]:
    sys.path.append(str(ROOT / "tests"))
    from helpers.tiny_causal import texts  # type: ignore[import-not-found]  # noqa: PLC0415

    made: list[str] = texts(count, words)
    return made


def _same(what: str, found: Sequence[Endings], wanted: Sequence[Endings]) -> Row:
    """Return the row of endings that should be the same, and how many are not."""
    pairs = zip(_flat(found), _flat(wanted), strict=True)
    differ = sum(one != other for one, other in pairs)
    return {"what": what, "ok": not differ, "endings": len(_flat(found)), "differ": differ}


def _flat(found: Sequence[Endings]) -> list[str]:
    return [text for batch in found for endings in batch for text in endings]
