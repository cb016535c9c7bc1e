"""From a study to its cells and trainings. Pure: no data is read, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any

from interlude.errors import InputError
from interlude.plan.arms import ALL, DYNAMIC, SOURCE, TASK, Arm, Stage, arms_of, is_text_file
from interlude.plan.cells import SWEEP, Cell
from interlude.plan.study import Study
from interlude.plan.trainings import MLM, PRETRAINED, TEXT_FILE, Choice, Part, Training
from interlude.words import NO_SOURCE, ROLES

INTERMEDIATE, TARGET, PROBING = ROLES
MASKED_ACCURACY = "masked_accuracy"  # the metric of mlm


@dataclass(frozen=True)
class Sized:
    """A task, cut to so many examples; None for as many as its settings say."""

    task: str
    examples: int | None = None


NOTHING = Sized(NO_SOURCE)


@dataclass
class Plan:
    """What a study trains and reads.

    cells: in the order of tables. trainings: id -> training, each before those that start from it.
    starts: ids of trainings whose encoder and heads are kept for another. sweeps: id -> choice.
    tried: the cells of the sweep, arm `sweep`, which stand in no table of results. few_shot: nor do
    these, of few steps from a source, which methods of selection read.
    """

    cells: list[Cell] = field(default_factory=list)
    trainings: dict[str, Training] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    tried: list[Cell] = field(default_factory=list)
    few_shot: list[Cell] = field(default_factory=list)

    @cached_property
    def starts(self) -> set[str]:
        """Ids of the trainings that others start from."""
        return {each.start for each in self.trainings.values() if each.start is not None}

    @cached_property
    def references(self) -> set[str]:
        """Ids of the trainings that a dynamic sampler compares with."""
        return {id for each in self.trainings.values() for id in each.references}

    @cached_property
    def names(self) -> dict[str, str]:
        """Return id -> the name of the first cell that is read from a training."""
        cells = [*self.cells, *self.tried, *self.few_shot]
        named = {cell.training: cell.name for cell in reversed(cells)}
        return {id: named.get(id, self._stage_name(each)) for id, each in self.trainings.items()}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Return id -> the role of the first cell that is read from a training.

        `sweep` for one that only serves to choose settings, intermediate for a stage between.
        """
        between = dict.fromkeys(self.trainings, INTERMEDIATE)
        tried = {cell.training: SWEEP for cell in self.tried}
        scored = {cell.training: cell.role for cell in reversed([*self.cells, *self.few_shot])}
        return between | tried | scored

    def add(self, training: Training) -> str:
        """Add a training to the plan, unless it is there, and return its id."""
        self.trainings.setdefault(training.id, training)
        return training.id

    def _stage_name(self, training: Training) -> str:
        what = "alone, to compare with" if training.id in self.references else "a stage between"
        tasks = " + ".join(part.task for part in training.parts)
        return f"{what}: {tasks}, seed {training.seed}"


def plan_of(study: Study) -> Plan:
    """Return the plan of a study: each cell once, and each training once."""
    return _Planner(study).planned()


def part_of(study: Study, task: str) -> Part:
    """Return a task in the data of a training as a target."""
    return _Planner(study).part(Sized(task), TARGET)


def check_mixtures(plan: Plan, where: str) -> None:
    """Refuse a mixture of one task, by itself or with itself.

    Also one that is evaluated on a part of the data and keeps each task's own best: its last
    evaluation, on all of them, is of one model.
    """
    for training in plan.trainings.values():
        if training.sampler is not None and len(training.parts) == 1:
            raise InputError(
                f"{where}: key arms: found a mixture of {training.part.task} alone for "
                f"{plan.names[training.id]}. Allowed: two or more tasks that differ; all stands "
                "for the intermediate and target tasks, and source for each intermediate one."
            )
        if training.kept == "per-task" and training.settings.interim_examples is not None:
            raise InputError(
                f"{where}: key interim_examples: found {training.settings.interim_examples} for "
                f"{plan.names[training.id]}, whose stage has kept: per-task. Allowed: null, or "
                "kept: mean in the stage."
            )


class _Planner:
    """Expands the arms of one study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.config = study.config
        self.arms = arms_of(self.config.arms)
        self.points = grid_points(self.config.grid)
        self.swept = combinations(self.config.sweep or {})
        self.declared = {name: task.digest for name, task in study.tasks.items()}
        self.plan = Plan()
        self._choices: dict[tuple[str, str], Choice] = {}

    def planned(self) -> Plan:
        for role in ROLES:
            for arm in self.arms:
                self.plan.cells += self._cells(arm, role)
        unique = dict.fromkeys(self.plan.cells)
        self.plan.cells = list(unique)
        return self.plan

    def _cells(self, arm: Arm, role: str) -> Iterator[Cell]:
        if role == INTERMEDIATE:
            yield from self._first_stages(arm)
        else:
            yield from self._targets(arm, role)

    def _first_stages(self, arm: Arm) -> Iterator[Cell]:
        """Yield the scores of a first stage on its own task, where it is not the last."""
        if len(arm.stages) == 1:
            return
        first = arm.stages[0]
        own = [part for part in first.parts if part not in (ALL, MLM)]
        for source in self._sources(arm):
            task = source.task if SOURCE in own else own[0] if len(own) == 1 else None
            if task is None or not self._is_evaluated(arm, source):
                continue
            for restart in self._restarts if self._is_retrained(first) else (1,):
                training = self._training(first, INTERMEDIATE, source, None, restart, {}, None)
                examples = source.examples if SOURCE in own else None
                id = self.plan.add(training)
                yield Cell(arm.name, INTERMEDIATE, NO_SOURCE, examples, task, restart, None, id)

    def _is_evaluated(self, arm: Arm, source: Sized) -> bool:
        """Return whether any task is reached from a source; always, where the study has no task."""
        tasks = [*self.study.tasks_of(TARGET), *self.study.tasks_of(PROBING)]
        return not tasks or any(self._pairs(arm, source, task) for task in tasks)

    def _targets(self, arm: Arm, role: str) -> Iterator[Cell]:
        """Yield the scores of the last stage on the tasks of a role."""
        for source in self._sources(arm):
            for task in self._scored(role, source):
                if self._pairs(arm, source, task.task) and self._holds(arm.last, task.task):
                    yield from self._trials(arm, role, source, task)

    def _scored(self, role: str, source: Sized) -> list[Sized]:
        """Return the tasks of a role that a source is paired with: each, then those of other sizes.

        A task of another size is paired only with whole sources other than itself, as its own data
        would be there again.
        """
        names = self.study.tasks_of(role)
        cut = [
            Sized(task, size)
            for task, sizes in self.study.target_sizes.items()
            for size in sizes
            if task in names and task != source.task and source.examples is None
        ]
        return [*map(Sized, names), *cut]

    def _trials(self, arm: Arm, role: str, source: Sized, task: Sized) -> Iterator[Cell]:
        key = (arm.name, role, source.task, source.examples, task.task)
        for restart, (point, changes) in product(self._restarts, self.points):
            training = self._reached(arm, role, source, task, restart, changes)
            yield Cell(*key, restart, point, self.plan.add(training), task.examples)

    def _reached(
        self, arm: Arm, role: str, source: Sized, task: Sized, restart: int, changes: dict[str, Any]
    ) -> Training:
        """Return the last training of an arm; those before it enter the plan."""
        start = None
        for stage in arm.stages[:-1]:
            early = restart if self._is_retrained(stage) else 1
            training = self._training(stage, INTERMEDIATE, source, task, early, {}, start)
            start = self.plan.add(training)
        return self._training(arm.last, role, source, task, restart, changes, start)

    def _is_retrained(self, stage: Stage) -> bool:
        """Return whether an early stage is trained in each restart, or once for all."""
        return self.config.retrain_intermediate if stage.retrain is None else stage.retrain

    def _training(
        self,
        stage: Stage,
        role: str,
        source: Sized,
        task: Sized | None,
        restart: int,
        changes: dict[str, Any],
        start: str | None,
    ) -> Training:
        """Return the training of a stage. A mixture has the settings of its role alone."""
        sources = self._tasks(stage.parts, source, task)
        alone = None if stage.is_mixture else sources[0].task if sources else MLM
        own: dict[str, Any] = {}
        if stage.learning_rate is not None:
            own["learning_rate"] = stage.learning_rate
        return self._planned(
            parts=self._parts_of(stage, role, source, task),
            settings=replace(self.study.settings(role, alone), **own, **changes),
            seed=self.study.seed(role, restart),
            start=start,
            sampler=stage.sampler if stage.is_mixture else None,
            mixing=stage.mixing if stage.is_mixture else None,
            kept=stage.kept if stage.is_mixture else None,
            method=self.config.method(stage),
            weights=self.config.weights(stage) if start is None else PRETRAINED,
            frozen=stage.frozen,
            carry_head=stage.carry_head,
            heads=stage.heads if stage.is_mixture else "per-task",
            adapter=self._adapter(stage, start),
            references=self._references(stage, role, sources, restart, changes),
            choice=None if alone in (None, MLM) else self._choice(role, str(alone)),
        )

    def _references(
        self, stage: Stage, role: str, sources: list[Sized], restart: int, changes: dict[str, Any]
    ) -> tuple[str, ...]:
        """Return the trainings of a mixture's tasks alone, in their order; they enter the plan.

        None where its sampler compares with nothing.
        """
        if stage.sampler != DYNAMIC:
            return ()
        changed = {"parts": [SOURCE], "sampler": "uniform", "carry_head": False}
        alone = stage.model_copy(update=changed)
        return tuple(
            self.plan.add(self._training(alone, role, each, None, restart, changes, None))
            for each in sorted(sources, key=lambda source: source.task)
        )

    def _adapter(self, stage: Stage, start: str | None) -> str | None:
        """Return what becomes of the adapter that a stage starts from; None where there is none."""
        if start is None or self.config.method(stage).is_full:
            return None
        return stage.adapter or self.config.encoder.adapter

    def _planned(self, **changes: Any) -> Training:
        study, config = self.study, self.config
        changes = {"method": config.encoder.method, "weights": config.encoder.weights} | changes
        return Training(
            model=study.model.name,
            declared=study.model.declared,
            layers=config.encoder.layers,
            device=config.compute.device,
            precision=config.compute.precision,
            **changes,
        )

    def _parts_of(
        self, stage: Stage, role: str, source: Sized, task: Sized | None
    ) -> tuple[Part, ...]:
        """Return what a stage trains on; mlm masks the texts of its tasks, or named ones."""
        tasks = self._tasks(stage.parts, source, task)
        parts = [self.part(each, role, stage.examples) for each in tasks]
        if MLM not in stage.parts:
            return tuple(parts)
        named = self._tasks(stage.texts or (), source, task)
        texts = [self.part(each, role, stage.examples) for each in named] or parts
        in_order = tuple(sorted(texts, key=lambda part: part.task))
        return *parts, Part(MLM, MLM, MASKED_ACCURACY, "", texts=in_order)

    def _tasks(self, words: Sequence[str], source: Sized, task: Sized | None) -> list[Sized]:
        """Return the tasks that the words of a stage stand for; mlm is none.

        The one that is to be scored has its size, whichever word names it.
        """
        by_name: dict[str, Sized] = {}
        for word in words:
            if word == SOURCE:
                by_name[source.task] = source
            elif word == TASK and task is not None:
                by_name[task.task] = task
            elif word == ALL:
                by_name |= {name: Sized(name) for name in self._all_tasks}
            elif word not in (TASK, SOURCE, MLM):
                by_name[word] = Sized(word)
        if task is not None and task.examples is not None and task.task in by_name:
            by_name[task.task] = task
        return list(by_name.values())

    def part(self, sized: Sized, role: str, most: int | None = None) -> Part:
        """Return a task in the data of a training.

        Its examples: the size that it is cut to, and no more than its stage says or, where that
        says nothing, the task's settings.
        """
        limits = (sized.examples, most or self.study.examples(role, sized.task))
        if is_text_file(sized.task):
            return Part(sized.task, TEXT_FILE, "", "", limits[1])
        task = self.study.tasks[sized.task]
        return Part(
            task=sized.task,
            form=task.form,
            metric=task.metric,
            declared=self.declared[sized.task],
            examples=min((each for each in limits if each is not None), default=None),
            standardise=self.study.standardises(role, sized.task),
            held_aside=self._holds_aside,
            evaluate=task.evaluate.to_json() if task.evaluate else "",
        )

    def _choice(self, role: str, task: str) -> Choice | None:
        """Return what the sweep chooses for a task in a role; None without a sweep."""
        if not self.swept:
            return None
        if (role, task) not in self._choices:
            choice = self._swept(role, task)
            self._choices[role, task] = self.plan.choices[choice.id] = choice
        return self._choices[role, task]

    def _swept(self, role: str, task: str) -> Choice:
        """Plan the trainings of a sweep: baselines, at a seed of their own that no restart has."""
        settings = self.study.settings(role, task)
        tried = []
        for point, changes in enumerate(self.swept, start=1):
            training = self._planned(
                parts=(self.part(Sized(task), role),),
                settings=replace(settings, **changes),
                seed=self.study.sweep_seed(role),
            )
            tried.append(self.plan.add(training))
            cell = Cell(SWEEP, role, NO_SOURCE, None, task, None, point, tried[-1])
            self.plan.tried.append(cell)
        return Choice(tuple(tried), tuple(self.swept[0]), self.study.rule)

    def _sources(self, arm: Arm) -> list[Sized]:
        """Return the sources of an arm: each intermediate task, then those of other sizes."""
        if not arm.has_source:
            return [NOTHING]
        whole = [Sized(task) for task in self.study.tasks_of(INTERMEDIATE)]
        cut = [Sized(task, size) for task, sizes in self.study.sizes.items() for size in sizes]
        return whole + cut

    def _pairs(self, arm: Arm, source: Sized, task: str) -> bool:
        """Return whether an arm pairs a source with a task; with itself where that makes sense."""
        if source.task != task:
            return True
        return self.config.self_transfer and not arm.mixes_source_and_task

    def _holds(self, stage: Stage, task: str) -> bool:
        """Return whether the data of a stage include a task that is to be scored."""
        named = {TASK, task} & set(stage.parts)
        return bool(named) or (ALL in stage.parts and task in self._all_tasks)

    @cached_property
    def _holds_aside(self) -> bool:
        """Return whether any arm measures on examples held aside: then all arms leave them out."""
        return any(stage.sampler == DYNAMIC for arm in self.arms for stage in arm.stages)

    @cached_property
    def _all_tasks(self) -> list[str]:
        study = self.study
        return list(dict.fromkeys([*study.tasks_of(INTERMEDIATE), *study.tasks_of(TARGET)]))

    @property
    def _restarts(self) -> range:
        return range(1, self.config.restarts + 1)


def grid_points(grid: dict[str, list[Any]] | None) -> list[tuple[int | None, dict[str, Any]]]:
    """Return the points of a grid: number, from 1, and settings; one without a number if none."""
    if not grid:
        return [(None, {})]
    return list(enumerate(combinations(grid), start=1))


def combinations(grid: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values of some settings, the last setting varying fastest."""
    return [dict(zip(grid, each, strict=True)) for each in product(*grid.values()) if grid]
