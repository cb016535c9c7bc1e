# Records become one table. From here on nothing looks at a record or at a model again.


localrules:
    collect_runs,
    check_runs,


rule collect_runs:
    input:
        records_to_collect,
    output:
        table=f"{RESULTS}/runs.parquet",
        csv=f"{RESULTS}/runs.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    conda:
        "../../envs/report.yaml"
    params:
        design=STUDY.design.to_json(),
        records=records_folder,
        study=STUDY.name,
        script=script("collect_runs.py"),
        code=code_digest("collect_runs.py"),
    shell:
        "python {params.script:q} --study {params.study} --design {params.design:q} --records {params.records:q}"
        " --out {output.table} 2>&1 | tee {log}"


# Last, once everything is built: a study with failed runs must not look like a success.
rule check_runs:
    input:
        f"{RESULTS}/runs.parquet",
    output:
        f"{RESULTS}/complete.txt",
    log:
        f"{RESULTS}/logs/check.log",
    priority: -1
    conda:
        "../../envs/report.yaml"
    params:
        records=records_folder,
        script=script("check_runs.py"),
        code=code_digest("check_runs.py"),
    shell:
        "python {params.script:q} --runs {input} --records {params.records:q} --out {output} 2>&1 | tee {log}"
