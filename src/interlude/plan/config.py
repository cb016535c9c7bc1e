"""The config of a study: every key with its default and its meaning."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, Self, get_type_hints

from pydantic import AfterValidator, Discriminator, Field, Tag, create_model, model_validator
from pydantic_core import PydanticCustomError

from interlude.plan.arms import Adapter, DeclaredMethod, Stage, Weights
from interlude.plan.declared import AsWritten, Declared, Different, Name, Number
from interlude.plan.faults import FOUND, NOT_AMONG
from interlude.plan.methods import FULL, Method
from interlude.plan.settings import Settings
from interlude.words import COMBINED, OF_ENCODERS, OF_TABLES

# The settings that are a part's, not the training's.
EXAMPLES, STANDARDISE = "train_examples", "standardise"

Role = Annotated[str, AsWritten(Literal["intermediate", "target", "probing"])]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="whole number below 2^32")]
RunsPerGpu = Annotated[
    Annotated[int, Field(ge=1, le=64), Tag("integer")]
    | Annotated[str, Field(pattern=r"^auto\Z"), Tag("string")],
    Discriminator(lambda given: "string" if isinstance(given, str) else "integer"),
]
StudyName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\Z", description="lower case, digits, hyphens and _"),
]


_KINDS = get_type_hints(Settings)
_SETTINGS = {each.name: each for each in fields(Settings)}


def _settings_model() -> type[Declared]:
    """Return the model of a mapping that gives some settings of trainings."""
    known: dict[str, Any] = {
        name: (_KINDS[name], Field(each.default, **each.metadata))
        for name, each in _SETTINGS.items()
    }
    words = "train on this many examples at most, the same ones in every training; null for all"
    known[EXAMPLES] = (int | None, Field(None, ge=1, description=words))
    words = (
        "train on numbers (form regression) less their mean and divided by their standard "
        "deviation, of the rows trained on; what is predicted and reported is in their own unit. "
        "false: on the numbers as they are, as published designs do"
    )
    known[STANDARDISE] = (bool, Field(True, description=words))
    return create_model("Settings", __base__=Declared, **known)


def _varied(kind: str, names: tuple[str, ...]) -> type[Declared]:
    """Return the model of a mapping from settings of these names to lists of their values."""
    several: Any = Different
    words = Field(None, min_length=1, description="a list of different values")
    known: dict[str, Any] = {
        name: (several[Annotated[_KINDS[name], Field(**_SETTINGS[name].metadata)]], words)
        for name in names
    }
    return create_model(kind, __base__=Declared, **known)


SWEPT = ("batch_size", "learning_rate", "dropout", "head_dropout")
VARIED = (*SWEPT, "epochs", "weight_decay", "warmup")
# Mappings that keep exactly what was written, in its order, without defaults.
SETTINGS = _settings_model()
DeclaredSettings = Annotated[dict[str, Any], AsWritten(SETTINGS)]
Grid = Annotated[dict[str, list[Any]], AsWritten(_varied("Grid", VARIED))]
Sweep = Annotated[dict[str, list[Any]], AsWritten(_varied("Sweep", SWEPT))]


class Encoder(Declared):
    """The pretrained encoder."""

    model: Name = Field(
        description="a file in config/models/, without .yaml: lower case, digits and hyphens"
    )
    layers: int | None = Field(
        None, ge=1, description="use only the first N layers, 1 or more; null for all of them"
    )
    weights: Weights = Field(
        "pretrained",
        description="what an arm begins with: pretrained; or random, weights that each training "
        "draws from its own seed, as the model's family does before it is pretrained: a control",
    )
    method: DeclaredMethod = Field(
        FULL,
        description="how weights are trained: full, all of them, or the name of an adapter, or a "
        "mapping with its name and parameters",
    )
    adapter: Adapter = Field(
        "continue",
        description="what becomes of the adapter of the stage before: continue, it is trained on; "
        "merge, it becomes part of the encoder, and a fresh one is trained",
    )


class SeedOfRoles(Declared):
    """A seed for each role."""

    intermediate: Seed
    target: Seed
    probing: Seed


Seeds = Annotated[
    Annotated[Seed, Tag("integer")] | Annotated[SeedOfRoles, Tag("object")],
    Discriminator(lambda value: "object" if isinstance(value, dict | SeedOfRoles) else "integer"),
    Field(
        description="a whole number below 2^32 for all roles, or {intermediate, target, probing}"
    ),
]


class Contrast(Declared):
    """An arm that is compared with another."""

    arm: Name
    against: Name


class Degenerate(Declared):
    """Which runs count as degenerate, beside those that diverged."""

    constant: bool = Field(True, description="runs whose predictions are all the same")
    chance: bool = Field(
        True, description="runs whose score is not above the majority or the chance score"
    )
    margin: Number = Field(
        0, ge=0, le=1, description="how far above majority and chance a score must be, 0 to 1"
    )
    exclude: bool = Field(
        True,
        description="true: the main tables leave degenerate runs out, and twins named _unfiltered "
        "keep them; false: the main tables keep them, and twins named _filtered leave them out",
    )


class Statistics(Declared):
    """Parameters of tests, intervals and the robustness panel."""

    alpha: Number = Field(
        0.05,
        gt=0,
        lt=1,
        description="level of tests; intervals cover 1 - alpha; above 0, below 1",
    )
    power: Number = Field(
        0.8,
        gt=0,
        lt=1,
        description="power of the smallest detectable difference, above 0, below 1",
    )
    paired: bool = Field(
        False,
        description="true: restarts of a cell and its baseline under the same seed are tested as "
        "pairs, which has less power unless seeds decide much; false: Welch's test",
    )
    collapsed: Number = Field(
        -5,
        ge=-100,
        le=0,
        description="a source with a mean target transfer below this many points has collapsed, "
        "-100 to 0",
    )
    ranking: Literal["all outcomes", "given success"] = Field(
        "all outcomes",
        description="what sources are ranked by, all outcomes (degenerate runs at their score, "
        "diverged ones at max(majority, chance)) or given success (without degenerate runs)",
    )
    resamples: int = Field(
        50_000,
        ge=100,
        le=100_000,
        description="bootstrap samples of the correlations, 100 to 100000; with fewer than the "
        "default, the second decimal of a bound depends on the seed",
    )
    seed: int = Field(0, ge=0, description="seed of the bootstrap, 0 or more")


class Stability(Declared):
    """Tables of trials."""

    margin: Number = Field(
        0,
        ge=0,
        le=1,
        description="how far above max(majority, chance) a score must be for a trial not to have "
        "failed, 0 to 1; 0 is the rule of Mosbach et al. 2021",
    )
    equivalence: Number = Field(
        1,
        gt=0,
        le=100,
        description="difference in points within which two sources count as equal, above 0",
    )


class Compute(Declared):
    """Where and how trainings are computed."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto takes a GPU when there is one"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto takes bf16 where the processor or GPU is faster with it"
    )
    threads: int = Field(1, ge=1, le=256, description="processor threads of a training, 1 to 256")
    runs_per_gpu: RunsPerGpu = Field(
        1,
        description="how many trainings may be on a GPU at a time, 1 to 64; or auto: as many as "
        "fit by what was measured, 8 at most (docs/cluster.md)",
    )
    checkpoint_minutes: int = Field(
        15,
        ge=1,
        le=100_000,
        description="how often a training saves the state from which it goes on after an "
        "interruption, 1 to 100000; one that gets SIGTERM or Ctrl-C saves it as well",
    )
    retries: int = Field(
        0,
        ge=0,
        le=10,
        description="how often a training that ended with an error is tried again, 0 to 10",
    )
    shared: str | None = Field(
        "results/shared",
        min_length=1,
        description="folder of trainings and encoded tasks that studies share, relative to the "
        "working directory; null shares nothing",
    )


class Compare(Declared):
    """Another study to compare this one with."""

    study: StudyName = Field(
        description="name of the other study, in lower case; its tables must be there, under "
        "results/"
    )
    names: dict[Name, Name] = Field(
        {}, description="own task name -> the other study's name, where they differ"
    )


class Results(Declared):
    """Scores that were measured before."""

    file: str = Field(
        min_length=1,
        description="a CSV file with a row for each run or for each mean, or the scores.parquet of "
        "a study (docs/other-results.md); relative to the working directory",
    )
    trainings: str | None = Field(
        None,
        min_length=1,
        description="the trainings.parquet of that study, for costs and settings; null for none",
    )
    points: bool = Field(False, description="true: its scores are × 100, as papers print them")

    @property
    def of_a_study(self) -> bool:
        """Whether the file is the table of scores of a study."""
        return self.file.endswith(".parquet")

    @model_validator(mode="after")
    def _are_of_a_study(self) -> Self:
        """Refuse beside a CSV file what a study's own table has, and the other way round."""
        if self.of_a_study and self.points:
            context = {FOUND: f"points: true with {self.file}"}
            raise PydanticCustomError("points", "points with a CSV file alone", context)
        if self.trainings is not None and not self.of_a_study:
            context = {FOUND: f"trainings with {self.file}"}
            raise PydanticCustomError("trainings", "trainings with a scores.parquet", context)
        return self


class Estimate(Declared):
    """What the estimate of `snakemake plan` rests on."""

    measured: list[str] = Field(
        [],
        description="folders of measured studies (results/other), with their scores.parquet and "
        "trainings.parquet; this study's own trainings are read as well",
    )


def _known_method(name: str) -> str:
    """Refuse a method of selection that is not there, also within a combination."""
    for part in name.split(COMBINED):
        if part not in (known := [*OF_TABLES, *OF_ENCODERS]):
            raise PydanticCustomError(NOT_AMONG, "one of them", {"allowed": known, FOUND: part})
    return name


class TruthFile(Declared):
    """A CSV file with the scores of a grid, which judge methods of selection as well."""

    file: str = Field(
        min_length=1,
        description="a CSV file with a row per source and target; relative to the working "
        "directory",
    )
    source: str = Field(min_length=1, description="its column of sources")
    target: str = Field(min_length=1, description="its column of targets")
    score: str = Field(min_length=1, description="its column of scores in points, score × 100")
    repetition: str = Field("", description="its column of restarts or seeds, where it has several")
    none: str = Field("", description="the source that stands for no transfer, where it has one")
    size: str = Field("", description="its column of the sources' training examples")
    probe: str = Field("", description="its column of the sources' scores on one task by a probe")
    only: dict[str, str] = Field({}, description="column -> value of the rows that are read")


class Selection(Declared):
    """Methods that choose a source for a target without the whole grid, and what judges them."""

    examples: int = Field(
        1000,
        ge=10,
        le=100_000,
        description="encoders read so many training examples of a task at most, the same ones for "
        "every source",
    )
    sentence_model: Name = Field(
        "minilm-l6", description="the model of sentences that semb reads with, in config/models/"
    )
    methods: Different[Annotated[str, AfterValidator(_known_method)]] = Field(
        min_length=1,
        description=f"names of methods (docs/choose-a-start.md); several joined by {COMBINED} are "
        "one that combines their ranks, such as size+logme; random and static are always judged",
    )
    probe: Name | None = Field(
        None,
        description="a probing or target task of the study, such as one like MNLI: the method "
        "probe gives each source its mean score on it; null for none",
    )
    truths: dict[Name, TruthFile] = Field(
        {}, description="name -> a file with the scores of another grid, which judge as well"
    )

    @property
    def of_encoders(self) -> list[str]:
        """The methods, also of combinations, that read data, features or steps of training."""
        parts = [part for name in self.methods for part in name.split(COMBINED)]
        return [name for name in dict.fromkeys(parts) if name in OF_ENCODERS]


class Recommend(Declared):
    """The task that `snakemake recommend` chooses a start for."""

    task: Name = Field(description="a task file, of the study or not")
    budget: Literal["seconds", "minutes", "hours"] = Field(
        "seconds",
        description="what a recommendation may take: seconds, the task's data and published "
        "evidence alone; minutes, also features of the starts in results/trained; hours, also "
        "trainings of the task from the study's intermediate tasks, in rounds",
    )
    examples: int = Field(
        1000,
        ge=10,
        le=100_000,
        description="minutes: encoders read so many training examples of the task at most",
    )
    first: int | None = Field(
        None,
        ge=2,
        description="hours: the first round has so many intermediate tasks at most, those that "
        "come first by the evidence; null for all",
    )


_STAGES = Field(min_length=1, description="a list of stages, one or more")
_SIZE = Field(ge=1, description="a whole number, 1 or more")
_SIZES = Field(min_length=1, description="different whole numbers, 1 or more")


class Config(Declared):
    """The config of a study."""

    study: StudyName = Field(
        description="name of the study, also of its folder under results/; lower case, digits, - "
        "and _"
    )
    seed: int = Field(
        0, ge=0, description="all seeds are derived from this whole number, the role, the restart"
    )
    restarts: int = Field(3, ge=1, le=100, description="repetitions of every training, 1 to 100")
    seeds: list[Seeds] | None = Field(
        None,
        description="seeds of restart 1, 2, ... instead of derived ones, to repeat published ones; "
        "as many entries as restarts: a whole number below 2^32 for all roles, or {intermediate, "
        "target, probing}",
    )
    retrain_intermediate: bool = Field(
        True,
        description="true: a new intermediate model in each restart (Pruksachatkun et al. 2020); "
        "false: one, of restart 1, for all (Chang and Lu 2021)",
    )
    stop: Literal["when-known", None] = Field(
        None,
        description="when-known: a cell gets no further restarts once its difference from the "
        "baseline is known, which is looked at after 3, 5 and 10 restarts (docs/stop.md); null: "
        "all cells get all restarts",
    )
    negligible: Number | None = Field(
        None,
        gt=0,
        le=100,
        description="with stop, a difference in points that makes no difference: a cell whose "
        "interval lies within it counts as known, too; above 0; null for none",
    )
    self_transfer: bool = Field(
        True,
        description="whether a task that is intermediate and target is also trained from itself",
    )
    arms: dict[Name, Annotated[list[Stage], _STAGES]] | None = Field(
        None,
        min_length=1,
        description="name -> stages, one after the other, by which a task is reached; null for "
        "single (the task alone) and stilts (the intermediate task, then the task)",
    )
    contrasts: Different[Contrast] = Field(
        [], description="pairs {arm, against} of arms: the first is compared with the second"
    )
    grid: Grid | None = Field(
        None,
        min_length=1,
        description="setting -> values, in the last stage; each combination is a result of its "
        f"own; of {', '.join(VARIED)}; null for none",
    )
    encoder: Encoder
    intermediate: Different[Name] = Field(
        [], description="list of intermediate tasks, files in config/tasks/, without .yaml"
    )
    target: Different[Name] = Field([], description="list of target tasks")
    probing: Different[Name] = Field([], description="list of probing tasks")
    sizes: dict[Name, Annotated[Different[Annotated[int, _SIZE]], _SIZES]] = Field(
        {},
        description="intermediate task -> numbers of its examples on which it is trained as well, "
        "each one more source, for curves of transfer against size",
    )
    target_sizes: dict[Name, Annotated[Different[Annotated[int, _SIZE]], _SIZES]] = Field(
        {},
        description="target or probing task -> numbers of its examples on which every arm trains "
        "it as well, for curves of the benefit against size",
    )
    training: dict[Role, DeclaredSettings] = Field(
        {}, description="role -> settings of all its trainings; the others have their defaults"
    )
    overrides: dict[Role, dict[Name, DeclaredSettings]] = Field(
        {},
        description="role -> task -> settings of the task in this role, over those of the role; "
        "mlm stands for a stage with nothing else",
    )
    sweep: Sweep | None = Field(
        None,
        min_length=1,
        description="setting -> values to try, on the baseline of each task and role at one seed; "
        f"the best combination is used for all its trainings; of {', '.join(SWEPT)}; null for none",
    )
    degenerate: Degenerate = Field(
        Degenerate(), description="which runs count as degenerate, beside those that diverged"
    )
    compute: Compute = Field(Compute(), description="where and how trainings are computed")
    mirror: str | None = Field(
        None,
        description="folder with data sets as Parquet and a MANIFEST.json, used before a task's "
        "own source; relative to the working directory",
    )
    own_data: str | None = Field(
        None,
        description="folder with copies of your own of data that is licensed or on no hub, "
        "<task>/<split>.jsonl",
    )
    skip_unavailable: bool = Field(
        False,
        description="leave out the tasks that need a copy of your own where there is none",
    )
    hub_metrics: bool = Field(
        False,
        description="run the Python of metrics that task files name on the hub (evaluate.hub), "
        "each at the commit that the file names; false refuses such a task",
    )
    look: Name | None = Field(
        None,
        description="the one task that `snakemake look` shows, of the study or not; null for all "
        "tasks of the study",
    )
    prune: Literal["list", "delete"] = Field(
        "list", description="what `snakemake prune` does with trainings that no study names"
    )
    missing_runs: Literal["rerun", "report"] = Field(
        "rerun",
        description="rerun: tables wait for every run; report: build them now and list what is "
        "missing",
    )
    published: Literal["pruksachatkun", None] = Field(
        None,
        description="a study of published scores, from reference/<this>_*.csv; nothing is trained, "
        "and the lists of tasks are empty",
    )
    results: Results | None = Field(
        None,
        description="a study of scores that others measured; nothing is trained, the lists of "
        "tasks are empty, and names are those of the file; null for none",
    )
    statistics: Statistics = Field(
        Statistics(), description="parameters of tests, intervals and the robustness panel"
    )
    recommend: Recommend | None = Field(
        None,
        description="the task that `snakemake recommend` chooses a start for; null for none",
    )
    selection: Selection | None = Field(
        None,
        description="methods that choose a source without the whole grid, judged by the scores of "
        "this study; null for none",
    )
    stability: Stability | None = Field(
        None,
        description="tables and figures of trials (restarts at the points of a grid): best, mean, "
        "failures, equality; {} for its defaults, null for none",
    )
    compare: Compare | None = Field(
        None, description="another study to compare this one with; null for none"
    )
    plan: Estimate = Field(Estimate(), description="what the estimate of `snakemake plan` rests on")
    task_folders: list[str] = Field(
        ["config/tasks"],
        min_length=1,
        description="folders with task files, one or more, relative to the project's folder; "
        "a later one takes precedence",
    )
    model_folders: list[str] = Field(
        ["config/models"], min_length=1, description="folders with model files, likewise"
    )

    @property
    def results_without_curves(self) -> bool:
        """Whether scores come from a file that has no curves."""
        return self.results is not None and not self.results.of_a_study

    def tasks(self, role: str) -> list[str]:
        """Return the names of the tasks in a role."""
        named: list[str] = getattr(self, role)
        return named

    def method(self, stage: Stage) -> Method:
        """Return how a stage trains weights: as it says itself, else as the encoder's key does."""
        return stage.method or self.encoder.method

    def weights(self, stage: Stage) -> Weights:
        """Return what the encoder of a first stage begins with, as `method` does."""
        return stage.weights or self.encoder.weights

    def settings(self, role: str, task: str | None = None) -> dict[str, Any]:
        """Return the settings of a role; with a task, its own take precedence."""
        own = self.overrides.get(role, {}).get(task, {}) if task else {}
        return {**self.training.get(role, {}), **own}
