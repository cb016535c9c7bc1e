# Cleaning up: trainings that no study of this folder names any more.


localrules:
    prune,


# It has no output and always runs.
rule prune:
    log:
        "results/logs/prune.log",
    conda:
        "../../envs/report.yaml"
    resources:
        script=script("prune.py"),
    params:
        shared=SHARED,
        delete="--delete" if STUDY.config.prune == "delete" else "",
    shell:
        "python {resources.script:q} --results results {params.shared} {params.delete} 2>&1 | tee {log}"
