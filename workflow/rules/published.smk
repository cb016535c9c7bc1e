# A study of published scores: its run table comes from reference/, and nothing is trained.
ruleorder: import_published > collect_runs


localrules:
    import_published,


rule import_published:
    input:
        expand(
            "{folder}/{publication}_{name}.csv",
            folder=os.path.relpath(ROOT / "reference"),
            publication=STUDY.config["published"],
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
        table=f"{RESULTS}/runs.parquet",
        csv=f"{RESULTS}/runs.csv",
    log:
        f"{RESULTS}/logs/import.log",
    conda:
        "../../envs/report.yaml"
    params:
        reference=lambda wildcards, input: Path(input[0]).parent,
        study=STUDY.name,
        script=script("import_published.py"),
        code=code_digest("import_published.py"),
    shell:
        "python {params.script:q} --reference {params.reference:q} --study {params.study}"
        " --out {output.table} 2>&1 | tee {log}"
