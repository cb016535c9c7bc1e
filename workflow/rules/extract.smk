# Features of examples by encoders, extracted once for all methods, studies and recommendations.
rule extract_features:
    input:
        unpack(extraction_inputs),
    output:
        manifest=f"{FEATURES}/{{extraction}}/manifest.json",
        tensors=f"{FEATURES}/{{extraction}}/extraction.safetensors",
    log:
        "results/logs/extract/{extraction}.log",
    retries: RETRIES_HERE
    conda:
        "../../envs/train.yaml"
    threads: STUDY.config.compute.threads
    resources:
        script=script("extract_features.py"),
        called=lambda wildcards: EXTRACTIONS[wildcards.extraction].name,
        gpu=GPUS_OF_A_RUN,
        mem_mb=job_memory,
        runtime=extraction_time,
    params:
        extraction=lambda wildcards: EXTRACTIONS[wildcards.extraction].to_json(),
        code=lambda wildcards: extraction_code(EXTRACTIONS[wildcards.extraction]),
        files=extraction_files,
    message:
        "{resources.called}"
    shell:
        "python -m interlude.jobs.warm {resources.script:q} --extraction {params.extraction:q}"
        " {params.files} --threads {threads} 2>&1 | tee {log}"
