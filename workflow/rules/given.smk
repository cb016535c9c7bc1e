# A study of scores that others measured: its tables come from a CSV file, and nothing is trained.
ruleorder: import_results > collect_scores


localrules:
    import_results,


rule import_results:
    input:
        csv=STUDY.config.results.file,
    output:
        **RECORDED,
        tables=[f"{RESULTS}/{name}.csv" for name in RECORDED],
    log:
        f"{RESULTS}/logs/import.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("import_results.py"),
    params:
        study=STUDY.name,
        points="--points" if STUDY.config.results.points else "",
        code=code_digest("import_results.py"),
    shell:
        "python {resources.script:q} --file {input.csv:q} {params.points} --study {params.study}"
        " --scores {output.scores} --trainings {output.trainings} 2>&1 | tee {log}"
