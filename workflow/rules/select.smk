# Which source to take for a target: what encoders make of examples, extracted once for all methods
# and studies, and the number that each method makes of it for every source.
import shlex

from interlude.plan.extractions import VOCABULARY

FEATURES = "results/features"
SELECTION = f"{RESULTS}/selection"


localrules:
    score_sources,
    collect_selection,


def extraction_inputs(wildcards):
    """What an extraction reads, by kind: the encoded task, the model, and a start."""
    extraction = SELECTED.extractions[wildcards.extraction]
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
    """Minutes in which an extraction surely ends; more at each attempt."""
    extraction = SELECTED.extractions[wildcards.extraction]
    return attempt * extraction_minutes(extraction, Path(input.model).stat().st_size, ON_GPU)


def left(id):
    """What an extraction, or a training of few steps, leaves."""
    if id in SELECTED.extractions:
        return f"{FEATURES}/{id}/manifest.json"
    return f"results/trained/{id}/record.json"


def can_be_had(id):
    """Whether it is there, or no training has to be repeated for it where that is not wanted."""
    if STUDY.config.missing_runs == "rerun" or Path(left(id)).exists():
        return True
    if id not in SELECTED.extractions:
        return False
    start = SELECTED.extractions[id].start
    return start is None or Path(f"results/trained/{start}/start/manifest.json").exists()


def pairs_of(target):
    """The pairs of a target: need -> folder of each extraction and how many pairs share it.

    No folders where one cannot be had.
    """
    return [
        {
            "target": target,
            "source": pair.source,
            "needs": {
                need: [(str(Path(left(id)).parent), SELECTED.uses[need, id]) for id in ids]
                * all(map(can_be_had, ids))
                for need, ids in pair.needs.items()
            },
        }
        for pair in SELECTED.pairs
        if pair.target == target
    ]


def extractions_of(wildcards):
    """What the methods need of a target's pairs, where it can be had."""
    needed = {
        id
        for pair in SELECTED.pairs
        for ids in pair.needs.values()
        for id in ids
        if pair.target == wildcards.task and all(map(can_be_had, ids))
    }
    return sorted(map(left, needed))


rule extract_features:
    input:
        unpack(extraction_inputs),
    output:
        manifest=f"{FEATURES}/{{extraction}}/manifest.json",
        tensors=f"{FEATURES}/{{extraction}}/extraction.safetensors",
    log:
        "results/logs/extract/{extraction}.log",
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config.compute.threads
    resources:
        script=script("extract_features.py"),
        called=lambda wildcards: SELECTED.extractions[wildcards.extraction].name,
        gpu=GPUS_OF_A_RUN,
        mem_mb=job_memory,
        runtime=extraction_time,
    params:
        extraction=lambda wildcards: SELECTED.extractions[wildcards.extraction].to_json(),
        code=lambda wildcards: extraction_code(SELECTED.extractions[wildcards.extraction]),
        files=extraction_files,
    message:
        "{resources.called}"
    shell:
        "python -m interlude.jobs.warm {resources.script:q} --extraction {params.extraction:q}"
        " {params.files} --threads {threads} 2>&1 | tee {log}"


rule score_sources:
    input:
        extractions_of,
    output:
        f"{SELECTION}/{{task}}.parquet",
    log:
        f"{RESULTS}/logs/selection/{{task}}.log",
    conda:
        "../../envs/train.yaml"
    resources:
        script=script("score_sources.py"),
    params:
        pairs=lambda wildcards: json.dumps(pairs_of(wildcards.task)),
        methods=STUDY.config.selection.of_encoders,
        code=digest.scoring_code(STUDY.config.selection.of_encoders),
    shell:
        "python {resources.script:q} --pairs {params.pairs:q} --methods {params.methods}"
        " --out {output} 2>&1 | tee {log}"


rule collect_selection:
    input:
        expand(f"{SELECTION}/{{task}}.parquet", task=SELECTED.targets),
    output:
        scores=f"{RESULTS}/selection_scores.parquet",
        excluded=f"{RESULTS}/selection_excluded.csv",
    log:
        f"{RESULTS}/logs/selection-scores.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("collect_selection.py"),
    params:
        code=code_digest("collect_selection.py"),
    shell:
        "python {resources.script:q} --targets {input} --scores {output.scores}"
        " --excluded {output.excluded} 2>&1 | tee {log}"
