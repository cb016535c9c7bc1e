# The trainings: one job each, under its id, whichever studies and cells it serves. One that cannot
# end well leaves a record that says why.
from collections import defaultdict

TRAINED = "results/trained"
TRAINING = f"{TRAINED}/{{id}}"

# A training that failed is recorded once no retry is left, so that the study goes on and every table
# lists it. An interruption or bad input is no failure: record_failure.py hands its status on.
# A signal to all processes of a job, as at a preemption or Ctrl-C, ends the training by way of a
# checkpoint; the shell and the log wait for that.
# What only names, places or shares a training is a resource, or a parameter that Snakemake takes to
# follow from files and does not keep: so it is not done again when another study, under another name,
# wants the same, or a clone has moved. Of a resource that is text, all jobs of a group have the same.
TRAIN = """
trap : INT TERM
job=({params.training} {params.files} --name {params.called:q} {resources.options})
{{ python -m interlude.jobs.warm {resources.scripts:q}/train.py "${{job[@]}}" --threads {threads} \
       2>&1 | (trap '' INT TERM; tee {log}); }} ||
    python {resources.scripts:q}/record_failure.py "${{job[@]}}" --exit-status $? --log {log} \\
        --retries-left {resources.retries_left}
"""


# In one resource each, since Snakemake takes its time for every one of every job.
SCRIPTS = script("")

TRAINED_BY = defaultdict(list)
for id in PLAN.trainings:
    TRAINED_BY[trained_by(id)].append(id)


localrules:
    intermediate,
    targets,
    probing,


# One rule in four names, so that a site can give each what it needs. Which trainings it is for, its
# wildcard says: Snakemake would try each of several that fit.
rule train_target:
    input:
        unpack(training_inputs),
        model=f"results/models/{STUDY.model.name}/model.safetensors",
    output:
        record=f"{TRAINING}/record.json",
        predictions=f"{TRAINING}/predictions.parquet",
    log:
        "results/logs/train/{id}.log",
    wildcard_constraints:
        id=one_of(TRAINED_BY["train_target"]),
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config.compute.threads
    resources:
        scripts=SCRIPTS,
        options=training_options(),
        retries_left=retries_left,
        gpu=GPUS_OF_A_RUN,
        mem_mb=job_memory,
        runtime=job_minutes,
    params:
        training=training_arguments,
        files=job_files,
        called=called,
    message:
        "{params.called}"
    shell:
        TRAIN


use rule train_target as train_probe with:
    wildcard_constraints:
        id=one_of(TRAINED_BY["train_probe"]),


# These keep encoder and heads, from which others start.
use rule train_target as train_intermediate with:
    output:
        record=f"{TRAINING}/record.json",
        predictions=f"{TRAINING}/predictions.parquet",
        start=f"{TRAINING}/start/manifest.json",
        encoder=f"{TRAINING}/start/encoder.safetensors",
        heads=f"{TRAINING}/start/heads.safetensors",
    wildcard_constraints:
        id=one_of(TRAINED_BY["train_intermediate"]),
    priority: 1  # everything else waits for these
    resources:
        scripts=SCRIPTS,
        options=training_options("--keep-start"),
        retries_left=retries_left,
        gpu=GPUS_OF_A_RUN,
        mem_mb=job_memory,
        runtime=job_minutes,


# Baselines that serve to choose settings.
use rule train_target as train_sweep with:
    wildcard_constraints:
        id=one_of(TRAINED_BY["train_sweep"]),
    priority: 2


rule intermediate:
    input:
        lambda wildcards: records("intermediate"),
        described("intermediate"),


rule targets:
    input:
        lambda wildcards: records("target"),
        described("intermediate", "target"),


rule probing:
    input:
        lambda wildcards: records("probing"),
        described("intermediate", "probing"),
