# Trainings in rounds: to choose a start for one task, or until cells are known. The records of earlier
# rounds decide what the next one trains.
DECIDES = script("decide_round.py" if BUDGET == "hours" else "look_at_cells.py")


localrules:
    decide_round,


# The plan of the next round reads the decision: the same one, however often Snakemake starts.
checkpoint decide_round:
    input:
        unpack(inputs_of_round),
    output:
        decision=f"{RESULTS}/rounds/{{round}}.csv",
        runs=f"{RESULTS}/rounds/{{round}}-runs.csv",
    log:
        f"{RESULTS}/logs/rounds/{{round}}.log",
    wildcard_constraints:
        round="[1-9][0-9]*",
    conda:
        "../../envs/report.yaml"
    resources:
        script=DECIDES,
    params:
        cells=cells_of_round,
        decisions=lambda wildcards, input: input.get("decisions", ""),  # none in a dry run
        restarts=STUDY.config.restarts,
        options=STUDY.options,
        code=code_digest(os.path.basename(DECIDES)),
    shell:
        "python {resources.script:q} {params.cells} --trained results/trained"
        " --decisions {params.decisions} --restarts {params.restarts} --options {params.options:q}"
        " --runs {output.runs} --out {output.decision} 2>&1 | tee {log}"


if STOPS:

    localrules:
        write_rounds,

    # All looks of a study in one file, for people and for the tables.
    rule write_rounds:
        input:
            decisions_there,
        output:
            ROUNDS,
        log:
            f"{RESULTS}/logs/rounds.log",
        conda:
            "../../envs/report.yaml"
        shell:
            "awk 'NR == 1 || FNR > 1' {input} 2>&1 > {output} | tee {log}"
