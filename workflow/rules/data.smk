# Archives, the model, normalised and encoded tasks. results/data, models and encoded are shared
# by all studies in a working folder. They run before trainings, so that errors in the data show, and
# the user sees what will be trained on, before hours are spent.
import shlex

# Where data may be. A resource, no parameter: a normalised copy stays when the mirror moves.
PLACES = shlex.join(
    f"--{name}={folder}"
    for name, folder in (("mirror", STUDY.config.mirror), ("own-data", STUDY.config.own_data))
    if folder is not None
)

DATA_FIRST = 3  # above trainings


localrules:
    download,
    download_archive,
    prepare_model,
    prepare_metric,
    normalise_task,
    encode_task,
    encode_texts,
    describe_data,


rule download_archive:
    output:
        "results/archives/{archive}.archive",
    log:
        "results/logs/download/{archive}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/data.yaml"
    resources:
        script=script("download_archive.py"),
    params:
        pin=archive_pin,
    shell:
        "python {resources.script:q} --archive {wildcards.archive} --out {output} 2>&1 | tee {log}"


rule prepare_model:
    input:
        origin_of_model,
    output:
        "results/models/{model}/manifest.json",
        "results/models/{model}/config.json",
        "results/models/{model}/model.safetensors",
    log:
        "results/logs/model/{model}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/train.yaml"
    resources:
        file=lambda wildcards: os.path.relpath(STUDY.models[wildcards.model].path),
        script=script("prepare_model.py"),
        kind=lambda wildcards: "--generator" if wildcards.model in STUDY.generators else "",
    params:
        made_from=lambda wildcards: ORIGINS.of_model(wildcards.model),
        folder=output_folder,
    shell:
        "python {resources.script:q} --model {resources.file:q} {resources.kind} --out {params.folder:q} 2>&1 | tee {log}"


# A metric of evaluate that a task file names. Nothing of it is run here.
rule prepare_metric:
    input:
        origin_of_metric,
    output:
        "results/metrics/{metric}/manifest.json",
    log:
        "results/logs/metric/{metric}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/data.yaml"
    resources:
        file=lambda wildcards: os.path.relpath(EVALUATED[wildcards.metric].path),
        script=script("prepare_metric.py"),
    params:
        made_from=lambda wildcards: ORIGINS.of_metric(wildcards.metric),
        folder=output_folder,
    shell:
        "python {resources.script:q} --task {resources.file:q} --out {params.folder:q} 2>&1 | tee {log}"


rule normalise_task:
    input:
        archive_of_task,
    output:
        "results/data/{task}/manifest.json",
        "results/data/{task}/train.parquet",
        "results/data/{task}/validation.parquet",
    log:
        "results/logs/normalise/{task}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/data.yaml"
    resources:
        file=lambda wildcards: os.path.relpath(TASKS[wildcards.task].path),
        script=script("normalise.py"),
        places=PLACES,
    params:
        made_from=lambda wildcards: ORIGINS.of_task(wildcards.task),
        archive=lambda wildcards, input: f"--archive-file {input[0]}" if input else "",
        folder=output_folder,
    shell:
        "python {resources.script:q} --task {resources.file:q} {params.archive} {resources.places} --out {params.folder:q}"
        " 2>&1 | tee {log}"


rule encode_task:
    input:
        manifest="results/data/{task}/manifest.json",
        train="results/data/{task}/train.parquet",
        validation="results/data/{task}/validation.parquet",
        model="results/models/{model}/model.safetensors",
    output:
        train="results/encoded/{model}/{task}/{length}/train.arrow",
        validation="results/encoded/{model}/{task}/{length}/validation.arrow",
        manifest="results/encoded/{model}/{task}/{length}/manifest.json",
    log:
        "results/logs/encode/{model}/{task}-{length}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/train.yaml"
    resources:
        script=script("encode.py"),
        shared=SHARED,
    params:
        made_from=lambda wildcards: made_from([wildcards.task], wildcards.model),
        form=lambda wildcards: STUDY.tasks[wildcards.task].form,
        code=lambda wildcards: digest.encoding_code(STUDY.tasks[wildcards.task].form),
        data=lambda wildcards, input: Path(input.train).parent,
        folder=output_folder,
        model=lambda wildcards, input: Path(input.model).parent,
    shell:
        "python -m interlude.jobs.warm {resources.script:q} --data {params.data:q} --model {params.model:q} --form {params.form}"
        " --max-length {wildcards.length} --out {params.folder:q} --made-from {params.made_from:q}"
        " --code {params.code} {resources.shared} 2>&1 | tee {log}"


rule encode_texts:
    input:
        model="results/models/{model}/model.safetensors",
    output:
        train="results/encoded/{model}/texts/{texts}/{length}/train.arrow",
        validation="results/encoded/{model}/texts/{texts}/{length}/validation.arrow",
        manifest="results/encoded/{model}/texts/{texts}/{length}/manifest.json",
    log:
        "results/logs/encode/{model}/texts-{texts}-{length}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/train.yaml"
    resources:
        script=script("encode_texts.py"),
    params:
        file=lambda wildcards: TEXT_FILES[wildcards.texts],
        # Snakemake compares no parameter that is made from an output.
        contents=lambda wildcards: origin_of(TEXT_FILES[wildcards.texts], wildcards.length),
        code=digest.text_file_code(),
        folder=output_folder,
        model=lambda wildcards, input: Path(input.model).parent,
    shell:
        "python -m interlude.jobs.warm {resources.script:q} --texts {params.file:q} --model {params.model:q}"
        " --max-length {wildcards.length} --out {params.folder:q} 2>&1 | tee {log}"


# Prints how many rows the trainings of a role will use. No training waits for it, and no digest of code
# is a parameter: data that were deleted are not made again only to be described in other words.
rule describe_data:
    input:
        encodings_of_role,
    output:
        f"{RESULTS}/data/{{role}}.csv",
    log:
        f"{RESULTS}/logs/data/{{role}}.log",
    wildcard_constraints:
        role="|".join(ROLES),
    priority: DATA_FIRST
    conda:
        "../../envs/data.yaml"
    resources:
        script=script("describe_data.py"),
    params:
        limits=limits_of_role,
    shell:
        "python {resources.script:q} --limits {params.limits:q} --out {output} 2>&1 | tee {log}"


rule download:
    input:
        downloads(),
