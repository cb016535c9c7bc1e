# What the study will cost, from the trainings that were measured so far. The plan itself,
# results/<study>/plan.csv, is written when Snakemake starts.
from interlude.plan.work import planned_work


localrules:
    plan,


if ONLY_PLANS and workflow.output_settings.dryrun:
    print(PLAN_TEXT, end="")


# It has no output and always runs.
rule plan:
    log:
        f"{RESULTS}/logs/plan.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("plan_costs.py"),
    params:
        study=STUDY.name,
        plan=PLAN_FILE,
        planned=json.dumps(planned_work(PLAN, STUDY.tasks)),
        data="results/data",
        measured=STUDY.config.plan.measured,
        options=STUDY.options,
        model=f"results/models/{STUDY.model.name}/model.safetensors",
    shell:
        "python {resources.script:q} --study {params.study} --plan {params.plan:q} --trained results/trained"
        " --planned {params.planned:q} --data {params.data:q} --measured {params.measured:q}"
        " --model {params.model:q} --options {params.options:q} 2>&1 | tee {log}"
