# What the rules of tables and figures share: what to make, in which variants, and how it shows.

from interlude.analysis.variants import variants

TABLES = f"{RESULTS}/tables"
FIGURES = f"{RESULTS}/figures"
# What tables and figures are made from, and nothing else.
RECORDED = {name: f"{RESULTS}/{name}.parquet" for name in ("scores", "trainings")}
# What the analysis is given. The report holds it within a script element, which a title must not be
# able to end.
OPTIONS = STUDY.options.replace("<", r"\u003c")
VARIANTS = variants(STUDY.config.degenerate.exclude)
RUNS_SHOWN = {True: "without degenerate runs", False: "all runs"}
KINDS_OF_RESULT = {"html": "table", "svg": "figure"}


def shown(folder, ending, entries, runs=None):
    """Files of the report: one per entry, with its caption, category and labels.

    Snakemake's report turns any label but the first into a switch where it halves the results, and
    shows no CSV: hence tables as HTML, and the kind of result within the first label.
    """
    kind = KINDS_OF_RESULT[ending.rpartition(".")[2]]
    files = []
    for name, (category, label) in entries.items():
        labels = {"Result": f"{label} ({kind})"} | ({"Runs": runs} if runs else {})
        path, caption = f"{folder}/{name}{ending}", f"../report/{name}.rst"
        files += [report(path, caption=caption, category=category, labels=labels)]
    return files


def shown_by_variant(folder, ending, entries):
    """The same for filtered and unfiltered runs."""
    return [
        file
        for suffix, filtered in VARIANTS.items()
        for file in shown(folder, f"{suffix}{ending}", entries, RUNS_SHOWN[filtered])
    ]


def beside(folder, ending, of_study, of_variant=()):
    """Files of the same results that are not in the report."""
    names = [*of_study, *(f"{name}{suffix}" for name in of_variant for suffix in VARIANTS)]
    return [f"{folder}/{name}{ending}" for name in names]
