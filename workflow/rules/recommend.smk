# Which intermediate task to start from for one task: from its data and published evidence alone.
from interlude.plan.tasks import load_task

# Sources of the evidence, as the registry names them: where their licences are.
PUBLISHED_SOURCES = {
    "CCG": "ccg",
    "CSenseQA": "commonsense-qa",
    "CosmosQA": "cosmos-qa",
    "HellaSwag": "hellaswag",
    "MNLI": "mnli",
    "QA-SRL": "qa-srl",
    "QAMR": "qamr",
    "QQP": "qqp",
    "SST-2": "sst-2",
    "SciTail": "scitail",
    "SocialIQA": "social-iqa",
}
LICENCES = {
    source: load_task(ROOT / f"config/tasks/{name}.yaml").licence
    for source, name in PUBLISHED_SOURCES.items()
}
EVIDENCE = expand(
    "{folder}/{name}.csv",
    folder=os.path.relpath(ROOT / "reference"),
    name=[
        *(f"pruksachatkun_{name}" for name in ("runs", "baseline_probing_runs", "baseline_means")),
        *(f"pruksachatkun_{name}" for name in ("tasks", "hparams", "floors")),
        "model_recycling_scores",
    ],
)
RECOMMENDATION = f"{RESULTS}/recommendation"


localrules:
    recommend,
    make_recommendation,


rule make_recommendation:
    input:
        data=f"results/data/{STUDY.config.recommend.task}/manifest.json",
        evidence=EVIDENCE,
    output:
        document=f"{RECOMMENDATION}.json",
        page=f"{RECOMMENDATION}.html",
        table=f"{RECOMMENDATION}.csv",
        text=f"{RECOMMENDATION}.txt",
    log:
        f"{RESULTS}/logs/recommendation.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("recommend.py"),
    params:
        task=STUDY.config.recommend.task,
        encoder=STUDY.model.name,
        form=STUDY.tasks[STUDY.config.recommend.task].form,
        data=lambda wildcards, input: Path(input.data).parent,
        reference=lambda wildcards, input: Path(input.evidence[0]).parent,
        licences=json.dumps(LICENCES),
        alpha=STUDY.config.statistics.alpha,
        code=code_digest("recommend.py"),
    shell:
        "python {resources.script:q} --task {params.task} --form {params.form} --encoder {params.encoder}"
        " --data {params.data:q}"
        " --reference {params.reference:q} --licences {params.licences:q} --alpha {params.alpha}"
        " --out {output.document} 2>&1 | tee {log}"


# It has no output and always prints.
rule recommend:
    input:
        text=rules.make_recommendation.output.text,
        page=rules.make_recommendation.output.page,
    log:
        f"{RESULTS}/logs/recommend.log",
    conda:
        "../../envs/report.yaml"
    shell:
        "{{ cat {input.text}; echo page: {input.page}; }} | tee {log}"
