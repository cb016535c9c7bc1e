"""A study: from the config to the list of its runs. Pure planning, no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from interlude.data.fetch.availability import why_unavailable
from interlude.data.fetch.places import Places
from interlude.errors import InputError, unknown
from interlude.plan.runspec import RunSpec, Settings
from interlude.plan.schema import validate
from interlude.plan.tasks import Task, load_task

KINDS = ("intermediate", "target", "probing")
NO_SOURCE = "none"
_SIZE = "@"  # hellaswag@1250: the task, trained on 1,250 of its examples


def sized(task: str, size: int) -> str:
    """Return the name of an intermediate task that is trained on `size` examples."""
    return f"{task}{_SIZE}{size}"


def task_of(name: str) -> str:
    """Return the task of a source or run: hellaswag, also of hellaswag@1250."""
    return name.partition(_SIZE)[0]


def size_of(name: str) -> int | None:
    """Return the examples that a source is trained on by its name; None: by its settings."""
    size = name.partition(_SIZE)[2]
    return int(size) if size else None


@dataclass(frozen=True, order=True)
class Run:
    """One training: source × task × restart of a kind."""

    kind: str
    source: str
    task: str
    restart: int

    @property
    def path(self) -> str:
        """Where its record lies below the study's folder of runs, without a suffix."""
        return f"{self.kind}/{self.source}/{self.task}/{self.restart}"


@dataclass(frozen=True)
class Design:
    """The grid of a study: which tasks in which role, and how many restarts.

    sizes: intermediate task -> numbers of examples on which it is trained as well.
    """

    restarts: int
    retrain_intermediate: bool
    intermediate: Sequence[str]
    target: Sequence[str]
    probing: Sequence[str]
    sizes: dict[str, list[int]] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """Return all sources but `none`: the intermediate tasks, then those of other sizes."""
        others = [sized(task, size) for task, sizes in self.sizes.items() for size in sizes]
        return [*self.intermediate, *others]

    def runs(self) -> Iterator[Run]:
        """Yield every planned run: intermediate ones first, then source by source."""
        for restart in self._restarts if self.retrain_intermediate else (1,):
            for task in self.sources:
                yield Run("intermediate", NO_SOURCE, task, restart)
        for kind, tasks in (("target", self.target), ("probing", self.probing)):
            for source in (NO_SOURCE, *self.sources):
                for task in tasks:
                    for restart in self._restarts:
                        yield Run(kind, source, task, restart)

    def to_json(self) -> str:
        """Return the design as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Design:
        """Read a design back."""
        return cls(**json.loads(text))

    @property
    def _restarts(self) -> range:
        return range(1, self.restarts + 1)


@dataclass(frozen=True)
class Study:
    """A validated config with the tasks it names; of those it skips, the reason.

    titles: of all tasks that the config names, and of those that they stand in for.
    """

    config: dict[str, Any]
    tasks: dict[str, Task]
    skipped: dict[str, str]
    titles: dict[str, str]
    model_file: Path

    @property
    def name(self) -> str:
        return str(self.config["study"])

    @property
    def model(self) -> str:
        return str(self.config["encoder"]["model"])

    @cached_property
    def design(self) -> Design:
        given = {each.name: self.config[each.name] for each in fields(Design)}
        kept = {kind: [task for task in given[kind] if task in self.tasks] for kind in KINDS}
        sizes = {task: sizes for task, sizes in given["sizes"].items() if task in self.tasks}
        return Design(**given | kept | {"sizes": sizes})

    @property
    def scope(self) -> dict[str, Any]:
        """Return what the tables say of the study's tasks: see `analysis.options.Options`."""
        return {
            "titles": self.titles | self._sized_titles(),
            "tasks": [*self.tasks, *self._sized_titles()],
            "skipped": {
                kind: {
                    name: self.skipped[name] for name in self.config[kind] if name in self.skipped
                }
                for kind in KINDS
            },
            "stand_ins": {
                name: task.stands_in_for for name, task in self.tasks.items() if task.stands_in_for
            },
        }

    def _sized_titles(self) -> dict[str, str]:
        return {
            sized(task, size): f"{self.titles[task]} ({size:,})"
            for task, sizes in self.design.sizes.items()
            for size in sizes
        }

    def settings(self, kind: str, task: str) -> Settings:
        """Return the settings of a run: defaults, then the kind's, then the task's own.

        task: of a run; that of another size differs in `train_examples` alone.
        """
        of_kind = self.config["training"][kind]
        of_task = self.config["overrides"][kind].get(task_of(task), {})
        settings = Settings(**{**of_kind, **of_task})
        size = size_of(task)
        return settings if size is None else replace(settings, train_examples=size)

    def source_restart(self, run: Run) -> int:
        """Return the restart whose intermediate model a target or probing run starts from."""
        return run.restart if self.config["retrain_intermediate"] else 1

    def seed(self, kind: str, restart: int) -> int:
        """Return the seed of a kind of run in a restart: given in the config, or derived."""
        given = self.config["seeds"]
        return int(given[restart - 1][kind]) if given else self._derived_seed(kind, str(restart))

    def _derived_seed(self, kind: str, use: str) -> int:
        key = f"{self.config['seed']}/{kind}/{use}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")

    def spec(self, run: Run) -> RunSpec:
        """Return all that a run is told."""
        task = self.tasks[task_of(run.task)]
        started = run.source != NO_SOURCE
        return RunSpec(
            study=self.name,
            kind=run.kind,
            source=run.source,
            task=run.task,
            restart=run.restart,
            seed=self.seed(run.kind, run.restart),
            source_seed=self.seed("intermediate", self.source_restart(run)) if started else None,
            form=task.form,
            metric=task.metric,
            model=self.model,
            layers=self.config["encoder"]["layers"],
            device=self.config["compute"]["device"],
            precision=self.config["compute"]["precision"],
            settings=self.settings(run.kind, run.task),
        )

    @cached_property
    def swept(self) -> list[dict[str, Any]]:
        """Return the combinations of settings that the sweep tries; none without a sweep."""
        grid = self.config["sweep"]
        if grid is None:
            return []
        return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]

    def sweep_spec(self, kind: str, task: str, number: int) -> RunSpec:
        """Return what the sweep's run of a combination, from 1, is told.

        It is a baseline, at one seed of its own for all combinations, so that no restart is the one
        that the settings were chosen on. The number takes the place of the restart.
        """
        baseline = self.spec(Run(kind, NO_SOURCE, task, 1))
        settings = replace(baseline.settings, **self.swept[number - 1])
        seed = self._derived_seed(kind, "sweep")
        return replace(baseline, restart=number, seed=seed, settings=settings)


def load_study(config: dict[str, Any], root: Path, where: str = "config") -> Study:
    """Return the study of a config, its task files read and checked.

    config: as read from YAML; defaults are filled in place.
    root: the project's folder, from which task and model folders are given.
    where: the config's file name, for messages.

    Raises InputError for a key, value, task or model that is not allowed.
    """
    validate(config, "config", where)
    _check_seeds(config, where)
    registry = _declared(config["task_folders"], root)
    _check_tasks(config, registry, where)
    _check_sizes(config, where)
    models = _declared(config["model_folders"], root)
    model = config["encoder"]["model"]
    if model not in models:
        raise unknown(f"{where}: key encoder.model", "model", model, models)
    names = dict.fromkeys(name for kind in KINDS for name in config[kind])
    tasks = {name: load_task(registry[name]) for name in names}
    skipped = _skipped(config, tasks.values(), root)
    return Study(
        config=config,
        tasks={name: task for name, task in tasks.items() if name not in skipped},
        skipped=skipped,
        titles=_titles(tasks.values(), registry),
        model_file=models[model],
    )


def _titles(tasks: Iterable[Task], registry: dict[str, Path]) -> dict[str, str]:
    """Return name -> title of tasks and of those that they stand in for."""
    titles = {}
    for task in tasks:
        titles[task.name] = task.title
        for name in task.stands_in_for:
            if name not in registry:
                raise unknown(f"{task.path}: key stands_in_for", "task", name, registry)
            titles[name] = load_task(registry[name]).title
    return titles


def _skipped(config: dict[str, Any], tasks: Iterable[Task], root: Path) -> dict[str, str]:
    """Return task -> reason for those without data, where the config allows to skip them."""
    if not config["skip_unavailable"]:
        return {}
    skipped = {}
    for task in tasks:
        reason = why_unavailable(task, places(config, root))
        if reason is not None:
            # Where the clone lies is nobody's business in a table.
            skipped[task.name] = reason.removeprefix(f"{task.path}: ")
    return skipped


def places(config: dict[str, Any], root: Path) -> Places:
    """Return where the config says that data may be."""
    named = {key: Path(config[key]) for key in ("mirror", "own_data") if config[key] is not None}
    slices = root / "config/mirrors/partial.yaml"
    return Places(registry=root / "config/archives.yaml", slices=slices, **named)


def _declared(folders: list[str], root: Path) -> dict[str, Path]:
    """Return name -> YAML file over several folders; the last folder wins."""
    files = (path for folder in folders for path in sorted((root / folder).glob("*.yaml")))
    return {path.stem: path for path in files}


def _check_seeds(config: dict[str, Any], where: str) -> None:
    given, wanted = config["seeds"], config["restarts"]
    if given is not None and len(given) != wanted:
        raise InputError(
            f"{where}: key seeds: found {len(given)} entries. Allowed: {wanted}, one per restart."
        )


def _check_sizes(config: dict[str, Any], where: str) -> None:
    """Refuse sizes of a task that is not intermediate, and those above what it is trained on."""
    for task, sizes in config["sizes"].items():
        if task not in config["intermediate"]:
            raise unknown(f"{where}: key sizes", "intermediate task", task, config["intermediate"])
        of_task = config["overrides"]["intermediate"].get(task, {})
        whole = (config["training"]["intermediate"] | of_task).get("train_examples")
        if whole is not None and max(sizes) >= whole:
            raise InputError(
                f"{where}: key sizes.{task}: found {max(sizes)}. "
                f"Allowed: below {whole}, its train_examples."
            )


def _check_tasks(config: dict[str, Any], registry: dict[str, Path], where: str) -> None:
    named = [(kind, name) for kind in KINDS for name in config[kind]]
    named += [(f"overrides.{kind}", name) for kind in KINDS for name in config["overrides"][kind]]
    for key, name in named:
        if name not in registry:
            raise unknown(f"{where}: key {key}", "task", name, registry)
