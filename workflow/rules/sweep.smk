# The sweep: baselines with each combination of settings, at one seed; the best is kept for all
# trainings of the task in its role. A choice lies under the digest of what it is made from.
SWEPT = list(STUDY.config.sweep)


localrules:
    sweep,
    choose_settings,
    collect_sweep,


rule choose_settings:
    input:
        lambda wildcards: paths(PLAN.choices[wildcards.choice].trainings),
    output:
        "results/chosen/{choice}.json",
    log:
        "results/logs/choose/{choice}.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("choose_settings.py"),
    params:
        settings=SWEPT,
        rule=STUDY.rule,
        code=code_digest("choose_settings.py"),
    shell:
        "python {resources.script:q} --records {input} --settings {params.settings}"
        " --rule {params.rule:q} --out {output} 2>&1 | tee {log}"


rule collect_sweep:
    input:
        paths(cell.training for cell in PLAN.tried),
    output:
        f"{RESULTS}/sweep.csv",
    log:
        f"{RESULTS}/logs/collect-sweep.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("collect_sweep.py"),
    params:
        plan=lambda wildcards: PLAN_FILE,
        planned=digest_of(PLAN_TEXT),
        settings=SWEPT,
        rule=STUDY.rule,
        code=code_digest("collect_sweep.py"),
    shell:
        "python {resources.script:q} --plan {params.plan:q} --trained results/trained"
        " --settings {params.settings} --rule {params.rule:q} --out {output} 2>&1 | tee {log}"


rule sweep:
    input:
        rules.collect_sweep.output,
        described(*ROLES),
