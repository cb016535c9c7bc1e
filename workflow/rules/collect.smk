# Records become two tables: a row per score, and a row per training. From here on nothing looks at
# a record or at a model again.
import json

from interlude.data.fetch.origin import may_have_groups


localrules:
    collect_scores,
    check_scores,


rule collect_scores:
    input:
        records=records_to_collect,
        rounds=rounds_to_read,
    output:
        scores=f"{RESULTS}/scores.parquet",
        scores_csv=f"{RESULTS}/scores.csv",
        trainings=f"{RESULTS}/trainings.parquet",
        trainings_csv=f"{RESULTS}/trainings.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("collect_scores.py"),
    params:
        study=STUDY.name,
        plan=lambda wildcards: PLAN_FILE,
        planned=digest_of(PLAN_TEXT),
        rounds=rounds_argument,
        contrasts=json.dumps([(each.arm, each.against) for each in STUDY.contrasts]),
        grouped=[
            name
            for name, task in STUDY.tasks.items()
            if may_have_groups(task, ROOT / "config/mirrors/partial.yaml")
        ],
        code=code_digest("collect_scores.py"),
    shell:
        "python {resources.script:q} --study {params.study} --plan {params.plan:q} {params.rounds}"
        " --trained results/trained --data results/data --contrasts {params.contrasts:q} --grouped {params.grouped:q}"
        " --scores {output.scores} --trainings {output.trainings} 2>&1 | tee {log}"


# Last, once everything is built: a study with failed trainings must not look like a success.
rule check_scores:
    input:
        scores=f"{RESULTS}/scores.parquet",
        rounds=rounds_to_read,
    output:
        f"{RESULTS}/complete.txt",
    log:
        f"{RESULTS}/logs/check.log",
    priority: -1
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("check_scores.py"),
    params:
        plan=lambda wildcards: PLAN_FILE,
        planned=digest_of(PLAN_TEXT),
        rounds=rounds_argument,
        code=code_digest("check_scores.py"),
    shell:
        "python {resources.script:q} --plan {params.plan:q} {params.rounds} --trained results/trained"
        " --out {output} 2>&1 | tee {log}"
