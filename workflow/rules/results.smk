# What the rules of tables and figures share: what to make, and in which variants.

TABLES = f"{RESULTS}/tables"
FIGURES = f"{RESULTS}/figures"
# What tables and figures are made from, and nothing else.
RECORDED = {name: f"{RESULTS}/{name}.parquet" for name in ("scores", "trainings")}
# The options of the analysis.
OPTIONS = STUDY.options
# Tables and figures in which this study has nothing to show.
ABSENT = {
    *([] if any(each.mixing for each in STUDY.contrasts) else catalog.OF_MIXING),
    *([] if any(each.methods for each in STUDY.contrasts) else catalog.OF_METHODS),
    *([] if len(STUDY.contrasts) > 1 else catalog.OF_SEVERAL),
    *([] if STUDY.measures_forgetting else ["forgetting"]),
    *([] if STUDY.config.stability else catalog.OF_TRIALS),
    *([] if STUDY.sizes else ["size_panels"]),
    *([] if STUDY.sizes else ["size_curves"]),
    *([] if STUDY.target_sizes else ["target_sizes"]),
    *([] if STUDY.config.sweep else ["sweep"]),
    *(["curves"] if STUDY.config.published or STUDY.config.results_without_curves else []),
}
ABSENT |= {*catalog.OF_SELECTION}  # made apart from the others: judge.smk
TABLES_SHOWN = {name: table for name, table in catalog.TABLES.items() if name not in ABSENT}
FIGURES_SHOWN = {name: figure for name, figure in catalog.FIGURES.items() if name not in ABSENT}
