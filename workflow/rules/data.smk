# Archives, the model, normalised and encoded tasks. results/data, models and encoded are shared
# by all studies in a working folder.
import shlex

# Where data may be. A resource, no parameter: a normalised copy stays when the mirror moves.
PLACES = shlex.join(
    f"--{key.replace('_', '-')}={STUDY.config[key]}"
    for key in ("mirror", "own_data")
    if STUDY.config[key] is not None
)


localrules:
    download,
    download_archive,
    prepare_model,
    normalise_task,
    encode_task,


rule download_archive:
    output:
        "results/archives/{archive}.archive",
    log:
        "results/logs/download/{archive}.log",
    conda:
        "../../envs/data.yaml"
    params:
        script=script("download_archive.py"),
        pin=archive_pin,
    shell:
        "python {params.script} --archive {wildcards.archive} --out {output} 2>&1 | tee {log}"


rule prepare_model:
    output:
        "results/models/{model}/manifest.json",
        "results/models/{model}/config.json",
        "results/models/{model}/model.safetensors",
    log:
        "results/logs/model/{model}.log",
    conda:
        "../../envs/data.yaml"
    params:
        declared=STUDY.model_file.read_text(),
        file=os.path.relpath(STUDY.model_file),
        script=script("prepare_model.py"),
        code=code_digest("prepare_model.py"),
        folder=output_folder,
    shell:
        "python {params.script} --model {params.file:q} --out {params.folder} 2>&1 | tee {log}"


rule normalise_task:
    input:
        archive_of_task,
    output:
        "results/data/{task}/manifest.json",
        "results/data/{task}/train.parquet",
        "results/data/{task}/validation.parquet",
    log:
        "results/logs/normalise/{task}.log",
    conda:
        "../../envs/data.yaml"
    resources:
        places=PLACES,
    params:
        declared=lambda wildcards: STUDY.tasks[wildcards.task].data_declaration(),
        file=lambda wildcards: os.path.relpath(STUDY.tasks[wildcards.task].path),
        archive=lambda wildcards, input: f"--archive-file {input[0]}" if input else "",
        script=script("normalise.py"),
        code=code_digest("normalise.py"),
        folder=output_folder,
    shell:
        "python {params.script} --task {params.file:q} {params.archive} {resources.places} --out {params.folder}"
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
    conda:
        "../../envs/train.yaml"
    params:
        form=lambda wildcards: STUDY.tasks[wildcards.task].form,
        script=script("encode.py"),
        code=lambda wildcards: digest.encoding_code(STUDY.tasks[wildcards.task].form),
        data=lambda wildcards, input: Path(input.train).parent,
        folder=output_folder,
        model=lambda wildcards, input: Path(input.model).parent,
    shell:
        "python -m interlude.jobs.warm {params.script} --data {params.data} --model {params.model} --form {params.form}"
        " --max-length {wildcards.length} --out {params.folder} 2>&1 | tee {log}"


rule download:
    input:
        downloads(),
