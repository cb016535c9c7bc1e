# Compare this study with another one, whose tables exist already.
OTHER = STUDY.config.compare.study
OTHERS_TRANSFER = f"results/{OTHER}/tables/transfer.csv"


# Checked before anything is trained: no rule of this study makes that table.
if workflow.is_main_process and not (ONLY_PLANS or ONLY_LOOKS or Path(OTHERS_TRANSFER).exists()):
    there = sorted(path.parts[1] for path in Path("results").glob("*/tables/transfer.csv"))
    raise WorkflowError(
        f"{WHERE}: key compare.study: found {OTHER}, which has no {OTHERS_TRANSFER}. "
        f"Allowed: a study that was run in this folder: {', '.join(there) or 'none yet'}."
    )


localrules:
    compare,
    compare_studies,


rule compare_studies:
    input:
        own=f"{TABLES}/transfer.csv",
        other=OTHERS_TRANSFER,
    output:
        files_of(FIGURES, ".svg", catalog.COMPARISON_FIGURES),
        files_of(FIGURES, ".pdf", catalog.COMPARISON_FIGURES),
        files_of(TABLES, ".csv", catalog.COMPARISON_TABLES),
        files_of(TABLES, ".tex", catalog.COMPARISON_TABLES),
    log:
        f"{RESULTS}/logs/compare.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("compare_studies.py"),
    params:
        own=STUDY.name,
        other=OTHER,
        names=json.dumps(STUDY.config.compare.names),
        options=OPTIONS,
        tables=lambda wildcards, input: Path(input.own).parent,
        code=code_digest("compare_studies.py"),
    shell:
        "python {resources.script:q} --own {params.own} --own-transfer {input.own}"
        " --other {params.other} --other-transfer {input.other} --names {params.names:q}"
        " --options {params.options:q} --tables {params.tables:q} --figure {output[0]}"
        " 2>&1 | tee {log}"


rule compare:
    input:
        rules.compare_studies.output,
