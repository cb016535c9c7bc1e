# Methods that choose a source without the whole grid, judged by the grid: tables and figures.
JUDGED_TABLES = {
    name: entry for name, entry in catalog.TABLES.items() if name in catalog.OF_SELECTION
}
JUDGED_FIGURES = {
    name: entry for name, entry in catalog.FIGURES.items() if name in catalog.OF_SELECTION
}


localrules:
    selection,
    judge_selection,


rule judge_selection:
    input:
        **RECORDED,
        selection_scores=(
            [f"{RESULTS}/selection_scores.parquet"] if STUDY.config.selection.of_encoders else []
        ),
        truths=[truth.file for truth in STUDY.config.selection.truths.values()],
    output:
        tables=[
            files_of(TABLES, ".csv", JUDGED_TABLES),
            files_of(TABLES, ".tex", JUDGED_TABLES),
        ],
        figures=[
            files_of(FIGURES, ".svg", JUDGED_FIGURES),
            files_of(FIGURES, ".pdf", JUDGED_FIGURES),
        ],
    log:
        f"{RESULTS}/logs/selection.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("judge_selection.py"),
    params:
        options=OPTIONS,
        selection_scores=lambda wildcards, input: (
            f"--selection-scores {input.selection_scores}" if input.selection_scores else ""
        ),
        tables=lambda wildcards, output: Path(output.tables[0]).parent,
        figures=lambda wildcards, output: Path(output.figures[0]).parent,
        code=code_digest("judge_selection.py"),
    shell:
        "python {resources.script:q} --scores {input.scores} --trainings {input.trainings}"
        " {params.selection_scores} --options {params.options:q} --tables {params.tables:q} --figures {params.figures:q}"
        " 2>&1 | tee {log}"


rule selection:
    input:
        rules.judge_selection.output,
