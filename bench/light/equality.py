"""Losses on a GPU are those of a plain loop on the processor, in fp32 and in bf16."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from interlude.plan.runspec import Settings

from bench.light.job import Job, Row
from bench.light.material import MINILM, TINY
from bench.light.runs import TINY as SETTINGS
from bench.light.runs import build, curve, plain_curve, without_dropout
from bench.material import Material

FP32 = 1e-4  # of a loss of about 1, after nine steps of a learning rate of 3e-3
# bf16 keeps 8 bits, so that a product is off by up to 2^-9. Through two layers the first loss was
# off by up to .6 % on a processor. Later losses are no measure: Adam makes a step of any gradient,
# so that the paths part, on a processor too.
BF16_FIRST = 1e-2
PLAIN = replace(
    SETTINGS, dropout=0.0, weight_decay=0.3, gradient_clip=0.5, select="last", evaluations=1
)
BERT_ADAM = replace(PLAIN, optimizer="bert-adam", learning_rate=1e-3)
MINILM_RUN = replace(
    PLAIN, epochs=1, batch_size=16, train_examples=160, learning_rate=1e-4, max_length=128
)


def forms(job: Job) -> Iterator[Row]:
    """Every form against the tests' plain loop, on batches and weights of the tests."""
    yield {
        "what": "products in fp32 are made in fp32, not TF32",
        "ok": not torch.backends.cuda.matmul.allow_tf32,
    }
    for material in job.bag.tiny():
        wanted = plain_curve(material, PLAIN)
        yield from _compared(job, material.task.form, material, PLAIN, wanted)
    yield from _against_processor(job, "bert-adam, single", job.bag.task(TINY, "single"), BERT_ADAM)


def families(job: Job) -> Iterator[Row]:
    """The encoder of every family against the same run on the processor; MiniLM's shape too."""
    for family in job.bag.families():
        for material in job.bag.tiny(family):
            name = f"{family}, {material.task.form}"
            yield from _against_processor(job, name, material, PLAIN)
    if job.on_gpu:
        material = job.bag.task(MINILM, "privacy-qa-128")
        yield from _against_processor(job, "MiniLM's shape, privacy-qa", material, MINILM_RUN)


def _against_processor(
    job: Job, name: str, material: Material, settings: Settings
) -> Iterator[Row]:
    wanted = curve(without_dropout(build(material, settings, "cpu", bf16=False)).train())
    yield from _compared(job, name, material, settings, wanted)


def _compared(
    job: Job, name: str, material: Material, settings: Settings, wanted: Sequence[float]
) -> Iterator[Row]:
    """Compare a run in both precisions with losses in fp32."""
    for bf16 in (False, True):
        built = without_dropout(build(material, settings, job.device, bf16))
        found = curve(built.train())
        off = [abs(a - b) for a, b in zip(found, wanted, strict=True)]
        first = off[0] / wanted[0]
        yield {
            "what": f"{name}, {'bf16' if bf16 else 'fp32'}",
            "ok": first <= BF16_FIRST if built.platform.bf16 else max(off) <= FP32,
            "first_loss": wanted[0],
            "first_off": first,
            "most_off": max(off),
            "computed_in_bf16": built.platform.bf16,
            "may_not_repeat": torch.is_deterministic_algorithms_warn_only_enabled(),
        }
