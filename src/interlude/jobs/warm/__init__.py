"""Run a script in a copy of a process that has imported torch and transformers already.

    python -m interlude.jobs.warm workflow/scripts/train.py --training ...

Importing them takes longer than a short run trains. So the first script that Snakemake runs this
way starts a server (`server`), which imports once and forks for each script. The script has this
process's arguments, environment, folder, standard streams and exit status, and a signal that ends
this process ends it too. The server ends with the process that INTERLUDE_WARM_FOR names:
Snakemake's. Without that variable, or when no server answers, the script runs here, as if it had
been called alone.
"""
