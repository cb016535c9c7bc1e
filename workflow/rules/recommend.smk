# Which intermediate task to start from for one task: by published evidence; with budget minutes also
# by features of the starts that exist; with budget hours also by trainings, in rounds.
from interlude.analysis.known_as import PUBLISHED_SOURCES
from interlude.plan.tasks import load_task

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
# Of features, those that serve most forms, whose numbers are compared as ranks.
BY_FEATURES = ["logme", "linear", "knn"]


localrules:
    recommend,
    make_recommendation,
    begin_rounds,


rule make_recommendation:
    input:
        unpack(recommendation_inputs),
        data=f"results/data/{CHOSEN_FOR.task}/manifest.json",
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
        task=CHOSEN_FOR.task,
        form=STUDY.tasks[CHOSEN_FOR.task].form,
        facts=recommendation_facts,
        published=lambda wildcards: json.dumps(published_as([*STARTS, *STUDY.config.intermediate])),
        data=lambda wildcards, input: Path(input.data).parent,
        reference=lambda wildcards, input: Path(input.evidence[0]).parent,
        licences=json.dumps(LICENCES),
        alpha=STUDY.config.statistics.alpha,
        read=lambda wildcards, input: " ".join(
            [
                f"--scores {input.scores}" if input.get("scores") else "",
                f"--decisions {input.decisions}" if input.get("decisions") else "",
                f"--runs {input.runs}" if input.get("runs") else "",
            ]
        ),
        code=code_digest("recommend.py"),
    shell:
        "python {resources.script:q} --task {params.task} --form {params.form} --facts {params.facts:q}"
        " --published {params.published:q} --data {params.data:q} {params.read}"
        " --reference {params.reference:q} --licences {params.licences:q} --alpha {params.alpha}"
        " --out {output.document} 2>&1 | tee {log}"


rule score_starts:
    input:
        [result_file(id) for id in BY_STARTS.extractions],
    output:
        f"{RESULTS}/recommendation_scores.parquet",
    log:
        f"{RESULTS}/logs/recommendation-scores.log",
    conda:
        "../../envs/train.yaml"
    resources:
        script=script("score_sources.py"),
    params:
        pairs=json.dumps(pairs_of(CHOSEN_FOR.task, BY_STARTS)),
        methods=BY_FEATURES,
        code=digest.scoring_code(BY_FEATURES),
    shell:
        "python {resources.script:q} --pairs {params.pairs:q} --methods {params.methods}"
        " --out {output} 2>&1 | tee {log}"


# What the first round has: the candidates in the order of the evidence.
checkpoint begin_rounds:
    input:
        evidence=EVIDENCE,
    output:
        decision_file(0),
    log:
        f"{RESULTS}/logs/begin-rounds.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("begin_rounds.py"),
    params:
        sources=list(
            dict.fromkeys(cell.source for cell in TO_CHOOSE_FROM if cell.source != NO_SOURCE)
        ),
        published=lambda wildcards: json.dumps(published_as(STUDY.config.intermediate)),
        reference=lambda wildcards, input: Path(input.evidence[0]).parent,
        first=CHOSEN_FOR.first or len(STUDY.config.intermediate),
        alpha=STUDY.config.statistics.alpha,
        code=code_digest("begin_rounds.py"),
    shell:
        "python {resources.script:q} --sources {params.sources} --published {params.published:q}"
        " --reference {params.reference:q} --first {params.first} --alpha {params.alpha}"
        " --out {output} 2>&1 | tee {log}"


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
