# The report: one page with the answer, the figures and the tables, which needs no other file.
import json

TEMPLATE = ROOT / "workflow/report"
TABLES_REPORTED = [
    *TABLES_SHOWN,
    *(JUDGED_TABLES if STUDY.config.selection else []),
    *(catalog.COMPARISON_TABLES if STUDY.config.compare else []),
]
FIGURES_REPORTED = [
    *FIGURES_SHOWN,
    *(JUDGED_FIGURES if STUDY.config.selection else []),
    *(catalog.COMPARISON_FIGURES if STUDY.config.compare else []),
]


localrules:
    report,
    make_report,


rule report:
    input:
        f"{RESULTS}/report.html",


rule make_report:
    input:
        **RECORDED,
        tables=rules.tables.input,
        figures=rules.figures.input,
        answer=rules.write_answer.output.page,
        estimates=rules.write_answer.output.figure,
        artefacts=ARTEFACTS,
    output:
        html=f"{RESULTS}/report.html",
        config=f"{RESULTS}/config.json",
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("write_report.py"),
        template=os.path.relpath(TEMPLATE),
    params:
        study=STUDY.name,
        options=OPTIONS,
        tables=lambda wildcards, input: os.path.dirname(input.tables[0]),
        table_names=TABLES_REPORTED,
        figures=lambda wildcards, input: os.path.dirname(input.figures[0]),
        figure_names=FIGURES_REPORTED,
        artefacts=lambda wildcards, input: (
            f"--artefacts {input.artefacts}" if input.artefacts else ""
        ),
        template=content_digest(TEMPLATE),
        config=json.dumps(json.loads(CONFIG_TEXT), indent=1),  # without defaults: a new key changes nothing
        code=code_digest("write_report.py"),
    shell:
        "echo {params.config:q} > {output.config} && "
        "python {resources.script:q} --study {params.study} --scores {input.scores} --trainings {input.trainings}"
        " --options {params.options:q} --answer {input.answer} --tables {params.tables:q}"
        " --table-names {params.table_names} --figures {params.figures:q} --figure-names {params.figure_names}"
        " {params.artefacts} --template {resources.template:q} --out {output.html} 2>&1 | tee {log}"
