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
    *([] if STUDY.sizes else ["size_curves"]),
    *([] if STUDY.config.sweep else ["sweep"]),
    *(["curves"] if STUDY.config.published else []),
}
TABLES_SHOWN = {name: table for name, table in catalog.TABLES.items() if name not in ABSENT}
FIGURES_SHOWN = {name: figure for name, figure in catalog.FIGURES.items() if name not in ABSENT}
RUNS_SHOWN = {True: "without degenerate runs", False: "all runs"}
KINDS_OF_RESULT = {".html": "table", ".svg": "figure"}


def shown(folder, ending, entries):
    """Files of the report: one per entry, or two, with its caption, category and labels."""
    return [
        shown_once(f"{folder}/{name}", suffix, ending, entry, filtered)
        for name, entry in entries.items()
        for suffix, filtered in catalog.variants(EXCLUDES).items()
        if entry.twice or suffix == catalog.MAIN
    ]


def shown_once(path, suffix, ending, entry, filtered):
    """One file of the report.

    Snakemake's report turns any label but the first into a switch where it halves the results, and
    shows no CSV: hence tables as HTML, and the kind of result within the first label.
    """
    labels = {"Result": f"{entry.label} ({KINDS_OF_RESULT[ending]})"}
    labels |= {"Runs": RUNS_SHOWN[filtered]} if entry.twice else {}
    caption = f"../report/{Path(path).name}.rst"
    return report(
        f"{path}{suffix}{ending}", caption=caption, category=entry.category, labels=labels
    )


def beside(folder, ending, entries):
    """Files of the same results that are not in the report."""
    return [f"{folder}/{name}{ending}" for name in catalog.file_names(entries, EXCLUDES)]
