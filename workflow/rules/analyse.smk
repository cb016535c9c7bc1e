# Tables of a study's scores and trainings, as CSV and LaTeX. Those that depend on the degenerate
# rule come twice.
include: "results.smk"


if STUDY.config.selection:

    include: "judge.smk"


# Of a study whose tables alone are made anew, the data may be gone.
WITH_DATA = STUDY.config.missing_runs == "rerun"
ARTEFACTS = [f"{RESULTS}/artefacts.csv"] if STUDY.generated and WITH_DATA else []


localrules:
    tables,
    make_tables,


rule make_tables:
    input:
        **RECORDED,
        sweep=[f"{RESULTS}/sweep.csv"] if STUDY.config.sweep else [],
    output:
        files_of(TABLES, ".csv", TABLES_SHOWN),
        files_of(TABLES, ".tex", TABLES_SHOWN),
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


rule tables:
    input:
        rules.make_tables.output,
        rules.judge_selection.output.tables if STUDY.config.selection else [],
        ARTEFACTS,
