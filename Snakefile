# Interlude: intermediate-task transfer learning. See README.md and docs/.
from snakemake.utils import min_version

min_version("9.14.8")


# The default study, where --configfile names none. It lies beside this file, as the rules do.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/look.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/prune.smk"


if STUDY.generated:

    include: "workflow/rules/generate.smk"


if STUDY.config.sweep:

    include: "workflow/rules/sweep.smk"


if STUDY.config.recommend:

    include: "workflow/rules/recommend.smk"


if STOPS or BUDGET == "hours":

    include: "workflow/rules/rounds.smk"


if EXTRACTIONS:

    include: "workflow/rules/extract.smk"


if SELECTED.pairs:

    include: "workflow/rules/select.smk"


include: "workflow/rules/collect.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/answer.smk"
include: "workflow/rules/report.smk"


if STUDY.config.published:

    include: "workflow/rules/published.smk"


if STUDY.config.results:

    include: "workflow/rules/given.smk"


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.answer.input,
        rules.check_scores.output,
        described(*ROLES),
