# Figures of the tables, as SVG for the report and PDF for a paper.
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
        files_of(FIGURES, ".svg", FIGURES_SHOWN),
        files_of(FIGURES, ".pdf", FIGURES_SHOWN),
    log:
        f"{RESULTS}/logs/figures.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("make_figures.py"),
    params:
        options=OPTIONS,
        names=[*FIGURES_SHOWN],
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
        rules.judge_selection.output.figures if STUDY.config.selection else [],
