# A study of published scores: its tables come from reference/, and nothing is trained.
ruleorder: import_published > collect_scores


localrules:
    import_published,


rule import_published:
    input:
        expand(
            "{folder}/{publication}_{name}.csv",
            folder=os.path.relpath(ROOT / "reference"),
            publication=STUDY.config.published,
            name=[
                "runs",
                "baseline_probing_runs",
                "baseline_means",
                "tasks",
                "hparams",
                "floors",
            ],
        ),
    output:
        **RECORDED,
        csv=[f"{RESULTS}/{name}.csv" for name in RECORDED],
    log:
        f"{RESULTS}/logs/import.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("import_published.py"),
    params:
        reference=lambda wildcards, input: Path(input[0]).parent,
        study=STUDY.name,
        code=code_digest("import_published.py"),
    shell:
        "python {resources.script:q} --reference {params.reference:q} --study {params.study}"
        " --scores {output.scores} --trainings {output.trainings} 2>&1 | tee {log}"
