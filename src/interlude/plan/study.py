"""A study: a checked config with the tasks and the model that it names. No torch, no data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from interlude.errors import InputError, unknown
from interlude.forms import declaration_of
from interlude.plan.arms import ALL, DYNAMIC, MIXTURE, SOURCE, TASK, Arm, Stage, arms_of
from interlude.plan.config import EXAMPLES, STANDARDISE, Config
from interlude.plan.contrasts import check_contrasts, contrasts_of
from interlude.plan.declared import checked
from interlude.plan.generated import Generated
from interlude.plan.methods import MERGE, Bottleneck
from interlude.plan.models import Model, load_model
from interlude.plan.seeds import derived_seed
from interlude.plan.settings import Settings
from interlude.plan.tasks import Task, load_task
from interlude.plan.trainings import MLM, RANDOM
from interlude.words import LOOKS, OF_TABLES, ROLES, Contrast

SEMB = "semb"  # the method of selection that has a model of its own
_TaskSettings = tuple[Settings, int | None, bool]  # and examples, and whether to standardise
Why = Callable[[Task, Config], str | None]


@dataclass(frozen=True)
class Study:
    """A checked config with the tasks it names; of those it skips, the reason.

    titles: of all tasks that the config names, and of those that they stand in for. sentence_model:
    of the method semb, where the study has it. corpora, generators: what generated tasks are made
    of, by name.
    """

    config: Config
    tasks: dict[str, Task]
    skipped: dict[str, str]
    titles: dict[str, str]
    model: Model
    sentence_model: Model | None = None
    corpora: dict[str, Task] = field(default_factory=dict)
    generators: dict[str, Model] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its folder of results."""
        return self.config.study

    @property
    def models(self) -> dict[str, Model]:
        """Return name -> its model, that of sentences where it has one, and generators."""
        models = (self.model, self.sentence_model, *self.generators.values())
        return {each.name: each for each in models if each}

    @property
    def generated(self) -> dict[str, Generated]:
        """Return the tasks that a language model makes."""
        made = {name: task.source.generated for name, task in self.tasks.items()}
        return {name: generated for name, generated in made.items() if generated is not None}

    def tasks_of(self, role: str) -> list[str]:
        """Return the tasks in a role that are not skipped."""
        return [task for task in self.config.tasks(role) if task in self.tasks]

    @property
    def sizes(self) -> dict[str, list[int]]:
        """Return intermediate task -> numbers of examples that it is cut to as well."""
        return {task: sizes for task, sizes in self.config.sizes.items() if task in self.tasks}

    @property
    def target_sizes(self) -> dict[str, list[int]]:
        """Return target or probing task -> numbers of examples that it is cut to as well."""
        cut = self.config.target_sizes
        return {task: sizes for task, sizes in cut.items() if task in self.tasks}

    @property
    def contrasts(self) -> list[Contrast]:
        """Return what the study compares; the main contrast comes first."""
        return contrasts_of(self.config)

    @property
    def measures_forgetting(self) -> bool:
        """Whether an arm has a stage that measures what its encoder has forgotten."""
        stages = [stage for arm in arms_of(self.config.arms) for stage in arm.stages]
        return any(stage.measures_forgetting for stage in stages)

    @property
    def options(self) -> str:
        """The options of the analysis, as JSON: see `analysis.options.Options`."""
        rules = {
            "degenerate": self.config.degenerate.model_dump(),
            "statistics": self.config.statistics.model_dump(),
        }
        return json.dumps(self._scope | rules | self._selection)

    @property
    def _selection(self) -> dict[str, Any]:
        """What the analysis judges of methods of selection, where it does."""
        selection = self.config.selection
        if selection is None:
            return {}
        return {
            "selection": {**selection.model_dump(), "truth": self.config.published or self.name}
        }

    @property
    def _scope(self) -> dict[str, Any]:
        """What the tables show about the study's tasks."""
        return {
            "titles": self.titles,
            "tasks": list(self.tasks),
            "forgetting": self.measures_forgetting,
            "stability": self.config.stability and self.config.stability.model_dump(),
            "contrasts": [each._asdict() for each in self.contrasts],
            "skipped": {
                role: {
                    name: self.skipped[name]
                    for name in self.config.tasks(role)
                    if name in self.skipped
                }
                for role in ROLES
            },
            "stand_ins": {
                name: task.stands_in_for for name, task in self.tasks.items() if task.stands_in_for
            },
        }

    def settings(self, role: str, task: str | None) -> Settings:
        """Return the settings of a training: defaults, then the role's, then the task's own.

        task: None for a mixture, which has none of its own.
        """
        return self._declared(role, task)[0]

    def examples(self, role: str, task: str) -> int | None:
        """Return how many training examples of a task are used at most; None for all."""
        return self._declared(role, task)[1]

    def standardises(self, role: str, task: str) -> bool:
        """Return whether a task is trained on standardised targets; never where they are labels."""
        has_numbers = declaration_of(self.tasks[task].form).numbers
        return has_numbers and self._declared(role, task)[2]

    def _declared(self, role: str, task: str | None) -> _TaskSettings:
        key = (role, task)
        if key not in self._known:
            values = self.config.settings(role, task)
            examples, standardise = values.pop(EXAMPLES, None), values.pop(STANDARDISE, True)
            self._known[key] = (Settings(**values), examples, standardise)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, str | None], _TaskSettings]:
        return {}

    def seed(self, role: str, restart: int) -> int:
        """Return the seed of a role's trainings in a restart: that of the config, or derived."""
        if not self.config.seeds:
            return derived_seed(self.config.seed, role, str(restart))
        seed = self.config.seeds[restart - 1]
        return seed if isinstance(seed, int) else int(getattr(seed, role))

    def sweep_seed(self, role: str) -> int:
        """Return the seed of a role's trainings in a sweep, which no restart has."""
        return derived_seed(self.config.seed, role, "sweep")

    @property
    def rule(self) -> str:
        """The rule of degenerate runs, as JSON."""
        return json.dumps(self.config.degenerate.model_dump(), sort_keys=True)


def load_study(
    document: dict[str, Any], root: Path, where: str = "config", unavailable: Why | None = None
) -> Study:
    """Return the study of a config, its task files read and checked.

    document: the config as read from YAML.
    root: the project's folder, to which task and model folders are relative.
    where: the config's file name, for messages.
    unavailable: returns why a task has no data, or None; needed with `skip_unavailable`.

    Raises InputError for a key, value, task or model that is not allowed.
    """
    config = _with_chosen_for(checked(Config, document, where), where)
    _check_seeds(config, where)
    registry = _declared(config.task_folders, root, f"{where}: key task_folders")
    _check_tasks(config, registry, where)
    _check_sizes(config, where)
    _check_arms(config, where)
    check_contrasts(config, where)
    _check_selection(config, where)
    _check_stop(config, where)
    names = dict.fromkeys(name for role in ROLES for name in config.tasks(role))
    names |= dict.fromkeys([*_named_in_arms(config), *_looked_at(config)])
    tasks = {name: load_task(registry[name]) for name in names}
    skipped = _skipped(tasks.values(), config, unavailable) if config.skip_unavailable else {}
    used = {name: task for name, task in tasks.items() if name not in skipped}
    _check_metrics(used.values(), config)
    return Study(
        config=config,
        tasks=used,
        skipped=skipped,
        titles=_titles(tasks.values(), registry),
        model=_model("encoder.model", config.encoder.model, config, root, where),
        sentence_model=_sentence_model(config, root, where),
        corpora=_corpora(used.values(), registry),
        generators=_generators(used.values(), config, root),
    )


def _check_metrics(tasks: Iterable[Task], config: Config) -> None:
    """Refuse to run code of the hub that the config does not allow: others may write task files."""
    for task in tasks:
        if task.evaluate is not None and task.evaluate.hub and not config.hub_metrics:
            raise InputError(
                f"{task.path}: key evaluate.hub: found {task.evaluate.hub.id}, whose Python would "
                "be run. Allowed: with hub_metrics: true in the config; or a folder of your own."
            )


def _corpora(tasks: Iterable[Task], registry: dict[str, Path]) -> dict[str, Task]:
    """Return the tasks of whose texts others are made; InputError for one that has no texts."""
    corpora = {}
    for task in tasks:
        name = task.source.generated and task.source.generated.corpus.task
        if not name:
            continue
        where = f"{task.path}: key source.generated.corpus.task"
        if name not in registry:
            raise unknown(where, "task", name, registry)
        corpora[name] = load_task(registry[name])
        if corpora[name].source.generated is not None:
            raise InputError(
                f"{where}: found {name}, whose texts a model makes. Allowed: a task of real texts."
            )
    return corpora


def _generators(tasks: Iterable[Task], config: Config, root: Path) -> dict[str, Model]:
    """Return the models that make tasks; InputError for one that has no file."""
    key = "source.generated.generator"
    made = {str(task.path): task.source.generated for task in tasks}
    models = (
        _model(key, generated.generator, config, root, where)
        for where, generated in made.items()
        if generated is not None
    )
    return {model.name: model for model in models}


def _model(key: str, name: str, config: Config, root: Path, where: str) -> Model:
    files = _declared(config.model_folders, root, f"{where}: key model_folders")
    if name not in files:
        raise unknown(f"{where}: key {key}", "model", name, files)
    return load_model(files[name])


def _sentence_model(config: Config, root: Path, where: str) -> Model | None:
    selection = config.selection
    if selection is None or SEMB not in selection.of_encoders:
        return None
    return _model("selection.sentence_model", selection.sentence_model, config, root, where)


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


def _skipped(tasks: Iterable[Task], config: Config, unavailable: Why | None) -> dict[str, str]:
    """Return task -> reason for those without data."""
    if unavailable is None:
        raise ValueError("skip_unavailable: no function `unavailable`")
    reasons = [(task, unavailable(task, config)) for task in tasks]
    # Tables do not show where the clone lies.
    return {task.name: why.removeprefix(f"{task.path}: ") for task, why in reasons if why}


def _declared(folders: list[str], root: Path, where: str) -> dict[str, Path]:
    """Return name -> YAML file over several folders, which must be there; the last folder wins."""
    for folder in folders:
        if not (root / folder).is_dir():
            raise InputError(f"{where}: found {folder}, which is no folder. Allowed: folders.")
    files = (path for folder in folders for path in sorted((root / folder).glob("*.yaml")))
    return {path.stem: path for path in files}


def _check_seeds(config: Config, where: str) -> None:
    seeds, wanted = config.seeds, config.restarts
    if seeds is not None and len(seeds) != wanted:
        raise InputError(
            f"{where}: key seeds: found {len(seeds)} entries. Allowed: {wanted}, one per restart."
        )


def _check_sizes(config: Config, where: str) -> None:
    """Refuse sizes of a task of another role, and those above what it is trained on."""
    intermediate, *evaluated = ROLES
    _check_sizes_of(config, "sizes", config.sizes, [intermediate], where)
    _check_sizes_of(config, "target_sizes", config.target_sizes, evaluated, where)


def _check_sizes_of(
    config: Config, key: str, cut: dict[str, list[int]], roles: list[str], where: str
) -> None:
    for task, sizes in cut.items():
        own = [role for role in roles if task in config.tasks(role)]
        if not own:
            known = [name for role in roles for name in config.tasks(role)]
            raise unknown(f"{where}: key {key}", f"{' or '.join(roles)} task", task, known)
        limits = [config.settings(role, task).get(EXAMPLES) for role in own]
        whole = min((limit for limit in limits if limit is not None), default=None)
        if whole is not None and max(sizes) >= whole:
            raise InputError(
                f"{where}: key {key}.{task}: found {max(sizes)}. "
                f"Allowed: below {whole}, its train_examples."
            )


def _check_tasks(config: Config, registry: dict[str, Path], where: str) -> None:
    named = [(role, name) for role in ROLES for name in config.tasks(role)]
    if not (named or config.published or config.results or config.recommend):
        keys = ", ".join(ROLES)
        raise InputError(f"{where}: keys {keys}: found no task. Allowed: one or more.")
    named += [
        (f"overrides.{role}", name)
        for role, tasks in config.overrides.items()
        for name in tasks
        if name != MLM  # of a stage with nothing else
    ]
    named += [("arms", name) for name in _named_in_arms(config)]
    named += [("look", name) for name in filter(None, [config.look])]
    named += [("recommend.task", each.task) for each in filter(None, [config.recommend])]
    for key, name in named:
        if name not in registry:
            raise unknown(f"{where}: key {key}", "task", name, registry)


def _with_chosen_for(config: Config, where: str) -> Config:
    """Return the config with the task that a start is chosen for by trainings among its targets.

    InputError where no trainings can choose one.
    """
    chosen = config.recommend
    if chosen is None or chosen.budget != "hours":
        return config
    others = [name for name in config.intermediate if name != chosen.task]
    faults = {
        "intermediate": len(others) < 2 and f"{len(others)} to choose from. Allowed: two or more",
        "restarts": config.restarts < 2
        and f"{config.restarts}. Allowed: 2 or more, as one shows no spread",
        "grid": config.grid and "a grid of settings. Allowed: null, one setting for each training",
        "contrasts": not any(each.sourced for each in contrasts_of(config))
        and "no arm with a source. Allowed: one that begins with an intermediate task",
        "published": config.published
        and f"{config.published}. Allowed: null, as nothing is trained otherwise",
    }
    for key, fault in faults.items():
        if fault:
            raise InputError(f"{where}: key {key}: found {fault}, with recommend.budget: hours.")
    targets = dict.fromkeys([*config.target, chosen.task])
    return config.model_copy(update={"target": list(targets)})


def _check_selection(config: Config, where: str) -> None:
    """Refuse selection where there is nothing to choose from, and encoders where there are none."""
    if config.selection is None:
        return
    if not config.published and (len(config.intermediate) < 2 or not config.target):
        raise InputError(
            f"{where}: key selection: found {len(config.intermediate)} intermediate and "
            f"{len(config.target)} target tasks. Allowed: two or more to choose from, and one or "
            "more to choose for."
        )
    probe, tasks = config.selection.probe, [*config.probing, *config.target]
    if probe is not None and probe not in tasks and not config.published:
        key = f"{where}: key selection.probe"
        raise unknown(key, "probing or target task", probe, tasks)
    own = config.published or config.study
    if own in config.selection.truths:
        raise InputError(
            f"{where}: key selection.truths: found {own}, which is the study's own. Allowed: "
            "another name."
        )
    of_encoders = config.selection.of_encoders
    if config.published and of_encoders:
        raise InputError(
            f"{where}: key selection.methods: found {of_encoders[0]} in a study of "
            f"published scores, which has no encoders. Allowed: {', '.join(OF_TABLES)}."
        )
    firsts = [config.weights(arm.stages[0]) for arm in arms_of(config.arms)]
    if of_encoders and RANDOM in firsts:
        raise InputError(
            f"{where}: key selection.methods: found {of_encoders[0]} in a study with weights: "
            f"{RANDOM}, while it reads the pretrained encoder. Allowed: {', '.join(OF_TABLES)}."
        )


def _check_stop(config: Config, where: str) -> None:
    """Refuse to stop where there is nothing to look at, or where a look cannot decide."""
    if config.stop is None:
        if config.negligible is not None:
            raise InputError(
                f"{where}: key negligible: found {config.negligible} without stop. Allowed: with "
                "stop: when-known."
            )
        return
    hours = config.recommend is not None and config.recommend.budget == "hours"
    one = "as it is a difference at one setting and size that is known"
    faults = {
        "restarts": config.restarts <= LOOKS[0]
        and f"{config.restarts}. Allowed: {LOOKS[0] + 1} or more, as cells are first looked at "
        f"after {LOOKS[0]}",
        "contrasts": not contrasts_of(config)
        and "no arm that is compared with another. Allowed: one with a baseline",
        "statistics.paired": config.statistics.paired
        and "true. Allowed: false, as a cell has fewer restarts than its baseline",
        "grid": config.grid and f"a grid of settings. Allowed: null, {one}",
        "sizes": config.sizes and f"sizes. Allowed: none, {one}",
        "target_sizes": config.target_sizes and f"sizes. Allowed: none, {one}",
        "stability": config.stability
        and "tables of trials. Allowed: null, as these compare equal numbers of restarts",
        "recommend.budget": hours and "hours. Allowed: another, as its rounds stop by another rule",
        "published": config.published and f"{config.published}. Allowed: null; nothing is trained",
        "results": config.results and "scores that are there. Allowed: null; nothing is trained",
    }
    for key, fault in faults.items():
        if fault:
            raise InputError(f"{where}: key {key}: found {fault}, with stop: {config.stop}.")


def _check_arms(config: Config, where: str) -> None:
    """Refuse an arm that reaches no task."""
    for arm in arms_of(config.arms):
        name = arm.name
        reached = [part for part in arm.last.parts if part not in ("source", MLM)]
        if not reached:
            parts = ", ".join(arm.last.parts)
            raise InputError(
                f"{where}: key arms.{name}: found the last stage [{parts}], which holds no task to "
                f"score. Allowed: task, {ALL}, or the name of a task among its parts."
            )
        for stage in arm.stages:
            _check_dynamic(stage, f"{where}: key arms.{name}")
            _check_mixed(stage, f"{where}: key arms.{name}")
        _check_texts(arm, f"{where}: key arms.{name}")
        if arm.stages[0].carry_head:
            raise InputError(
                f"{where}: key arms.{name}: found carry_head in the first stage, which begins with "
                "fresh heads. Allowed: in a later stage."
            )
        _check_methods(config, name, arm, where)
        _check_learning_rate(config, arm, f"{where}: key arms.{name}")
        if arm.last.retrain is not None:
            raise InputError(
                f"{where}: key arms.{name}: found retrain in the last stage. Allowed: in a stage "
                "before it."
            )


def _check_dynamic(stage: Stage, where: str) -> None:
    """Refuse the sampler dynamic where there is nothing to compare, or nothing to compare with."""
    if stage.sampler == DYNAMIC and (MLM in stage.parts or not stage.is_mixture):
        raise InputError(
            f"{where}: found the sampler {DYNAMIC} in a stage of [{', '.join(stage.parts)}]. "
            f"Allowed: where two or more tasks are trained on together, without {MLM}, which has "
            "no training alone."
        )


def _check_mixed(stage: Stage, where: str) -> None:
    """Refuse keys of mixtures in a stage of one task, where they have no effect."""
    keys = [key for key in MIXTURE if key in stage.model_fields_set]
    if keys and not stage.is_mixture:
        raise InputError(
            f"{where}: found {keys[0]} in a stage of [{', '.join(stage.parts)}], which mixes "
            "nothing. Allowed: where two or more tasks are trained on together."
        )


def _check_methods(config: Config, name: str, arm: Arm, where: str) -> None:
    """Refuse stages that start from an adapter of another method, and what cannot be merged."""
    first, *later = arm.stages
    methods = [config.method(stage) for stage in arm.stages]
    if len(set(methods)) > 1:
        listed = " > ".join(str(method.to_dict()) for method in methods)
        raise InputError(
            f"{where}: key arms.{name}: found stages of different methods ({listed}). Allowed: the "
            "same method with the same parameters in all stages of an arm; another arm may have "
            "another one."
        )
    if first.adapter is not None:
        raise InputError(
            f"{where}: key arms.{name}: found adapter in the first stage, which begins with a "
            "fresh one. Allowed: in a later stage."
        )
    _check_weights(config, arm, where)
    for method in methods:
        if isinstance(method, Bottleneck) and None in (method.published, method.published_sha256):
            _check_pinned(method, f"{where}: key arms.{name}")
    if not methods[0].is_full and any(stage.frozen for stage in arm.stages):
        raise InputError(
            f"{where}: key arms.{name}: found frozen with the method {methods[0].name}, whose "
            "adapter would not be trained. Allowed: with the method full."
        )
    merges = any((stage.adapter or config.encoder.adapter) == MERGE for stage in later)
    if merges and not methods[0].mergeable:
        raise InputError(
            f"{where}: key arms.{name}: found adapter: merge with the method {methods[0].name}, "
            "which is not linear: no layer of the encoder can take it in. Allowed: continue."
        )


def _check_weights(config: Config, arm: Arm, where: str) -> None:
    """Refuse weights of a later stage, and random ones with an adapter, which is saved alone."""
    first, *later = arm.stages
    if any(stage.weights is not None for stage in later):
        raise InputError(
            f"{where}: key arms.{arm.name}: found weights in a later stage, which starts from the "
            "one before it. Allowed: in the first stage."
        )
    method = config.method(first)
    if config.weights(first) == RANDOM and not method.is_full:
        raise InputError(
            f"{where}: key arms.{arm.name}: found weights: {RANDOM} with the method {method.name}, "
            "of which only the adapter is saved. Allowed: with the method full."
        )


def _check_learning_rate(config: Config, arm: Arm, where: str) -> None:
    """Refuse a learning rate of a stage where a grid or a sweep varies it."""
    varied = {"grid": config.grid or {}, "sweep": config.sweep or {}}
    keys = [key for key, settings in varied.items() if "learning_rate" in settings]
    if keys and any(stage.learning_rate is not None for stage in arm.stages):
        raise InputError(
            f"{where}: found learning_rate in a stage, and in {keys[0]}, which overrides it. "
            "Allowed: one of them."
        )


def _check_texts(arm: Arm, where: str) -> None:
    """Refuse masked language modelling without texts, and texts without it."""
    for stage in arm.stages:
        texts = stage.texts or ()
        if stage.parts == [MLM] and not texts:
            raise InputError(
                f"{where}: found a stage [{MLM}] without texts. Allowed: other parts, whose texts "
                f"are masked, or the key texts: {SOURCE}, {ALL}, names of tasks or of text files."
            )
        if texts and MLM not in stage.parts:
            parts = ", ".join(stage.parts)
            raise InputError(
                f"{where}: found texts in the stage [{parts}]. Allowed: in one with the part {MLM}."
            )
        strange = {TASK, MLM} & {*texts} or ({SOURCE} & {*texts} if not arm.has_source else set())
        if strange:
            raise InputError(
                f"{where}: key texts: found {min(strange)}. Allowed: {SOURCE}, in an arm that has "
                f"one, {ALL}, names of tasks or of text files."
            )


def _check_pinned(method: Bottleneck, where: str) -> None:
    """Refuse a published adapter without its hash, which identifies it, or the reverse."""
    if method.published != method.published_sha256:  # one of them is None
        key = "published" if method.published else "published_sha256"
        raise InputError(
            f"{where}: found {key} alone in the method bottleneck. Allowed: published with "
            "published_sha256, or none of them."
        )


def _looked_at(config: Config) -> list[str]:
    """Return the tasks that are looked at or chosen a start for, in a role or not."""
    chosen = [config.recommend.task] if config.recommend else []
    return [*([] if config.look is None else [config.look]), *chosen]


def _named_in_arms(config: Config) -> list[str]:
    """Return the tasks that stages name, without the words that stand for several."""
    stages = [stage for arm in arms_of(config.arms) for stage in arm.stages]
    return [name for stage in stages for name in stage.named]
