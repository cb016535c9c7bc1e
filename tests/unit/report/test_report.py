"""The report: every table and figure of the catalog once, in few columns, and nothing but text."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from helpers.forgetting import FORGETTING_OPTIONS, forgetting_study
from helpers.grids import grid_runs
from helpers.methods import METHOD_OPTIONS, method_runs
from helpers.mixing import MIXING_OPTIONS, mixing_runs
from helpers.read_page import Section, sections, tables
from helpers.synthetic import (
    awkward_runs,
    demo_options,
    demo_runs,
    sized_runs,
    target_sized_runs,
)

from interlude.analysis import catalog
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Selection, Stability, Statistics
from interlude.analysis.review import review_sections
from interlude.analysis.selection import selection_tables
from interlude.analysis.study_tables import study_tables
from interlude.analysis.tables import write_csv
from interlude.report.columns import COLUMNS
from interlude.report.contents import FIGURES, TABLES, Files
from interlude.report.page import report_page
from interlude.report.tables import columns_of, read_table, reader_table

TEMPLATE = Path(__file__).parents[3] / "workflow/report"
FEW = Statistics(resamples=20)
ASKED = Selection(("static+size", "size"), "selection")
HOSTILE = "<b>Bool</b></script><script>alert(1)</script>"
STUDIES = {
    "demo": (demo_runs(), demo_options(statistics=FEW)),
    "kept": (demo_runs(), demo_options(statistics=FEW, degenerate=DegenerateRule(exclude=False))),
    "sizes": (sized_runs(), demo_options(statistics=FEW)),
    "target sizes": (target_sized_runs(), demo_options(statistics=FEW)),
    "awkward": (awkward_runs(), Options(statistics=FEW)),
    "all degenerate": (demo_runs().assign(constant=True), demo_options(statistics=FEW)),
    "mixing": (mixing_runs(), replace(MIXING_OPTIONS, statistics=FEW)),
    "methods": (method_runs(), replace(METHOD_OPTIONS, statistics=FEW, selection=ASKED)),
    "forgetting": (forgetting_study()[0], FORGETTING_OPTIONS),
    "grid": (grid_runs(), demo_options(statistics=FEW, stability=Stability())),
}
SVG = (
    '<svg width="72pt" height="36.5pt" xmlns="http://www.w3.org/2000/svg"><!-- {} 5% "#" --></svg>'
)
ANSWER = (
    "# The answer\n\nNothing is known.\n\n## Warnings\n\n- None \\<here\\>.\n\n![](answer.svg)\n"
)


@dataclass(frozen=True)
class Report:
    """A study's report, with the folder that its tables and figures lie in."""

    folder: Path
    options: Options
    page: str
    names: set[str]  # of tables and figures, without their endings

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"tables/{name}.csv")

    @property
    def shown(self) -> dict[str, Section]:
        return tables(self.page)


@pytest.fixture(scope="module", params=STUDIES)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a study: its own tables, and for each figure that it may have a small one."""
    return made(request.param, tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return made("demo", tmp_path_factory.mktemp("demo"))


def made(study: str, folder: Path) -> Report:
    runs, options = STUDIES[study]
    trainings = forgetting_study()[1] if study == "forgetting" else None
    written = study_tables(runs, options, trainings)
    if options.selection:
        flagged = flag_degenerate(runs, options.degenerate)
        written |= selection_tables(flagged, options, None)
    for name, table in written.items():
        write_csv(table, folder / f"tables/{name}.csv")
    entries = {name: catalog.TABLES[name] for name in catalog.TABLES if name in written}
    drawn = {
        name: entry
        for name, entry in catalog.FIGURES.items()
        if name in entries or name not in catalog.TABLES
    }
    exclude = options.degenerate.exclude
    figures = catalog.file_names(drawn, exclude, options.contrasts)
    (folder / "figures").mkdir()
    for name in [*figures, "answer"]:
        (folder / f"figures/{name}.svg").write_text(SVG.format(name))
    files = Files(folder / "report.html", folder / "tables", folder / "figures", entries, drawn, {})
    review = review_sections(runs, options)
    page = report_page(study, ANSWER, files, review, TEMPLATE, options)
    names = {*(f"figures/{name}.pdf" for name in [*figures, "answer"])}
    names |= {f"tables/{name}.csv" for name in catalog.file_names(entries, exclude)}
    return Report(folder, options, page, names)


# The catalog


def test_the_sections_hold_every_name_of_the_catalog_once() -> None:
    placed = Counter(name for names in catalog.SECTIONS.values() for name in names)
    assert placed == Counter({*TABLES, *FIGURES})


@pytest.mark.parametrize("name", sorted({*TABLES, *FIGURES, "answer"}))
def test_every_name_has_a_caption(name: str) -> None:
    assert len((TEMPLATE / f"captions/{name}.txt").read_text()) > 30


def test_no_caption_is_left_over() -> None:
    captions = {path.stem for path in (TEMPLATE / "captions").iterdir()}
    assert captions == {*TABLES, *FIGURES, "answer"}


def test_every_table_has_a_few_columns_with_heads_of_their_own() -> None:
    assert COLUMNS.keys() == TABLES.keys()
    for name, columns in COLUMNS.items():
        heads = [column.head for column in columns]
        assert 4 <= len(heads) <= 8, name
        assert len({*heads}) == len(heads), name
        assert not [head for head in heads if "_" in head], name


# Of studies of every kind


def test_every_table_and_figure_shows_exactly_once(report: Report) -> None:
    links = re.findall(r'<a href="((?:tables|figures)/[^"]+)"', report.page)
    assert Counter(links) == Counter(report.names)
    sources = re.findall(r'<img src="data:image/svg\+xml,([^"]*)"', report.page)
    drawn = {path.read_text() for path in (report.folder / "figures").iterdir()}
    assert Counter(unquote(unescape(source)) for source in sources) == Counter(drawn)


def test_every_reader_column_is_one_of_the_table(report: Report) -> None:
    for path in (report.folder / "tables").iterdir():
        name = re.sub(r"_(un)?filtered$", "", path.stem)
        table = read_table(path)
        missing = {*COLUMNS[name]} - {*columns_of(name, table)}
        assert missing <= {column for column in COLUMNS[name] if column.names == ("note",)}, name
        shown = reader_table(name, table, report.options)
        assert len(shown.heads) <= 9, name
        assert all(len(row) == len(shown.heads) for row in shown.rows), name


def test_each_has_a_title_and_a_caption_and_ids_are_unique(report: Report) -> None:
    ids = re.findall(r' id="([^"]+)"', report.page)
    assert Counter(ids).most_common(1)[0][1] == 1
    items = re.findall(r'<section class="item" id="(\w+)".*?\n<h3[^>]*>(.+?)</h3>', report.page)
    titles = {**FIGURES, **TABLES}
    assert all(unescape(title) == titles[name].title for name, title in items)
    named = re.findall(r'aria-labelledby="([^"]+)"', report.page)
    assert {*named} <= {*ids}
    assert not re.findall(r'<img(?![^>]* alt="[^"]{20,}")', report.page)


def test_the_switch_names_each_of_two_variants(report: Report) -> None:
    both = {"without degenerate runs", "all runs"}
    for name, entry in catalog.TABLES.items():
        if f"tables/{name}.csv" in report.names:
            kinds = re.findall(rf'href="tables/{name}(?:_filtered|_unfiltered)?\.csv"', report.page)
            assert len(kinds) == 1 + entry.twice
    captions = {caption.rpartition(", ")[2] for caption in report.shown} & both
    assert captions in (both, set())
    chosen = "without" if report.options.degenerate.exclude else "all"
    assert re.findall(r'id="runs-(\w+)" checked', report.page) == [chosen]


def test_the_page_asks_for_nothing_and_shows_only_text(report: Report) -> None:
    assert not re.findall(r'(?:src|href)="(?!data:|#|tables/|figures/)', report.page)
    assert report.page.count("<script>") == 1
    assert "<i>source</i>" not in report.page
    assert "<b>name</b>" not in report.page


# What a table shows


def test_numbers_and_titles_are_those_of_the_table(demo: Report) -> None:
    table = demo.table("transfer")
    shown = demo.shown["Transfer by task, without degenerate runs"].table
    assert shown.columns.tolist() == [
        *("Source", "Task", "Role", "Runs", "Degenerate", "Difference", "Interval", "p (Holm)")
    ]
    assert len(shown) == len(table)
    for shown_row, row in zip(shown.to_dict("records"), table.to_dict("records"), strict=True):
        assert shown_row["Source"] == demo.options.title(row["source"])
        assert shown_row["Task"] == demo.options.title(row["task"])
        assert shown_row["Runs"] == str(row["n"])
        if pd.isna(row["ci_low"]):
            assert shown_row["Interval"] == "–"
        else:
            ends = [float(end) for end in shown_row["Interval"].strip("[]").split(", ")]
            assert ends == pytest.approx([row["ci_low"], row["ci_high"]], abs=0.0501)
        if not pd.isna(row["delta"]):
            assert float(shown_row["Difference"]) == pytest.approx(row["delta"], abs=0.0501)


def test_the_variant_of_all_runs_has_the_numbers_of_its_own_file(demo: Report) -> None:
    shown = demo.shown["Transfer by task, all runs"].table
    counts = demo.table("transfer_unfiltered")["n"]
    assert shown["Runs"].tolist() == counts.astype(str).tolist()
    assert counts.sum() > demo.table("transfer")["n"].sum()


def test_a_pair_of_tasks_shows_once_and_no_task_beside_itself(demo: Report) -> None:
    shown = demo.shown["All pairs of tasks, all runs"].table
    pairs = {frozenset(pair) for pair in shown[["Task", "With task"]].itertuples(index=False)}
    assert len(shown) == len(pairs) == 6 * 5 / 2
    assert {len(pair) for pair in pairs} == {2}


def read(text: str, folder: Path) -> pd.DataFrame:
    (folder / "table.csv").write_text(text)
    return read_table(folder / "table.csv")


def test_settings_of_a_sweep_keep_their_digits(tmp_path: Path) -> None:
    sweep = (
        "role,task,point,learning_rate,batch_size,metric,score,status,degenerate_reason,chosen\n"
        "target,boolq,1,5e-05,16,accuracy,61.254,ok,,True\n"
        "target,boolq,2,0.00010,16,accuracy,,diverged,diverged,False\n"
    )
    shown = reader_table("sweep", read(sweep, tmp_path), Options(titles={"boolq": "BoolQ"}))
    assert [head.title for head in shown.heads] == [
        *("Task", "Learning rate", "Batch size", "Score", "Degenerate", "Chosen")
    ]
    assert shown.rows == [
        ["BoolQ", "5e-05", "16", "61.3", "", "yes"],
        ["BoolQ", "0.00010", "16", "", "diverged", "no"],
    ]


def test_several_sources_in_a_cell_have_their_titles_and_small_p_are_no_zeros(
    tmp_path: Path,
) -> None:
    options = Options(titles={"a": "A", "b": "B", "t": "T"}, unlearned=(("stilts", "a"),))
    choices = 'truth,method,target,source,score,rank,candidates,best\ng,random,t,"a, none",,,2,b\n'
    shown = reader_table("selection_choices", read(choices, tmp_path), options)
    assert shown.rows == [["g", "random", "T", "A†, none", "2", "B"]]
    cells = "arm,against,source,task,role,delta,p_holm\nstilts,single,a,t,target,-0.04,0.0001\n"
    shown = reader_table("transfer", read(cells, tmp_path), options)
    assert shown.rows == [["A†", "T", "+0.0", "<0.001"]]


def test_notes_stand_below_with_how_many_rows_have_them(tmp_path: Path) -> None:
    rows = "".join(f"a,t{n},{'why' if n < 2 else ''}\n" for n in range(3))
    shown = reader_table("transfer", read(f"source,task,note\n{rows}", tmp_path), Options())
    assert shown.notes == ("why (2 of 3 rows)",)
    assert shown.columns == 3


def test_the_answer_comes_first_and_hostile_titles_stay_text(tmp_path: Path) -> None:
    runs, options = STUDIES["demo"]
    table = study_tables(runs, options)["sources"]
    write_csv(table, tmp_path / "tables/sources.csv")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/answer.svg").write_text(SVG)
    files = Files(
        *(tmp_path / name for name in ("report.html", "tables", "figures")), ["sources"], [], {}
    )
    options = replace(options, titles={"sarcasm": HOSTILE}, skipped={"target": {"x": HOSTILE}})
    page = report_page("mine", ANSWER, files, review_sections(runs, options), TEMPLATE, options)
    parts = sections(page)
    assert [*parts][:4] == ["Study mine", "Answer", "Data size", "How the numbers came about"]
    assert HOSTILE in parts["Data size"].table["Source"].tolist()
    assert parts["Answer"].texts[0] == "Nothing is known."
    assert "None &lt;here&gt;." in page
    assert "alert(1)</script>" not in page
