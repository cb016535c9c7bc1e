#!/usr/bin/env bash
# Status of the job with this id, in the words that Snakemake expects. Site: ask your scheduler.
# A job that SLURM no longer knows ended long ago: Snakemake then looks at its output.
state=$(squeue --jobs="$1" --states=all --noheader --format=%T 2>/dev/null)
case ${state:-COMPLETED} in
COMPLETED) echo success ;;
PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | REQUEUED) echo running ;;
*) echo failed ;;
esac
