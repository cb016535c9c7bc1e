# The runs: one job each. A run that cannot end well leaves a record that says why.
ENCODERS = f"{RESULTS}/encoders"

# A run that failed is recorded once no retry is left, so that the study goes on and every table
# lists it. An interruption or bad input is no failed run: record_failure.py hands its status on.
# A signal to all processes of a job, as at a preemption or Ctrl-C, ends the training by way of a
# checkpoint; the shell and the log wait for that.
TRAIN = """
trap : INT TERM
run=(--spec {params.spec:q} --code {params.code} {params.files} {resources.shared})
{{ python -m interlude.jobs.warm {params.script} "${{run[@]}}" --threads {threads} \
       --checkpoint-minutes {resources.checkpoint_minutes} 2>&1 | (trap '' INT TERM; tee {log}); }} ||
    python {params.on_failure} "${{run[@]}}" --exit-status $? --log {log} \\
        --retries-left {resources.retries_left}
"""


localrules:
    intermediate,
    targets,
    probing,


rule train_intermediate:
    input:
        encoding=encoding_of("intermediate"),
        chosen=chosen_settings("intermediate"),
        model=f"results/models/{STUDY.model}/model.safetensors",
    output:
        record=f"{RUNS}/intermediate/none/{{task}}/{{restart}}.json",
        predictions=f"{RUNS}/intermediate/none/{{task}}/{{restart}}.parquet",
        encoder=f"{ENCODERS}/{{task}}/{{restart}}/encoder.safetensors",
    log:
        f"{RESULTS}/logs/intermediate/{{task}}-{{restart}}.log",
    wildcard_constraints:
        task=SOURCE_PATTERN,
    priority: 1  # everything else waits for these
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config["compute"]["threads"]
    resources:
        retries_left=retries_left,
        gpu=GPUS_OF_A_RUN,
        shared=SHARED,
        mem_mb=run_memory,
        checkpoint_minutes=STUDY.config["compute"]["checkpoint_minutes"],
    params:
        spec=spec_of("intermediate"),
        script=script("train.py"),
        on_failure=script("record_failure.py"),
        code=training_code,
        files=run_files,
    shell:
        TRAIN


rule train_target:
    input:
        encoding=encoding_of("target"),
        chosen=chosen_settings("target"),
        model=f"results/models/{STUDY.model}/model.safetensors",
        encoder=source_encoder("target"),
    output:
        record=f"{RUNS}/target/{{source}}/{{task}}/{{restart}}.json",
        predictions=f"{RUNS}/target/{{source}}/{{task}}/{{restart}}.parquet",
    log:
        f"{RESULTS}/logs/target/{{source}}/{{task}}-{{restart}}.log",
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config["compute"]["threads"]
    resources:
        retries_left=retries_left,
        gpu=GPUS_OF_A_RUN,
        shared=SHARED,
        mem_mb=run_memory,
        checkpoint_minutes=STUDY.config["compute"]["checkpoint_minutes"],
    params:
        spec=spec_of("target"),
        script=script("train.py"),
        on_failure=script("record_failure.py"),
        code=training_code,
        files=run_files,
    shell:
        TRAIN


use rule train_target as train_probe with:
    input:
        encoding=encoding_of("probing"),
        chosen=chosen_settings("probing"),
        model=f"results/models/{STUDY.model}/model.safetensors",
        encoder=source_encoder("probing"),
    output:
        record=f"{RUNS}/probing/{{source}}/{{task}}/{{restart}}.json",
        predictions=f"{RUNS}/probing/{{source}}/{{task}}/{{restart}}.parquet",
    log:
        f"{RESULTS}/logs/probing/{{source}}/{{task}}-{{restart}}.log",
    params:
        spec=spec_of("probing"),
        script=script("train.py"),
        on_failure=script("record_failure.py"),
        code=training_code,
        files=run_files,


rule intermediate:
    input:
        records("intermediate"),


rule targets:
    input:
        records("target"),


rule probing:
    input:
        records("probing"),
