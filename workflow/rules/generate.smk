# Tasks that a language model makes. They lie where other normalised tasks do. They are made anew when
# their task file, or that of their corpus or generator, changes, never for time stamps or code: rows may
# have taken hours. Finished batches are kept, so that a job that runs again goes on to the same bytes.
rule generate_task:
    input:
        unpack(inputs_to_generate),
    output:
        "results/data/{task}/manifest.json",
        "results/data/{task}/train.parquet",
        "results/data/{task}/validation.parquet",
    log:
        "results/logs/generate/{task}.log",
    wildcard_constraints:
        task="|".join(STUDY.generated),
    priority: DATA_FIRST
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config.compute.threads
    resources:
        file=lambda wildcards: os.path.relpath(STUDY.tasks[wildcards.task].path),
        script=script("generate.py"),
        corpus=corpus_of_task,
        options=f"--device {DEVICE}",
        gpu=GPUS_OF_A_RUN,
        mem_mb=memory_to_generate,
        runtime=minutes_to_generate,
    params:
        made_from=lambda wildcards: ORIGINS.of_task(wildcards.task),
        folder=output_folder,
    shell:
        "python {resources.script:q} --task {resources.file:q} --corpus {resources.corpus:q} --generator {input.generator:q}"
        " --kept results/generated/{wildcards.task} --out {params.folder:q} --threads {threads} {resources.options}"
        " 2>&1 | (trap '' INT TERM; tee {log})"


ruleorder: generate_task > normalise_task


# How well simple rules, none of which sees the prompt, choose endings; one reads the frozen encoder.
rule measure_artefacts:
    input:
        data=expand("results/data/{task}/{part}.parquet", task=STUDY.generated, part=PARTS),
        encoder=f"results/models/{STUDY.model.name}/model.safetensors",
    output:
        f"{RESULTS}/artefacts.csv",
    log:
        f"{RESULTS}/logs/artefacts.log",
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config.compute.threads
    resources:
        script=script("measure_artefacts.py"),
        mem_mb=4000,
    params:
        folders=lambda wildcards, input: list(
            dict.fromkeys(Path(file).parent for file in input.data)
        ),
        code=code_digest("measure_artefacts.py"),
    shell:
        "python {resources.script:q} --data {params.folders:q} --encoder $(dirname {input.encoder:q}) --out {output}"
        " --threads {threads} 2>&1 | tee {log}"
