# The study of the config, its paths, and the functions that the rules use.
import json
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.resources import Resources

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "src"))
# Jobs find the package without an installation, and the interpreter that Snakemake runs in. They
# tokenise on one thread, since each job has its own cores.
os.environ.update(
    TOKENIZERS_PARALLELISM="false",
    PYTHONPATH=str(ROOT / "src"),
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]),
)
# Jobs on this machine share a process with the slow imports, which ends with this one. Jobs on a
# compute node do not, and have no network: what they need was downloaded before.
if workflow.remote_exec:
    os.environ.pop("INTERLUDE_WARM_FOR", None)
    os.environ.update(HF_HUB_OFFLINE="1")
else:
    os.environ.update(INTERLUDE_WARM_FOR=str(os.getpid()))

from interlude import digest
from interlude.data.archives import find_archive
from interlude.errors import InputError
from interlude.files import check_folder
from interlude.machine import memory_mb, run_memory_mb, visible_gpus
from interlude.study import KINDS, NO_SOURCE, Run, load_study, task_of

# A job on a compute node reads the config anew. Where that was changed since the study was started,
# it would train another run than the one that was planned.
TOLD = json.dumps(config, sort_keys=True, default=str)
if workflow.remote_exec and os.environ.get("INTERLUDE_CONFIG", TOLD) != TOLD:
    raise WorkflowError("The config was changed while its study ran. Start Snakemake again.")
os.environ.update(INTERLUDE_CONFIG=TOLD)

try:
    STUDY = load_study(config, ROOT, where=" + ".join(map(str, reversed(workflow.configfiles))))
    for folder in ("results", f"results/{STUDY.name}", f"results/{STUDY.name}/runs"):
        check_folder(Path(folder), to_write=not workflow.output_settings.dryrun)
except InputError as error:
    raise WorkflowError(str(error)) from None

# The process with the slow imports takes the code of this model's family with them.
os.environ.update(INTERLUDE_WARM_MODEL=f"results/models/{STUDY.model}")

RESULTS = f"results/{STUDY.name}"
RUNS = f"{RESULTS}/runs"
RETRIES = STUDY.config["compute"]["retries"]
# Where studies share what they made. A resource, no parameter: nothing is done again when it moves.
SHARED = STUDY.config["compute"]["shared"]
SHARED = f"--shared={shlex.quote(SHARED)}" if SHARED else ""
# A job on a cluster must not try again by itself: the main process submits it anew, with more memory.
RETRIES_HERE = 0 if workflow.remote_exec else RETRIES


# A run on a GPU asks for one, and takes one for itself.
DEVICE = STUDY.config["compute"]["device"]
GPUS = visible_gpus()
GPUS_OF_A_RUN = int(DEVICE == "cuda" or (DEVICE == "auto" and bool(GPUS)))
# What the runs on this machine share, unless --resources or a profile says how much that is. Jobs
# that are submitted elsewhere (Snakemake: to nodes) do not share it.
if workflow.resource_settings.nodes is None and not workflow.remote_exec:
    limits = Resources.from_mapping({"mem_mb": memory_mb(), "gpu": max(1, len(GPUS))})
    for resource, limit in limits.items():
        if resource not in workflow.global_resources:
            workflow.register_resource(resource, limit)


onstart:
    # While there is a limit of jobs per second, Snakemake 9 looks at all waiting jobs once a second,
    # and once more for each job that has ended. Its default limits nothing here; another is kept.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


# A task, or a task trained on so many of its examples.
SOURCE_PATTERN = "[a-z0-9-]+(@[0-9]+)?"


wildcard_constraints:
    archive="[a-z0-9-]+",
    task="[a-z0-9-]+",
    source=SOURCE_PATTERN,
    model="[a-z0-9-]+",
    restart="[0-9]+",
    length="[0-9]+",
    kind="|".join(KINDS),
    number="[0-9]+",


def script(name):
    """Path of a program in workflow/scripts, relative where it can be: a clone may move."""
    return os.path.relpath(ROOT / "workflow/scripts" / name)


def code_digest(name):
    """Digest of a program in workflow/scripts and of the modules that it imports."""
    return digest.code_digest(ROOT / "workflow/scripts" / name)


def output_folder(wildcards, output):
    """Folder of a rule's first output."""
    return Path(output[0]).parent


def records(*kinds):
    """Paths of the records of all planned runs of these kinds."""
    return [f"{RUNS}/{run.path}.json" for run in STUDY.design.runs() if run.kind in kinds]


def archive_pin(wildcards):
    return find_archive(wildcards.archive, ROOT / "config/archives.yaml").sha256


def archive_of_task(wildcards):
    archive = STUDY.tasks[wildcards.task].source.get("archive")
    return [f"results/archives/{archive}.archive"] if archive else []


def encoded(kind, task):
    """Folder of a task's encoding at the length that its settings ask for."""
    length = STUDY.settings(kind, task).max_length
    return f"results/encoded/{STUDY.model}/{task_of(task)}/{length}"


def downloads():
    """All that the study needs before it can train."""
    tasks = expand("results/data/{task}/manifest.json", task=STUDY.tasks)
    return [*tasks, f"results/models/{STUDY.model}/manifest.json"]


def run_of(kind, wildcards):
    return Run(kind, wildcards.get("source", NO_SOURCE), wildcards.task, int(wildcards.restart))


def spec_of(kind):
    return lambda wildcards: STUDY.spec(run_of(kind, wildcards)).to_json()


def encoding_of(kind):
    def files(wildcards):
        folder = encoded(kind, wildcards.task)
        return [f"{folder}/train.arrow", f"{folder}/validation.arrow"]

    return files


def chosen_settings(kind):
    """The settings that the sweep chose for a task; nothing without a sweep."""
    if not STUDY.swept:
        return []
    return lambda wildcards: f"{RESULTS}/sweep/{kind}/{task_of(wildcards.task)}.json"


def sweep_records(kind, task):
    """Records of all combinations of settings that the sweep tries on a task, in their order."""
    numbers = range(1, len(STUDY.swept) + 1)
    return expand(f"{RESULTS}/sweep/{kind}/{task}/{{number}}.json", number=numbers)


def run_files(wildcards, input, output):
    """The arguments of train.py that name a run's files.

    In one function, since Snakemake takes a tenth of a millisecond for each function of each job.
    """
    named = {
        "--model": Path(input.model).parent,
        "--encoded": Path(input.encoding[0]).parent,
        "--chosen": input.chosen,
        "--encoder-in": input.get("encoder"),
        "--encoder-out": output.get("encoder"),
        "--record": output.record,
    }
    return shlex.join(part for name, path in named.items() if path for part in (name, str(path)))


def source_encoder(kind):
    """The intermediate encoder that a run starts from; nothing for a baseline."""

    def file(wildcards):
        run = run_of(kind, wildcards)
        started = run.source != NO_SOURCE
        return (
            [f"{ENCODERS}/{run.source}/{STUDY.source_restart(run)}.safetensors"] if started else []
        )

    return file


def retries_left(wildcards, attempt):
    return RETRIES + 1 - attempt


def run_memory(wildcards, input, attempt):
    """MB of host memory; more at each attempt."""
    return attempt * run_memory_mb(Path(input.model), on_gpu=bool(GPUS_OF_A_RUN))


def records_folder(wildcards):
    """Folder of all records of the study."""
    return RUNS


def records_to_collect(wildcards):
    """All planned records; with missing_runs: report, only those that are there."""
    planned = records(*KINDS)
    if STUDY.config["missing_runs"] == "rerun":
        return planned
    return [path for path in planned if Path(path).exists()]
