# This study beside another one, whose tables are there already.
OTHER = STUDY.config.compare.study
OTHERS_TRANSFER = f"results/{OTHER}/tables/transfer.csv"
COMPARISONS = {
    "comparison": catalog.Shown("Comparison", f"Cells beside {OTHER}"),
    "comparison_summary": catalog.Shown("Comparison", f"Agreement with {OTHER}"),
}


# Said before anything is trained: nothing here makes that table.
if workflow.is_main_process and not (ONLY_PLANS or ONLY_LOOKS or Path(OTHERS_TRANSFER).exists()):
    there = sorted(path.parts[1] for path in Path("results").glob("*/tables/transfer.csv"))
    raise WorkflowError(
        f"{WHERE}: key compare.study: found {OTHER}, of which there is no {OTHERS_TRANSFER}. "
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
        shown(FIGURES, ".svg", {"comparison": COMPARISONS["comparison"]}),
        shown(TABLES, ".html", COMPARISONS),
        beside(TABLES, ".csv", COMPARISONS),
        beside(TABLES, ".tex", COMPARISONS),
        f"{FIGURES}/comparison.pdf",
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
