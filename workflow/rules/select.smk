# Which source to choose for a target: the score that each method computes from what was extracted.
SELECTION = f"{RESULTS}/selection"


localrules:
    score_sources,
    collect_selection,


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
