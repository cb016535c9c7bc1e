# A study of scores that were measured before: its tables come from a file, and nothing is trained.
import shlex


ruleorder: import_results > collect_scores


localrules:
    import_results,


rule import_results:
    input:
        file=STUDY.config.results.file,
        trainings=STUDY.config.results.trainings or [],
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
        trainings=lambda wildcards, input: (
            f"--of-trainings {shlex.quote(input.trainings)}" if input.trainings else ""
        ),
        points="--points" if STUDY.config.results.points else "",
        code=code_digest("import_results.py"),
    shell:
        "python {resources.script:q} --file {input.file:q} {params.trainings} {params.points} --study {params.study}"
        " --scores {output.scores} --trainings {output.trainings} 2>&1 | tee {log}"
