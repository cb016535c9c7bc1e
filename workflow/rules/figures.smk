# Figures of the tables, as SVG for the report and PDF for a paper.
# name -> category in the report, label
FIGURES_OF_VARIANT = {
    "heatmap": ("Transfer", "Transfer heatmap"),
    "correlations": ("Correlations", "Target tasks with all tasks"),
    "correlations_all": ("Correlations", "All pairs of tasks"),
    "robustness": ("Correlations", "Robustness"),
    "detectable": ("Transfer", "Smallest detectable differences"),
}
FIGURES_OF_STUDY = {
    "spread": ("Transfer", "Spread of restarts"),
    "curves": ("Study", "Learning curves"),
    "averages": ("Transfer", "Average transfer by degenerate rule"),
    "sizes": ("Data size", "Data size and transfer"),
}
if STUDY.sizes:
    FIGURES_OF_STUDY["size_curves"] = ("Data size", "Transfer by intermediate size")
if STUDY.config.published:
    del FIGURES_OF_STUDY["curves"]  # none were published


if STUDY.config.compare:

    include: "compare.smk"


localrules:
    figures,
    make_figures,


rule make_figures:
    input:
        **RECORDED,
        tables=rules.tables.input,
    output:
        shown_by_variant(FIGURES, ".svg", FIGURES_OF_VARIANT),
        shown(FIGURES, ".svg", FIGURES_OF_STUDY),
        beside(FIGURES, ".pdf", FIGURES_OF_STUDY, FIGURES_OF_VARIANT),
    log:
        f"{RESULTS}/logs/figures.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("make_figures.py"),
    params:
        options=OPTIONS,
        names=[*FIGURES_OF_VARIANT, *FIGURES_OF_STUDY],
        tables=lambda wildcards, input: Path(input.tables[0]).parent,
        folder=output_folder,
        code=code_digest("make_figures.py"),
    shell:
        "python {resources.script:q} --scores {input.scores} --trainings {input.trainings}"
        " --tables {params.tables:q} --options {params.options:q} --figures {params.names}"
        " --out {params.folder:q} 2>&1 | tee {log}"


rule figures:
    input:
        rules.make_figures.output,
        rules.compare.input if STUDY.config.compare else [],
