# A look at tasks before they are trained on: what the study's data and encodings hold.
LOOKS = "results/looks"
LOOKED_AT = [STUDY.config.look] if STUDY.config.look else list(STUDY.tasks)


localrules:
    look,
    look_at_task,


rule look_at_task:
    input:
        data="results/data/{task}/manifest.json",
        encoding=lambda wildcards: [
            f"{folder}/{file}"
            for folder in encodings_of(wildcards.task)
            for file in ("manifest.json", "train.arrow", "validation.arrow")
        ],
        model=f"results/models/{STUDY.model.name}/model.safetensors",
    output:
        page=f"{LOOKS}/{{task}}.html",
        text=f"{LOOKS}/{{task}}.txt",
    log:
        "results/logs/look/{task}.log",
    priority: DATA_FIRST
    conda:
        "../../envs/train.yaml"
    resources:
        script=script("look.py"),
    params:
        about=lambda wildcards: about_task(wildcards.task),
        encoded=lambda wildcards: encodings_of(wildcards.task),
        data=lambda wildcards, input: Path(input.data).parent,
        model=lambda wildcards, input: Path(input.model).parent,
        code=code_digest("look.py"),
    shell:
        "python -m interlude.jobs.warm {resources.script:q} --about {params.about:q} --data {params.data:q}"
        " --encoded {params.encoded:q} --model {params.model:q} --text {output.text} --page {output.page}"
        " 2>&1 | tee {log}"


# It has no output and always prints.
rule look:
    input:
        text=expand(f"{LOOKS}/{{task}}.txt", task=LOOKED_AT),
        page=expand(f"{LOOKS}/{{task}}.html", task=LOOKED_AT),
    log:
        "results/logs/look.log",
    conda:
        "../../envs/train.yaml"
    shell:
        "for text in {input.text}; do echo; cat $text; done | tee {log}"
