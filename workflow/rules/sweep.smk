# The sweep: baselines with each combination of settings, at one seed; the best is kept for all runs
# of the task and kind.
import json

SWEEP = f"{RESULTS}/sweep"
SWEPT = list(STUDY.config["sweep"])


localrules:
    sweep,
    choose_settings,
    collect_sweep,


use rule train_target as train_sweep with:
    input:
        encoding=lambda wildcards: encoding_of(wildcards.kind)(wildcards),
        chosen=[],
        model=f"results/models/{STUDY.model}/model.safetensors",
    output:
        record=f"{SWEEP}/{{kind}}/{{task}}/{{number}}.json",
        predictions=f"{SWEEP}/{{kind}}/{{task}}/{{number}}.parquet",
    log:
        f"{RESULTS}/logs/sweep/{{kind}}/{{task}}-{{number}}.log",
    priority: 2  # everything else waits for these
    params:
        spec=lambda wildcards: STUDY.sweep_spec(
            wildcards.kind, wildcards.task, int(wildcards.number)
        ).to_json(),
        script=script("train.py"),
        on_failure=script("record_failure.py"),
        code=training_code,
        files=run_files,


rule choose_settings:
    input:
        lambda wildcards: sweep_records(wildcards.kind, wildcards.task),
    output:
        f"{SWEEP}/{{kind}}/{{task}}.json",
    log:
        f"{RESULTS}/logs/sweep/{{kind}}/{{task}}.log",
    conda:
        "../../envs/report.yaml"
    params:
        settings=SWEPT,
        rule=json.dumps(STUDY.config["degenerate"]),
        script=script("choose_settings.py"),
        code=code_digest("choose_settings.py"),
    shell:
        "python {params.script} --records {input} --settings {params.settings}"
        " --rule {params.rule:q} --out {output} 2>&1 | tee {log}"


rule collect_sweep:
    input:
        [
            record
            for kind in KINDS
            for task in getattr(STUDY.design, kind)
            for record in sweep_records(kind, task)
        ],
    output:
        f"{RESULTS}/sweep.csv",
    log:
        f"{RESULTS}/logs/collect-sweep.log",
    conda:
        "../../envs/report.yaml"
    params:
        records=lambda wildcards: SWEEP,
        design=STUDY.design.to_json(),
        combinations=len(STUDY.swept),
        settings=SWEPT,
        rule=json.dumps(STUDY.config["degenerate"]),
        script=script("collect_sweep.py"),
        code=code_digest("collect_sweep.py"),
    shell:
        "python {params.script} --records {params.records} --design {params.design:q}"
        " --combinations {params.combinations} --settings {params.settings} --rule {params.rule:q}"
        " --out {output} 2>&1 | tee {log}"


rule sweep:
    input:
        rules.collect_sweep.output,
