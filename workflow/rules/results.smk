# What the rules of tables and figures share: what to make, in which variants, and how it shows.

from interlude.analysis import catalog

TABLES = f"{RESULTS}/tables"
FIGURES = f"{RESULTS}/figures"
# What tables and figures are made from, and nothing else.
RECORDED = {name: f"{RESULTS}/{name}.parquet" for name in ("scores", "trainings")}
# What the analysis is given. The report holds it within a script element, which a title must not be
# able to end.
OPTIONS = STUDY.options.replace("<", r"\u003c")
EXCLUDES = STUDY.config.degenerate.exclude
# What this study has nothing to show in.
ABSENT = {
    *([] if any(each.mixing for each in STUDY.contrasts) else catalog.OF_MIXING),
    *([] if any(each.methods for each in STUDY.contrasts) else catalog.OF_METHODS),
    *([] if len(STUDY.contrasts) > 1 else catalog.OF_SEVERAL),
    *([] if STUDY.measures_forgetting else ["forgetting"]),
    *([] if STUDY.config.stability else catalog.OF_TRIALS),
    *([] if STUDY.sizes else ["size_panels"]),
    *([] if STUDY.sizes else ["size_curves"]),
    *([] if STUDY.config.sweep else ["sweep"]),
    *(["curves"] if STUDY.config.published or STUDY.config.results_without_curves else []),
}
ABSENT |= {*catalog.OF_SELECTION}  # made apart from the others: judge.smk
TABLES_SHOWN = {name: table for name, table in catalog.TABLES.items() if name not in ABSENT}
FIGURES_SHOWN = {name: figure for name, figure in catalog.FIGURES.items() if name not in ABSENT}
RUNS_SHOWN = {True: "without degenerate runs", False: "all runs"}
KINDS_OF_RESULT = {".html": "table", ".svg": "figure"}


def shown(folder, ending, entries):
    """Files of the report, as `catalog.file_names` names them, with caption, category and labels."""
    return [
        shown_once(f"{folder}/{name}{part}{suffix}{ending}", name, entry, contrast, suffix)
        for name, entry in entries.items()
        for contrast, part in catalog.contrasted(entry, STUDY.contrasts).items()
        for suffix in catalog.suffixes(entry, EXCLUDES)
    ]


def shown_once(path, name, entry, contrast, suffix):
    """One file of the report.

    Snakemake's report turns any label but the first into a switch where it halves the results, and
    shows no CSV: hence tables as HTML, and the kind of result within the first label.
    """
    of = f", {contrast.title}" if entry.each and len(STUDY.contrasts) > 1 else ""
    labels = {"Result": f"{entry.label}{of} ({KINDS_OF_RESULT[Path(path).suffix]})"}
    if entry.twice:
        labels["Runs"] = RUNS_SHOWN[catalog.variants(EXCLUDES)[suffix]]
    return report(path, caption=f"../report/{name}.rst", category=entry.category, labels=labels)


def beside(folder, ending, entries):
    """Files of the same results that are not in the report."""
    names = catalog.file_names(entries, EXCLUDES, STUDY.contrasts)
    return [f"{folder}/{name}{ending}" for name in names]
