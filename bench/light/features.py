"""What encoders make of examples, for the choice of a source: as on a processor, and how fast."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file

from bench.light.job import Job, Row
from bench.light.material import MINILM, TINY
from bench.light.runs import TINY as SETTINGS
from bench.light.runs import Run, build
from bench.material import BENCH, Material
from interlude.files import WEIGHTS, sha256_of
from interlude.forms.head import Tensors
from interlude.plan.extractions import FEATURES, FISHER, TENSORS, Extraction, Kind
from interlude.plan.methods import FULL, Bottleneck, Method
from interlude.selection.extract import extract
from interlude.selection.extractor import Extractor, Places, extractor_of
from interlude.selection.features import extract_features
from interlude.selection.fisher import extract_fisher
from interlude.training.start import numbered, resting_on, write_start

OFF = 1e-4  # of the largest number of a tensor: hidden states, probabilities, squared gradients
BLIND = 1e-3
STARTED = ("pair", "tagging")
BLOCK = Bottleneck(reduction=4)
BATCHED, ONE_BY_ONE = 2560, 128  # examples that a GPU reads
BATCHED_HERE, ONE_BY_ONE_HERE = 256, 32  # and a processor


def tensors(job: Job) -> Iterator[Row]:
    """Each form's features, with what a start adds, against a processor's; and once more."""
    for material in job.bag.tiny():
        yield from _compared(job, material, FEATURES)
    for form in STARTED:
        material = job.bag.task(TINY, form)
        for method in (FULL, BLOCK):
            start = _left(job, material, method)
            for kind in (FEATURES, FISHER):
                yield from _compared(job, material, kind, method, start)


def speed(job: Job) -> Iterator[Row]:
    """Examples a second at MiniLM's shape, on the device and on the processor.

    In batches for features, one by one for the Fisher information, which needs the gradient of
    each.
    """
    material = job.bag.task(MINILM, "privacy-qa-128") if job.on_gpu else job.bag.task(TINY, "pair")
    # As the program of a job has it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    places = [(job.device, 1, BATCHED, ONE_BY_ONE)] if job.on_gpu else []
    threads = sorted({1, os.cpu_count() or 1})
    places += [("cpu", each, BATCHED_HERE, ONE_BY_ONE_HERE) for each in threads]
    for device, n_threads, batched, one_by_one in places:
        torch.set_num_threads(n_threads)
        for kind, most in ((FEATURES, batched), (FISHER, one_by_one)):
            yield _timed(material.cut(most), kind, device, n_threads)


def _timed(material: Material, kind: Kind, device: str, threads: int) -> Row:
    _pass(_extractor(material.cut(8), kind, device), kind)  # what a first pass costs
    started = time.perf_counter()
    extractor = _extractor(material, kind, device)
    ready = time.perf_counter()
    _pass(extractor, kind)  # its tensors are on the processor in the end
    seconds, examples = time.perf_counter() - ready, extractor.data.train.num_rows
    return {
        "what": f"{kind}, {material.model.name}, {device}, {threads} threads",
        "ok": None,
        "examples_per_second": examples / seconds,
        "tokens_per_second": extractor.tokens / seconds,
        "examples": examples,
        "seconds_to_load": ready - started,
    }


def _extractor(material: Material, kind: Kind, device: str) -> Extractor:
    torch.manual_seed(0)
    extraction = _extraction(material, kind, device)
    extractor = extractor_of(extraction, Places(material.model, material.encoded))
    head = {name: each.cpu() for name, each in extractor.model.head.state_dict().items()}
    extractor.heads[material.part.task] = head  # as if a start had it
    return extractor


def _pass(extractor: Extractor, kind: Kind) -> None:
    if kind == FEATURES:
        extract_features(extractor)
    else:
        extract_fisher(extractor, next(iter(extractor.heads)))


def _compared(
    job: Job, material: Material, kind: Kind, method: Method = FULL, start: Path | None = None
) -> Iterator[Row]:
    def extracted(device: str, name: str) -> Tensors:
        out = job.folder / name
        places = Places(material.model, material.encoded, start)
        extract(_extraction(material, kind, device, method, start), places, out)
        made: Tensors = load_file(out / TENSORS)
        return made

    found, again = extracted(job.device, "found"), extracted(job.device, "again")
    wanted = extracted("cpu", "wanted")
    name = f"{kind}, {material.part.form}, {'pretrained' if start is None else method.name}"
    off = _off(found, wanted)
    same = found.keys() == again.keys() and all(found[e].equal(again[e]) for e in found)
    yield {
        "what": f"{name}: as on the processor",
        "ok": found.keys() == wanted.keys() and off <= OFF,
        "tensors": len(wanted),
        "furthest_off": off,
    }
    yield {"what": f"{name}: the same bytes once more", "ok": same}


def _off(found: Tensors, wanted: Tensors) -> float:
    """Return how far numbers are off, in parts of the largest of their tensor.

    Some tensors are rounding error alone, such as gradients of biases that a softmax is blind to:
    those count as parts of what is the largest of all. Labels may not be off at all.
    """
    numbers = {name: each for name, each in wanted.items() if each.is_floating_point()}
    if any(not found[name].equal(each) for name, each in wanted.items() if name not in numbers):
        return math.inf
    least = BLIND * max(float(each.abs().max()) for each in numbers.values())
    return max(
        float((found[name] - each).abs().max() / each.abs().max().clamp(min=least))
        for name, each in numbers.items()
    )


def _extraction(
    material: Material, kind: Kind, device: str, method: Method = FULL, start: Path | None = None
) -> Extraction:
    return Extraction(
        kind,
        model=material.model.name,
        declared=BENCH,
        layers=None,
        part=material.part,
        max_length=SETTINGS.max_length,
        device=device,
        start=None if start is None else start.name,
        head=material.part if start is not None and kind == FEATURES else None,
        method=method,
    )


def _left(job: Job, material: Material, method: Method) -> Path:
    """Train a tiny task on the processor and return the start that it leaves."""
    run = Run(material.part.task, (material,), SETTINGS, {"method": method})
    trained = build(run, "cpu", bf16=False).train()
    assert trained.encoder is not None
    assert trained.heads is not None
    folder = job.folder / f"start-{material.part.form}-{method.name}"
    heads = {material.part.task: trained.heads[0]}
    if method.is_full:
        write_start(folder, "ok", material.model.name, trained.encoder, heads)
    else:
        rests_on = resting_on(method, sha256_of(material.model / WEIGHTS))
        encoder = numbered([trained.encoder])
        write_start(folder, "ok", material.model.name, encoder, heads, rests_on)
    return folder
