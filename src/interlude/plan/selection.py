"""What methods of selection need of each pair of a source and a target. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from interlude.errors import InputError
from interlude.plan.cells import FEW_SHOT, Cell
from interlude.plan.extractions import FEATURES, FISHER, VOCABULARY, Extraction
from interlude.plan.planner import TARGET, Plan, part_of
from interlude.plan.study import SEMB, Study
from interlude.plan.trainings import Training
from interlude.words import NO_SOURCE, OF_ENCODERS

# What a method needs for a pair. Most need features: an extraction of the target by the encoder
# that was trained on the source. Texts, sentences (texts read by a model of sentences),
# vocabularies and the Fisher information are extracted once from the source and once from the
# target. Steps are those of a short training on the target from the source.
TEXTS, SENTENCES, STEPS = "texts", "sentences", "steps"
NEEDS_OF: dict[str, str] = {
    method: STEPS if method.startswith("few-shot-") else FEATURES for method in OF_ENCODERS
} | {
    "vocabulary": VOCABULARY,
    "textemb": TEXTS,
    SEMB: SENTENCES,
    "taskemb": FISHER,
}

# Poth et al. 2021: an epoch of 1,000 examples in batches of 20 (10, two of which make a step), read
# after 5, 10, 25 and 50 steps.
FEW_EXAMPLES = 1000
FEW_STEPS: dict[str, Any] = {
    "steps": 50,
    "batch_size": 20,
    "evaluate_every": 5,
    "patience": None,
}

Ids = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A source for a target, `none` for the pretrained encoder; need -> ids of extractions.

    The need `steps` has the id of a training in their place.
    """

    target: str
    source: str
    needs: dict[str, Ids]


@dataclass
class Selected:
    """What is to be extracted: what each pair needs, and all extractions by their ids."""

    pairs: list[Pair] = field(default_factory=list)
    extractions: dict[str, Extraction] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        """The targets, each once."""
        return list(dict.fromkeys(pair.target for pair in self.pairs))

    @cached_property
    def starts(self) -> set[str]:
        """Ids of the trainings whose encoders read."""
        return {each.start for each in self.extractions.values() if each.start is not None}

    @cached_property
    def uses(self) -> Counter[tuple[str, str]]:
        """Count by need and extraction for how many pairs it is made: they share its cost."""
        return Counter(
            (what, id) for pair in self.pairs for what, ids in pair.needs.items() for id in ids
        )

    def add(self, *extractions: Extraction) -> Ids:
        """Add extractions, each once, and return their ids."""
        self.extractions |= {each.id: each for each in extractions}
        return tuple(each.id for each in extractions)


def selected(study: Study, plan: Plan) -> Selected:
    """Return what the methods of a study's key `selection` need; nothing without it.

    A source is represented by its encoder of the first restart. The trainings of few steps are
    added to the plan. InputError where the arm of the main contrast trains no encoder first.
    """
    to_extract = Selected()
    selection = study.config.selection
    methods = selection.of_encoders if selection else []
    wanted = dict.fromkeys(NEEDS_OF[method] for method in methods)
    if selection and wanted:
        needs = _Needs(study, plan, selection.examples, to_extract)
        to_extract.pairs += needs.pairs([*wanted])
    return to_extract


def features_of_starts(
    study: Study, task: str, examples: int, starts: Mapping[str, str]
) -> Selected:
    """Return what is to be extracted of a task by starts that exist, and by the pretrained encoder.

    starts: name -> id of the training whose start it is. examples: read so many at most.
    """
    to_extract = Selected()
    part = part_of(study, task)
    plain = Extraction(
        kind=FEATURES,
        model=study.model.name,
        declared=study.model.declared,
        layers=study.config.encoder.layers,
        part=replace(part, examples=min(part.examples or examples, examples)),
        max_length=study.settings(TARGET, task).max_length,
        device=study.config.compute.device,
    )
    method = study.config.encoder.method
    for name, id in starts.items():
        ids = to_extract.add(replace(plain, start=id, method=method))
        to_extract.pairs.append(Pair(task, name, {FEATURES: ids}))
    to_extract.pairs.append(Pair(task, NO_SOURCE, {FEATURES: to_extract.add(plain)}))
    return to_extract


@dataclass
class _Needs:
    """Collects what is needed for each pair that the arm of the main contrast has."""

    study: Study
    plan: Plan
    examples: int
    to_extract: Selected

    def pairs(self, wanted: list[str]) -> Iterator[Pair]:
        """Yield each source of each target, then none; wanted: what methods need."""
        arm = next(each for each in self.study.contrasts if each.sourced)
        alone = {cell.task: self._training(cell) for cell in self._first(arm.against)}
        for target, single in alone.items():
            for cell in self._first(arm.arm):
                if cell.task == target and cell.source not in (target, NO_SOURCE):
                    last = self._training(cell)
                    needs = {what: self._needed(what, cell.source, last, single) for what in wanted}
                    yield Pair(target, cell.source, needs)
            if own := self._of_none(wanted, target, single):
                yield Pair(target, NO_SOURCE, own)

    def _first(self, arm: str) -> list[Cell]:
        """Return the cells of an arm on targets, of the first trial and of whole tasks."""
        first = (arm, TARGET, 1, None, None)
        return [
            cell
            for cell in self.plan.cells
            if (cell.arm, cell.role, cell.restart, cell.examples, cell.task_examples) == first
            and cell.point in (None, 1)
        ]

    def _training(self, cell: Cell) -> Training:
        return self.plan.trainings[cell.training]

    def _needed(self, what: str, source: str, last: Training, single: Training) -> Ids:
        """Return the extractions of a pair; last: the target from the source; single: alone."""
        (target,) = (part.task for part in single.parts)
        taught = self._taught(last, source)
        if what == STEPS:
            return self._few_shot(last, source, target)
        if what == FEATURES:
            (head,) = (part for part in taught.parts if part.task == source)
            own = self._pretrained(last, target)
            return self.to_extract.add(
                replace(own, start=last.start, head=head, method=last.method)
            )
        if what == FISHER:
            return self.to_extract.add(self._fisher(taught, source), self._fisher(single, target))
        by: dict[str, Callable[[Training, str], Extraction]] = {
            TEXTS: self._pretrained,
            SENTENCES: self._of_sentences,
            VOCABULARY: self._of_vocabulary,
        }
        return self.to_extract.add(by[what](taught, source), by[what](single, target))

    def _of_none(self, wanted: list[str], target: str, single: Training) -> dict[str, Ids]:
        """Return what is needed of the pretrained encoder, as of a source."""
        needs: dict[str, Ids] = {}
        if FEATURES in wanted:
            needs[FEATURES] = self.to_extract.add(self._pretrained(single, target))
        if STEPS in wanted:
            needs[STEPS] = self._few_shot(single, NO_SOURCE, target)
        return needs

    def _taught(self, last: Training, source: str) -> Training:
        """Return the training before the last one that has the source among its parts."""
        before = last
        while before.start is not None:
            before = self.plan.trainings[before.start]
            if source in {part.task for part in before.parts}:
                return before
        raise InputError(
            f"{self.study.name}: key selection: found an arm in which no stage starts from a "
            f"training on {source}. Allowed: a main contrast of an arm that trains on the source "
            "first."
        )

    def _few_shot(self, training: Training, source: str, target: str) -> Ids:
        """Return the training of few steps in place of a whole one; it enters the plan."""
        parts = tuple(
            replace(part, examples=min(part.examples or FEW_EXAMPLES, FEW_EXAMPLES))
            for part in training.parts
        )
        settings = replace(training.settings, **FEW_STEPS)
        id = self.plan.add(replace(training, parts=parts, settings=settings))
        self.plan.few_shot.append(Cell(FEW_SHOT, TARGET, source, None, target, 1, None, id))
        return (id,)

    def _pretrained(self, training: Training, task: str) -> Extraction:
        """Return an extraction of a task in the data of a training, by the pretrained encoder."""
        (part,) = (part for part in training.parts if part.task == task)
        most = min(part.examples or self.examples, self.examples)
        return Extraction(
            kind=FEATURES,
            model=training.model,
            declared=training.declared,
            layers=training.layers,
            part=replace(part, examples=most),
            max_length=training.settings.max_length,
            device=training.device,
        )

    def _of_sentences(self, training: Training, task: str) -> Extraction:
        model = self.study.sentence_model
        if model is None:
            raise ValueError("no model of sentences was loaded")
        own = self._pretrained(training, task)
        return replace(own, model=model.name, declared=model.declared, layers=None)

    def _of_vocabulary(self, training: Training, task: str) -> Extraction:
        return replace(self._pretrained(training, task), kind=VOCABULARY)

    def _fisher(self, training: Training, task: str) -> Extraction:
        own = self._pretrained(training, task)
        return replace(own, kind=FISHER, start=training.id, method=training.method)
