# The self-contained report, made by Snakemake itself from everything marked report(...).
import json


localrules:
    report,
    make_report,


rule report:
    input:
        f"{RESULTS}/report.html",


# Snakemake is called again to make it, on the same files: hence no lock, and the config in a file.
rule make_report:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.write_answer.output,
    output:
        html=f"{RESULTS}/report.html",
        config=f"{RESULTS}/config.json",
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        "../../envs/report.yaml"
    resources:
        snakefile=os.path.relpath(workflow.main_snakefile),
    params:
        config=json.dumps(json.loads(TOLD), indent=1),  # without defaults, of which a new key has one
    shell:
        "echo {params.config:q} > {output.config} && "
        "python -m snakemake --snakefile {resources.snakefile:q} --configfile {output.config} --nolock"
        " --report {output.html} tables figures write_answer > {log} 2>&1"
