# The answer: the tables in sentences. It is printed whenever Snakemake has ended.
ANSWER = Path(f"{RESULTS}/answer.md")


localrules:
    answer,
    write_answer,


rule write_answer:
    input:
        **RECORDED,
        tables=rules.tables.input,
    output:
        page=str(ANSWER),
        csv=f"{RESULTS}/answer.csv",
        figure=f"{FIGURES}/answer.svg",
        pdf=f"{FIGURES}/answer.pdf",
    log:
        f"{RESULTS}/logs/answer.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("write_answer.py"),
    params:
        study=STUDY.name,
        options=OPTIONS,
        tables=lambda wildcards, input: Path(input.tables[0]).parent,
        code=code_digest("write_answer.py"),
    shell:
        "python {resources.script:q} --study {params.study} --scores {input.scores} --trainings {input.trainings}"
        " --tables {params.tables:q} --options {params.options:q} --figure {output.figure} --csv {output.csv}"
        " --page {output.page} 2>&1 | tee {log}"


# It has no output, so it always runs. The answer is printed at the end.
rule answer:
    input:
        f"{RESULTS}/report.html",
        page=str(ANSWER),
    log:
        f"{RESULTS}/logs/answer-shown.log",
    conda:
        "../../envs/report.yaml"
    shell:
        "cp {input.page} {log}"


onsuccess:
    show_answer()


onerror:
    show_answer()
