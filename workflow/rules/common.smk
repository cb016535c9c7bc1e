# The study of the config, its paths, and the functions that the rules use.
import atexit
import gc
import hashlib
import inspect
import json
import os
import shlex
import sys
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.resources import Resources

# Nearly all objects of a plan live as long as it does, so that looking for garbage only takes time.
gc.set_threshold(100_000, 50, 100)
ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
# Jobs find the package without an installation, and the interpreter that Snakemake runs in. They
# tokenise on one thread, since each job has its own cores.
os.environ.update(
    TOKENIZERS_PARALLELISM="false",
    PYTHONPATH=os.path.realpath(ROOT / "src"),
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
)
from interlude.jobs.runtime import owner

# Jobs on this machine share a process with the slow imports, which ends with this one, or with the
# process that has named itself before. Jobs on a compute node do not, and have no network: what they
# need was downloaded before.
if workflow.remote_exec:
    os.environ.pop("INTERLUDE_WARM_FOR", None)
    os.environ.update(HF_HUB_OFFLINE="1")
else:
    with suppress(OSError):  # without a folder for it, each job imports them itself
        os.environ.setdefault("INTERLUDE_WARM_FOR", owner(os.getpid()))

# A user may stop Snakemake while the plan is made, and before its jobs have begun.
from interlude.jobs.console import Planned, one_line_of_interruption, speak_on

sys.excepthook = one_line_of_interruption

from interlude.analysis import catalog
from interlude.plan import bare_source, digest
from interlude.analysis.answer_shown import as_text
from interlude.analysis.decisions import read_decision, restarts_of_stopped
from interlude.analysis.known_as import KNOWN_AS
from interlude.data.fetch.archives import find_archive
from interlude.data.fetch.availability import why_unavailable
from interlude.data.fetch.places import places_of
from interlude.data.origins import Origins, find_origins
from interlude.errors import InputError
from interlude.files import check_folder, sha256_of, written_atomically
from interlude.jobs.forecast import Machine, forecast, in_rounds
from interlude.jobs.kept_starts import kept_starts, no_starts
from interlude.jobs.machine import KEEP_FREED_MEMORY, memory_mb, run_memory_mb, visible_gpus
from interlude.jobs.needs import (
    extraction_minutes,
    generation_minutes,
    known_rows,
    minutes,
    rows_here,
)
from interlude.jobs.old_results import refuse_old_results
from interlude.jobs.runs_per_gpu import AUTO, MOST, runs_allowed
from interlude.plan.arms import is_text_file
from interlude.plan.cells import SWEEP, to_csv
from interlude.plan.limits import data_limits, declared_limits
from interlude.plan.looks import looks_of, until_look, within
from interlude.plan.planner import check_mixtures, plan_of
from interlude.plan.rounds import cells_of_rounds, cells_to_choose_from, trainings_behind
from interlude.plan.selection import Selected, features_of_starts, selected
from interlude.plan.study import load_study
from interlude.plan.trainings import digest_of
from interlude.plan.yaml_files import check_config_file
from interlude.words import NO_SOURCE, ROLES

os.environ.update(KEEP_FREED_MEMORY)

# A job on a compute node reads the config anew. Where that was changed since the study was started,
# it would train another run than the one that was planned.
CONFIG_TEXT = json.dumps(config, sort_keys=True, default=str)
if workflow.remote_exec and os.environ.get("INTERLUDE_CONFIG", CONFIG_TEXT) != CONFIG_TEXT:
    raise WorkflowError("The config was changed while its study ran. Start Snakemake again.")
os.environ.update(INTERLUDE_CONFIG=CONFIG_TEXT)

# Snakemake knows its targets only once the rules are read.
ONLY_PLANS = "plan" in sys.argv
CONFIG_FILES = [os.path.relpath(path) for path in workflow.configfiles]
WHERE = " + ".join(CONFIG_FILES + ["--config"] * bool(workflow.config_settings.config))

bare_source.recall()
if workflow.is_main_process and not sys.dont_write_bytecode:
    atexit.register(bare_source.remember)

try:
    for path in CONFIG_FILES:
        check_config_file(Path(path))
    STUDY = load_study(
        config, ROOT, WHERE, lambda task, study: why_unavailable(task, places_of(study, ROOT))
    )
    if "recommend" in sys.argv and not STUDY.config.recommend:
        raise InputError(
            f"{WHERE}: no key 'recommend'. Needed: recommend: {{task: <a task file>}}."
        )
    CHOSEN_FOR = STUDY.config.recommend
    BUDGET = CHOSEN_FOR.budget if CHOSEN_FOR else None
    # A start that trains nothing, and so does not print the limits of trainings.
    ONLY_LOOKS = "look" in sys.argv or ("recommend" in sys.argv and BUDGET != "hours")
    PLAN = plan_of(STUDY)
    SELECTED = selected(STUDY, PLAN)
    # Of a recommendation: the starts that exist, and what is extracted of its task by them.
    STARTS, STARTS_LEFT_OUT = {}, {}
    if BUDGET == "minutes":
        STARTS, STARTS_LEFT_OUT = kept_starts(
            Path("results/trained"),
            STUDY.model.name,
            STUDY.config.encoder.layers,
            STUDY.config.encoder.method,
        )
        STARTS = {name: each for name, each in STARTS.items() if name != CHOSEN_FOR.task}
        if "recommend" in sys.argv and not STARTS:
            raise no_starts(WHERE, STUDY.model.name, STARTS_LEFT_OUT)
    BY_STARTS = (
        features_of_starts(
            STUDY,
            CHOSEN_FOR.task,
            CHOSEN_FOR.examples,
            {name: each.training for name, each in STARTS.items()},
        )
        if STARTS
        else Selected()
    )
    EXTRACTIONS = SELECTED.extractions | BY_STARTS.extractions
    # Of a recommendation by trainings: all that it may choose from.
    TO_CHOOSE_FROM = cells_to_choose_from(STUDY, PLAN, CHOSEN_FOR.task) if BUDGET == "hours" else []
    # With the tasks from whose texts a language model makes others.
    TASKS = {**STUDY.corpora, **STUDY.tasks}
    # Metrics of evaluate, by how their folders are called: a task that names each.
    EVALUATED = {
        task.evaluate.digest: task for task in STUDY.tasks.values() if task.evaluate is not None
    }
    # Text files that are masked, by how their folders are called.
    TEXT_FILES = {
        digest_of(part.task): part.task
        for training in PLAN.trainings.values()
        for part in training.read
        if is_text_file(part.task)
    }
    if not ONLY_LOOKS:
        check_mixtures(PLAN, WHERE)
    refuse_old_results(Path("results", STUDY.name))
    for folder in ("results", f"results/{STUDY.name}", "results/trained"):
        check_folder(Path(folder), to_write=not workflow.output_settings.dryrun)
    # What the data and the model are to be made from: only the main process hashes files.
    ORIGINS = Origins()
    if workflow.is_main_process:
        files = {name: each.path for name, each in STUDY.models.items()}
        ORIGINS = find_origins(TASKS, files, places_of(STUDY.config, ROOT), TEXT_FILES.values())
except InputError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process and not workflow.output_settings.dryrun:
    names = {id: each.name for id, each in EXTRACTIONS.items()} | PLAN.names
    speak_on(logger, names, lambda: planned_trainings())

# Printed once, by the process that the user has started: here in a dry run, else once jobs are planned.
LIMITS = declared_limits(STUDY.config)
REPORTS_NOW = workflow.output_settings.dryrun and not (workflow.remote_exec or ONLY_LOOKS)
if REPORTS_NOW:
    logger.info(LIMITS)

# The process with the slow imports also loads the code of this model's family and of adapters.
ADAPTERS = {each.method.name for each in PLAN.trainings.values() if not each.method.is_full}
os.environ.update(
    INTERLUDE_WARM_MODEL=f"results/models/{STUDY.model.name}",
    INTERLUDE_WARM_METHODS=" ".join(sorted(ADAPTERS)),
)

RESULTS = f"results/{STUDY.name}"
FEATURES = "results/features"  # of all studies
PARTS = ("train", "validation")  # of a task's rows
START_FILES = ("manifest.json", "encoder.safetensors")  # what a training reads of its start
# The plan, for people to look things up; no rule has it as input.
PLAN_FILE = f"{RESULTS}/plan.csv"
PLAN_TEXT = to_csv([*PLAN.cells, *PLAN.tried, *PLAN.few_shot])
if not (workflow.remote_exec or workflow.output_settings.dryrun):
    with written_atomically(Path(PLAN_FILE)) as draft:
        draft.write_text(PLAN_TEXT, encoding="utf8")

# Whether cells get no further restarts once they are known, and after how many restarts to look.
STOPS = STUDY.config.stop is not None
LOOK_AFTER = looks_of(STUDY.config.restarts) if STOPS else []
ROUNDS = f"{RESULTS}/rounds.csv"

RETRIES = STUDY.config.compute.retries
# The folder of outcomes that studies share. A resource, no parameter: nothing runs again when it moves.
SHARED = STUDY.config.compute.shared
SHARED = f"--shared={shlex.quote(SHARED)}" if SHARED else ""
# A job on a cluster must not try again by itself: the main process submits it anew, with more memory.
RETRIES_HERE = 0 if workflow.remote_exec else RETRIES


# A job on a GPU asks for one place, and claims it: alone on the GPU or, where all allow it, beside others.
DEVICE = STUDY.config.compute.device
GPUS = visible_gpus()
RUNS_PER_GPU = STUDY.config.compute.runs_per_gpu
# As many trainings are started for the GPUs. With `auto`, and no record yet, as many as there may be
# later: their claims wait for the first one.
GPU_PLACES = sum(
    map(
        runs_allowed(RUNS_PER_GPU, STUDY.model.name, Path("results/trained"), unmeasured=MOST),
        GPUS,
    )
)
GPUS_OF_A_RUN = int(DEVICE == "cuda" or (DEVICE == "auto" and bool(GPUS)))
# A profile may ask for GPUs of other machines.
ASKED = [
    asked["gpu"]
    for asked in workflow.resource_settings.overwrite_resources.values()
    if "gpu" in asked
]
ON_GPU = DEVICE != "cpu" and (bool(GPUS_OF_A_RUN) or any(gpus != 0 for gpus in ASKED))
# What the runs on this machine share, unless --resources or a profile says how much that is. Jobs
# that are submitted elsewhere (Snakemake: to nodes) do not share it.
if workflow.resource_settings.nodes is None and not workflow.remote_exec:
    limits = Resources.from_mapping({"mem_mb": memory_mb(), "gpu": max(1, GPU_PLACES)})
    for resource, limit in limits.items():
        if resource not in workflow.global_resources:
            workflow.register_resource(resource, limit)


onstart:
    if not ONLY_LOOKS:
        logger.info(LIMITS)
        log_forecast(planned_trainings())
    ORIGINS.remember()
    if workflow.touch:
        ORIGINS.accept()
    # While there is a limit of jobs per second, Snakemake 9 looks at all waiting jobs once a second,
    # and once more for each job that has ended. Its default limits nothing here; another is kept.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


wildcard_constraints:
    archive="[a-z0-9-]+",
    task="[a-z0-9-]+",
    model="[a-z0-9-]+",
    length="[0-9]+",
    id="[0-9a-f]+",
    choice="[0-9a-f]+",
    extraction="[0-9a-f]+",
    texts="[0-9a-f]+",
    metric="[0-9a-f]+",


def script(name):
    """Path of a program in workflow/scripts, relative where it can be: a clone may move."""
    return os.path.relpath(ROOT / "workflow/scripts" / name)


def code_digest(name):
    """Digest of a program in workflow/scripts and of the modules that it imports."""
    return digest.code_digest(ROOT / "workflow/scripts" / name)


@cache
def training_code(sampler, method, switches, forms, metrics):
    """Digest of the code that computes a training of these forms and metrics."""
    return digest.training_code(forms, metrics, sampler, method, switches)


@cache
def extraction_code(extraction):
    """Digest of the code that computes an extraction."""
    forms = [part.form for part in (extraction.part, extraction.head) if part]
    return digest.extraction_code(forms, extraction.method)


def asked_often(function):
    """Inspect the parameters of an input function once; Snakemake asks for them in each job."""
    function.__signature__ = inspect.signature(function)
    return function


def content_digest(folder):
    """Digest of the files in a folder of the project, each with its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = [f"{path.relative_to(folder)} {sha256_of(path)}" for path in files]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def output_folder(wildcards, output):
    """Folder of a rule's first output."""
    return Path(output[0]).parent


def look_at_origin(manifest):
    """Have Snakemake make a folder anew if it was made from something else, whoever made it.

    An input function does so while jobs are planned; the hub is asked only at a real start.
    """
    starts = workflow.execution_settings is not None and not workflow.dryrun
    ORIGINS.look_at(manifest, workflow.dag.forcefiles, ask=starts, say=say)


def planned_trainings():
    """The trainings that this start has jobs for, and whether their results decide on more."""
    return Planned(trainings_among(len(workflow.dag)), bool(workflow.dag.checkpoint_jobs))


@cache
def trainings_among(jobs):
    """Ids of the trainings to do. jobs: the number of jobs of any kind, which grows when there are new
    ones. To go through all jobs for each that has ended would take longer than to plan them.
    """
    todo = (job for job in workflow.dag.needrun_jobs() if job.rule.name.startswith("train_"))
    return [job.wildcards.id for job in todo]


def log_forecast(planned):
    """Print before anything runs how many trainings there are, how long they take, and how much disk."""
    weights = Path(f"results/models/{STUDY.model.name}/model.safetensors")
    by_cores = int(workflow.resource_settings.cores or 1) // STUDY.config.compute.threads
    machine = Machine(
        model=STUDY.model.name,
        on_gpu=ON_GPU,
        side_by_side=max(1, min(GPU_PLACES, by_cores) if ON_GPU else by_cores),
        model_bytes=weights.stat().st_size if weights.exists() else None,
        gpus=max(1, len(GPUS)),
    )
    ids, trainings = planned.trainings, [PLAN.trainings[id] for id in planned.trainings]
    tasks = {part.task for training in trainings for part in training.read}
    rows = {task: rows_here(TASKS.get(task), Path("results/data", task)) for task in tasks}
    kept = [id for id in ids if trained_by(id) == "train_intermediate"]
    for line in forecast(trainings, kept, rows, machine, Path("results/trained")):
        logger.info(line)
    if planned.more:
        every = PLAN.trainings if STOPS else trainings_behind(TO_CHOOSE_FROM, PLAN)
        logger.info(in_rounds(len(every)))


def say(line):
    print(line, file=sys.stderr, flush=True)


def made_from(tasks, model):
    """What encodings of tasks, or trainings on them, are made from."""
    return " ".join([*map(ORIGINS.of_task, tasks), ORIGINS.of_model(model)])


def archive_pin(wildcards):
    return find_archive(wildcards.archive, ROOT / "config/archives.yaml").sha256


def origin_of_model(wildcards):
    look_at_origin(f"results/models/{wildcards.model}/manifest.json")
    return []


def origin_of_metric(wildcards):
    look_at_origin(f"results/metrics/{wildcards.metric}/manifest.json")
    return []


def metrics_of(training):
    """The folder names of the metrics of evaluate that a training is scored by."""
    return [STUDY.tasks[part.task].evaluate.digest for part in training.evaluated]


def archive_of_task(wildcards):
    look_at_origin(f"results/data/{wildcards.task}/manifest.json")
    archive = TASKS[wildcards.task].source.archive
    return [f"results/archives/{archive}.archive"] if archive else []


def downloads():
    """All that the study needs before it can train."""
    tasks = expand("results/data/{task}/manifest.json", task=TASKS.keys() - STUDY.generated)
    models = [STUDY.model.name, *STUDY.generators]
    return [
        *tasks,
        *expand("results/models/{model}/manifest.json", model=models),
        *expand("results/metrics/{metric}/manifest.json", metric=EVALUATED),
    ]


def corpus_of_task(wildcards):
    corpus = STUDY.generated[wildcards.task].corpus
    return corpus.file or f"results/data/{corpus.task}/train.parquet"


def inputs_to_generate(wildcards):
    """The corpus, where other rules make it, and the generator; a file of the user's may be gone.

    Their time does not count. Behind an ancient file that is made anew Snakemake would leave out
    even what is missing.
    """
    look_at_origin(f"results/data/{wildcards.task}/manifest.json")
    generated = STUDY.generated[wildcards.task]
    generator = f"results/models/{generated.generator}/model.safetensors"
    corpus = [] if generated.corpus.file else [corpus_of_task(wildcards)]
    as_it_is = lambda file: file if ORIGINS.is_stale(Path(file).parent) else ancient(file)
    return {"generator": as_it_is(generator), "corpus": list(map(as_it_is, corpus))}


def memory_to_generate(wildcards, input, attempt):
    """MB of host memory; more at each attempt."""
    return attempt * run_memory_mb(Path(input.generator), ON_GPU)


def minutes_to_generate(wildcards, input, attempt):
    """An upper bound on the minutes to generate a task; more at each attempt."""
    size = Path(input.generator).stat().st_size
    return attempt * generation_minutes(STUDY.generated[wildcards.task], size, ON_GPU)


def one_of(ids):
    """A pattern that matches these ids and no others of the plan; nothing where there are none.

    By their first digits: Snakemake reads the text of a pattern in each of its jobs.
    """
    known = {*PLAN.trainings, *(each.training for each in STARTS.values())}
    digits = next(n for n in count(3) if len({id[:n] for id in known}) == len(known))
    return f"(?:{'|'.join(id[:digits] for id in ids)})[0-9a-f]*" if ids else "(?!)"


def ids(*roles):
    """Ids of the trainings that the cells of these roles are read from."""
    return dict.fromkeys(cell.training for cell in cells_of_study() if cell.role in roles)


def paths(ids):
    """Paths of the records of trainings."""
    return [f"results/trained/{id}/record.json" for id in dict.fromkeys(ids)]


def records(*roles):
    """Paths of the records that the cells of these roles are read from."""
    return paths(ids(*roles))


def records_to_collect(wildcards):
    """All planned records; with missing_runs: report, only those that are there."""
    if CHOSEN_FOR and not PLAN.cells:
        raise WorkflowError(
            f"{WHERE}: keys {', '.join(ROLES)}: found no task, so that there is nothing to train. For "
            "what the key recommend asks, run snakemake recommend --cores all --configfile ..."
        )
    planned = records(*ROLES)
    if STUDY.config.missing_runs == "rerun":
        return planned
    return [path for path in planned if Path(path).exists()]


def trained_by(id):
    """Name of what trains it: by whether it keeps a start, else by the role of its first cell."""
    if id in PLAN.starts or id in SELECTED.starts:
        return "train_intermediate"
    if PLAN.roles[id] == SWEEP:
        return "train_sweep"
    return "train_probe" if PLAN.roles[id] == "probing" else "train_target"


@asked_often
def training_arguments(wildcards):
    """The arguments of train.py that identify a training: where they change, it runs again.

    In one function, as `job_files`.
    """
    training = PLAN.trainings[wildcards.id]
    named = {
        "--training": training.to_json(),
        "--code": training_code(
            training.sampler,
            training.method,
            training.switches,
            *map(frozenset, training.computed_with),
        ),
        "--made-from": " ".join(
            [
                *(origin_of(part.task, training.settings.max_length) for part in training.read),
                ORIGINS.of_model(training.model),
                *map(ORIGINS.of_metric, metrics_of(training)),
            ]
        ),
    }
    return shlex.join(part for pair in named.items() for part in pair)


@asked_often
def called(wildcards, output):
    """What people call a training: the name of the first cell that is read from it.

    output: by which Snakemake knows it for no parameter of the training.
    """
    return PLAN.names[wildcards.id]


def encoded(task, length, model=STUDY.model.name):
    """Folder of the encoding of a task, or of a text file."""
    name = f"texts/{digest_of(task)}" if is_text_file(task) else task
    return f"results/encoded/{model}/{name}/{length}"


def origin_of(task, length):
    """What the encoding of a task or a text file is made from, beside the model."""
    if is_text_file(task):
        return ORIGINS.of_texts(task, Path(encoded(task, length)))
    return ORIGINS.of_task(task)


def go_on_after_failures():
    """Have the other trainings of a job (--groups) go on when one fails.

    Snakemake hands --keep-going on to no job. While rules are read, it has no such setting yet.
    """
    if workflow.remote_exec and workflow.execution_settings is not None:
        workflow.execution_settings.keep_going = True


@asked_often
def training_inputs(wildcards):
    """What a training reads, by kind: encoded examples of its parts, a sweep's choice, a start,
    records of what it is compared with.
    """
    go_on_after_failures()
    training = PLAN.trainings[wildcards.id]
    folders = [encoded(part.task, training.settings.max_length) for part in training.read]
    read = {
        "encoding": [f"{folder}/{part}.arrow" for folder in folders for part in PARTS],
    }
    if training.choice:
        read["chosen"] = f"results/chosen/{training.choice.id}.json"
    if training.start:
        names = START_FILES + ("heads.safetensors",) * training.carry_head
        read["start"] = [f"results/trained/{training.start}/start/{name}" for name in names]
    if training.evaluated:
        read["metrics"] = expand(
            "results/metrics/{metric}/manifest.json", metric=metrics_of(training)
        )
    if training.references:
        read["references"] = paths(training.references)
    return read


@asked_often
def job_files(wildcards, input, output):
    """The arguments of train.py that name a training's files.

    In one function, since Snakemake takes a tenth of a millisecond for each function of each job.
    """
    named = {
        "--model": [Path(input.model).parent],
        "--encoded": dict.fromkeys(Path(file).parent for file in input.encoding),
        "--chosen": [input.get("chosen")] if input.get("chosen") else [],
        "--start": [Path(file).parent for file in input.get("start", [])[:1]],
        "--references": input.get("references", []),
        "--metrics": [Path(file).parent for file in input.get("metrics", [])],
        "--out": [Path(output.record).parent],
    }
    arguments = [(name, *map(str, values)) for name, values in named.items() if values]
    return shlex.join(part for parts in arguments for part in parts)


def training_options(more=""):
    """Options that only place or share a training. A retry has its GPU alone, since the training may
    have failed for the memory that others took.
    """
    options = f"{SHARED} --checkpoint-minutes={STUDY.config.compute.checkpoint_minutes} {more}"
    if RUNS_PER_GPU == 1:
        return options
    return lambda wildcards, attempt: (
        f"{options} --runs-per-gpu={RUNS_PER_GPU if attempt == 1 else 1}"
    )


@asked_often
def retries_left(wildcards, attempt):
    return RETRIES + 1 - attempt


@asked_often
def job_memory(wildcards, input, attempt):
    """MB of host memory; more at each attempt."""
    return attempt * run_memory_mb(Path(input.model), ON_GPU)


@asked_often
def job_minutes(wildcards, input, attempt):
    """An upper bound on the minutes of a training, from its planned tokens; more at each attempt."""
    training = PLAN.trainings[wildcards.id]
    rows = {
        part.task: known_rows(STUDY.tasks.get(part.task), Path("results/data", part.task))
        for part in training.read
    }
    size = Path(input.model).stat().st_size
    return attempt * minutes(
        training, rows, size, ON_GPU, 1 if RUNS_PER_GPU == AUTO else RUNS_PER_GPU
    )


def limits_of_role(wildcards):
    """The limits on the data of each task of a role, and the folder of its encoding, as JSON."""
    role = wildcards.role
    return json.dumps(
        [
            {**limits, "encoded": encoded(task, limits["max_length"])}
            for task in STUDY.tasks_of(role)
            for limits in data_limits(STUDY.config, role, task)
        ]
    )


def encodings_of_role(wildcards):
    """Both parts of each task of a role, encoded."""
    role = wildcards.role
    tasks = STUDY.tasks_of(role)
    folders = [encoded(task, STUDY.settings(role, task).max_length) for task in tasks]
    return expand("{folder}/{part}.arrow", folder=folders, part=["train", "validation"])


def encodings_of(task):
    """Folders of a task's encodings: one for each length at which the study trains on it."""
    lengths = dict.fromkeys(
        training.settings.max_length
        for training in PLAN.trainings.values()
        if task in {part.task for part in training.read}
    )
    return [
        encoded(task, length) for length in lengths or [STUDY.settings("target", task).max_length]
    ]


def about_task(task):
    """What a reader should know about a task from its file, as JSON."""
    about = STUDY.tasks[task].model_dump(include={"name", "title", "description", "form"})
    about["metric"] = STUDY.tasks[task].score_called
    return json.dumps({**about, "model": STUDY.model.title})


def described(*roles):
    """Tables of the data of roles; not those for which deleted data would have to be made again."""
    if STUDY.config.missing_runs == "report":
        return []
    finished = Path(f"{RESULTS}/scores.parquet").exists()
    tables = {role: Path(f"{RESULTS}/data/{role}.csv") for role in roles if STUDY.tasks_of(role)}
    return [
        str(table)
        for role, table in tables.items()
        if (has_its_data(role, table) if table.exists() else not finished)
    ]


def has_its_data(role, table):
    """Whether the encodings of all tasks in a table are there."""
    tasks = {line.split(",")[1] for line in table.read_text(encoding="utf8").splitlines()}
    lengths = {task: STUDY.settings(role, task).max_length for task in STUDY.tasks_of(role)}
    return all(
        Path(encoded(task, lengths[task]), f"{part}.arrow").exists()
        for task in tasks & lengths.keys()
        for part in PARTS
    )


def extraction_inputs(wildcards):
    """What an extraction reads, by kind: the encoded task, the model, and a start."""
    extraction = EXTRACTIONS[wildcards.extraction]
    folder = encoded(extraction.part.task, extraction.max_length, extraction.model)
    read = {
        "encoding": [f"{folder}/{part}.arrow" for part in PARTS],
        "model": f"results/models/{extraction.model}/model.safetensors",
    }
    if extraction.start:
        names = (*START_FILES, "heads.safetensors")
        read["start"] = [f"results/trained/{extraction.start}/start/{name}" for name in names]
    return read


def extraction_files(wildcards, input, output):
    """The arguments of extract_features.py that name an extraction's files."""
    named = {"model": input.model, "encoded": input.encoding[0], "out": output.manifest}
    if input.get("start"):
        named["start"] = input.start[0]
    return shlex.join(f"--{name}={Path(file).parent}" for name, file in named.items())


def extraction_time(wildcards, input, attempt):
    """An upper bound on the minutes of an extraction; more at each attempt."""
    extraction = EXTRACTIONS[wildcards.extraction]
    return attempt * extraction_minutes(extraction, Path(input.model).stat().st_size, ON_GPU)


def result_file(id):
    """The file that an extraction, or a training of few steps, writes last."""
    if id in EXTRACTIONS:
        return f"{FEATURES}/{id}/manifest.json"
    return f"results/trained/{id}/record.json"


def is_available(id):
    """Whether it is there or may be made; with missing_runs: report, no training is repeated for it."""
    if STUDY.config.missing_runs == "rerun" or Path(result_file(id)).exists():
        return True
    if id not in EXTRACTIONS:
        return False
    start = EXTRACTIONS[id].start
    return start is None or Path(f"results/trained/{start}/start/manifest.json").exists()


def pairs_of(target, chosen=SELECTED):
    """The pairs of a target: need -> folder of each extraction and how many pairs share it.

    No folders where one is not available.
    """
    return [
        {
            "target": target,
            "source": pair.source,
            "needs": {
                need: [(str(Path(result_file(id)).parent), chosen.uses[need, id]) for id in ids]
                * all(map(is_available, ids))
                for need, ids in pair.needs.items()
            },
        }
        for pair in chosen.pairs
        if pair.target == target
    ]


def extractions_of(wildcards):
    """What the methods need of a target's pairs, where it is available."""
    needed = {
        id
        for pair in SELECTED.pairs
        for ids in pair.needs.values()
        for id in ids
        if pair.target == wildcards.task and all(map(is_available, ids))
    }
    return sorted(map(result_file, needed))


def files_of(folder, ending, entries):
    """Files of tables or figures of the catalog, in each variant that the study has of them."""
    names = catalog.file_names(entries, STUDY.config.degenerate.exclude, STUDY.contrasts)
    return [f"{folder}/{name}{ending}" for name in names]


def decision_file(number):
    """What was decided after so many rounds; of a recommendation, also before the first."""
    return f"{RESULTS}/rounds/{number}.csv"


def decided(number):
    """That file; where it is not there, Snakemake plans anew once it is."""
    job = checkpoints.decide_round.get(round=number) if number else checkpoints.begin_rounds.get()
    return Path(job.output[0])


def cells_until(number):
    """The cells of so many rounds."""
    if STOPS:
        stopped = restarts_of_stopped(decided(each) for each in range(1, number))
        return until_look(PLAN.cells, STUDY.contrasts, LOOK_AFTER[number - 1], stopped)
    rounds = [read_decision(decided(each)) for each in range(number)]
    return cells_of_rounds(TO_CHOOSE_FROM, [(each.kept, each.restarts) for each in rounds])


def inputs_of_round(wildcards):
    """The decisions before a round's end, and the records of all rounds until then."""
    number = int(wildcards.round)
    return {
        "decisions": [decision_file(each) for each in range(STOPS, number)],
        "records": paths(cell.training for cell in cells_until(number)),
    }


def cells_of_round(wildcards):
    """Which cells there are: arguments of the program that decides after a round."""
    if not STOPS:
        return f"--cells {shlex.quote(to_csv(cells_until(int(wildcards.round))))}"
    negligible = STUDY.config.negligible
    option = "" if negligible is None else f"--negligible {negligible}"
    return f"--plan {PLAN_FILE} --planned {digest_of(PLAN_TEXT)} {option}"


def looks():
    """The files of all looks; with missing_runs: report, only those that exist."""
    numbers = range(1, len(LOOK_AFTER) + 1)
    if STUDY.config.missing_runs == "report":
        return [file for file in map(Path, map(decision_file, numbers)) if file.exists()]
    return list(map(decided, numbers))


def decisions_there(wildcards):
    """As `looks`, as the input of a rule."""
    return [str(file) for file in looks()]


def rounds_to_read(wildcards):
    """The file of all looks, where there was one."""
    return [ROUNDS] if STOPS and looks() else []


def rounds_argument(wildcards, input):
    """The argument that names that file; nothing in a dry run before it exists."""
    return f"--rounds {input.rounds}" if input.get("rounds") else ""


def cells_of_study():
    """All cells of the plan; those that were stopped, with the restarts that they had by then."""
    return within(PLAN.cells, restarts_of_stopped(looks())) if STOPS else PLAN.cells


def last_round():
    """The number of the round after which nothing more is trained."""
    return next(number for number in count(1) if read_decision(decided(number)).ends)


def recommendation_inputs(wildcards):
    """What a recommendation reads besides the published evidence, by its budget."""
    if BUDGET == "minutes":
        return {"scores": f"{RESULTS}/recommendation_scores.parquet"}
    if BUDGET == "hours":
        files = [decision_file(number) for number in range(last_round() + 1)]
        return {"decisions": files, "runs": f"{RESULTS}/rounds/{last_round()}-runs.csv"}
    return {}


def recommendation_facts(wildcards):
    """What the plan knows of a recommendation, as JSON."""
    facts = {"budget": BUDGET, "encoder": STUDY.model.name}
    if BUDGET == "minutes":
        starts = {name: each.training for name, each in STARTS.items()}
        left_out = dict(STARTS_LEFT_OUT)
        missing = [name for name in STUDY.config.intermediate if name not in starts]
        facts |= {"starts": starts, "left_out": left_out, "missing": missing}
    if BUDGET == "hours":
        trained, grid = (
            len(trainings_behind(cells, PLAN))
            for cells in (cells_until(last_round()), TO_CHOOSE_FROM)
        )
        facts |= {"trainings": trained, "grid": grid}
    return json.dumps(facts)


def published_as(names):
    """Task of the registry -> the source of the evidence that it is, or stands in for."""
    same = {name: KNOWN_AS[name] for name in names if name in KNOWN_AS}
    tasks = {name: STUDY.tasks.get(name) for name in names}
    stands = {name: task.stands_in_for for name, task in tasks.items() if task}
    return same | {
        name: KNOWN_AS[others[0]]
        for name, others in stands.items()
        if others and others[0] in KNOWN_AS and name not in same
    }


def show_answer():
    """Print the answer, unless its job still has to run; after everything that Snakemake prints."""
    written = [job for job in workflow.dag.jobs if job.rule.name == "write_answer"]
    if written and not any(map(is_open, written)):
        text = as_text(ANSWER.read_text(encoding="utf8"))
        atexit.register(say, f"\n{text}\nReport: {RESULTS}/report.html")


def is_open(job):
    return workflow.dag.needrun(job) and not workflow.dag.finished(job)


# A dry run has no jobs yet at this point, so it reports all trainings without a record.
if REPORTS_NOW:
    log_forecast(
        Planned(
            [id for id in PLAN.trainings if not Path(paths([id])[0]).exists()],
            more=STOPS or (BUDGET == "hours" and "recommend" in sys.argv),
        )
    )
