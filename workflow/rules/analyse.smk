# Tables of a study's scores and trainings, as CSV, LaTeX and, for the report, HTML. Those that
# depend on the degenerate rule come twice.
include: "results.smk"


if STUDY.config.selection:

    include: "judge.smk"


localrules:
    tables,
    make_tables,
    write_review,


rule make_tables:
    input:
        **RECORDED,
        sweep=[f"{RESULTS}/sweep.csv"] if STUDY.config.sweep else [],
    output:
        beside(TABLES, ".csv", TABLES_SHOWN),
        beside(TABLES, ".tex", TABLES_SHOWN),
        shown(TABLES, ".html", TABLES_SHOWN),
    log:
        f"{RESULTS}/logs/tables.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("make_tables.py"),
    params:
        options=OPTIONS,
        sweep=lambda wildcards, input: f"--sweep {input.sweep}" if input.sweep else "",
        folder=output_folder,
        code=code_digest("make_tables.py"),
    shell:
        "python {resources.script:q} --scores {input.scores} --trainings {input.trainings} {params.sweep}"
        " --options {params.options:q} --out {params.folder:q} 2>&1 | tee {log}"


rule write_review:
    input:
        **RECORDED,
    output:
        report(
            f"{TABLES}/review.html",
            caption="../report/review.rst",
            category="Study",
            labels={"Result": "Reviewer's page"},
        ),
    log:
        f"{RESULTS}/logs/review.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("write_review.py"),
    params:
        options=OPTIONS,
        code=code_digest("write_review.py"),
    shell:
        "python {resources.script:q} --scores {input.scores} --trainings {input.trainings}"
        " --options {params.options:q} --out {output} 2>&1 | tee {log}"


rule tables:
    input:
        rules.make_tables.output,
        rules.write_review.output,
        rules.judge_selection.output.tables if STUDY.config.selection else [],
        # Of a study whose tables alone are made anew, the data may be gone.
        [f"{RESULTS}/artefacts.html"]
        if STUDY.generated and STUDY.config.missing_runs == "rerun"
        else [],
