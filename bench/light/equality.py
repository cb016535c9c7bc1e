"""Losses on a GPU are those of a plain loop on the processor, in fp32 and in bf16."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from bench.light import others
from bench.light.job import Job, Row
from bench.light.material import MINILM, TINY, Bag
from bench.light.runs import TINY as SETTINGS
from bench.light.runs import Run, build, curve, plain_curve, without_dropout
from interlude.plan.settings import Settings

FP32 = 1e-4  # of a loss of about 1, after nine steps of a learning rate of 3e-3
# bf16 keeps 8 bits, so that a product is off by up to 2^-9. Through two layers the first loss was
# off by up to .6 % on a processor. Later losses are no measure: Adam makes a step of any gradient,
# so that the paths part, on a processor too.
BF16_FIRST = 1e-2
PLAIN = replace(
    SETTINGS, dropout=0.0, weight_decay=0.3, gradient_clip=0.5, select="last", evaluations=1
)
BERT_ADAM = replace(PLAIN, optimizer="bert-adam", learning_rate=1e-3)
MIXED = replace(PLAIN, epochs=2)  # no more steps than a curve has points
MINILM_RUN = replace(PLAIN, epochs=1, batch_size=16, learning_rate=1e-4, max_length=128)
InMiniLM = Callable[[Bag, Settings, int], list[Run]]  # settings, examples of each task
MINILM_EXAMPLES = 160
MINILM_EXAMPLES_OF_EACH = 64


def forms(job: Job) -> Iterator[Row]:
    """Every form against the tests' plain loop, on batches and weights of the tests."""
    yield {
        "what": "products in fp32 are made in fp32, not TF32",
        "ok": not torch.backends.cuda.matmul.allow_tf32,
    }
    for material in job.bag.tiny():
        run = Run(material.part.form, (material,), PLAIN)
        yield from _compared(job, run, plain_curve(run))
    single = job.bag.task(TINY, "single")
    yield from _against_processor(job, Run("bert-adam, single", (single,), BERT_ADAM))
    yield from _against_processor(job, others.standardised(job.bag, PLAIN))


def families(job: Job) -> Iterator[Row]:
    """The encoder of every family against the same run on the processor; MiniLM's shape too."""
    for family in job.bag.families():
        for material in job.bag.tiny(family):
            run = Run(f"{family}, {material.part.form}", (material,), PLAIN)
            yield from _against_processor(job, run)
    if job.on_gpu:
        material = job.bag.task(MINILM, "privacy-qa-128").cut(MINILM_EXAMPLES)
        run = Run("MiniLM's shape, privacy-qa", (material,), MINILM_RUN)
        yield from _against_processor(job, run)


def mixtures(job: Job) -> Iterator[Row]:
    """Several tasks, and masked texts, against the plain loop and the processor; MiniLM's shape."""
    yield from _against_both(job, others.mixtures(job.bag, MIXED), others.mixtures_in_minilm)


def adapters(job: Job) -> Iterator[Row]:
    """Each adapter, and heads alone, against the plain loop and the processor; MiniLM's shape."""
    yield from _against_both(job, others.adapters(job.bag, PLAIN), others.adapters_in_minilm)


def _against_both(job: Job, tiny: Iterable[Run], in_minilm: InMiniLM) -> Iterator[Row]:
    for run in tiny:
        if run.lacks:
            yield lacking(run)
        else:
            yield from _compared(job, run, plain_curve(run), _on_processor(run))
    if job.on_gpu:
        for run in in_minilm(job.bag, MINILM_RUN, MINILM_EXAMPLES_OF_EACH):
            yield from _against_processor(job, run)


def _against_processor(job: Job, run: Run) -> Iterator[Row]:
    if run.lacks:
        yield lacking(run)
        return
    yield from _compared(job, run, _on_processor(run))


def lacking(run: Run) -> Row:
    """Return the row of a run for which packages are not there."""
    return {"what": run.name, "ok": None, "reason": f"no {', '.join(run.lacks)} here"}


def _on_processor(run: Run) -> list[float]:
    return curve(without_dropout(build(run, "cpu", bf16=False)).train())


def _compared(job: Job, run: Run, *wanted: Sequence[float]) -> Iterator[Row]:
    """Compare a run in both precisions with losses in fp32."""
    first_loss = wanted[0][0]
    for bf16 in (False, True):
        built = without_dropout(build(run, job.device, bf16))
        found = curve(built.train())
        off = [abs(a - b) for each in wanted for a, b in zip(found, each, strict=True)]
        first = abs(found[0] - first_loss) / first_loss
        yield {
            "what": f"{run.name}, {'bf16' if bf16 else 'fp32'}",
            "ok": first <= BF16_FIRST if built.platform.bf16 else max(off) <= FP32,
            "first_loss": first_loss,
            "first_off": first,
            "most_off": max(off),
            "computed_in_bf16": built.platform.bf16,
            "may_not_repeat": torch.is_deterministic_algorithms_warn_only_enabled(),
        }
