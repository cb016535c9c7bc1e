"""Make README.md and its figures from the tables of the small studies in this folder.

    python docs/demo/make.py            # write them
    python docs/demo/make.py --check    # say whether they are what would be written

A study's folder has the `scores.parquet` and `trainings.parquet` that it left; `run.json` says what
those of `make study` do not. `README.md.j2` is the text of the README; its numbers are filled in
here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jinja2
import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "src"))

from interlude.analysis.degenerate import flag_degenerate  # noqa: E402
from interlude.analysis.options import Options  # noqa: E402
from interlude.analysis.results import of_full_size, read_runs  # noqa: E402
from interlude.analysis.study_tables import study_tables, write_study_tables  # noqa: E402
from interlude.analysis.transfer import transfer_table  # noqa: E402
from interlude.figures.gallery import draw_figures  # noqa: E402
from interlude.plan.declared import read_yaml  # noqa: E402
from interlude.plan.study import Study, load_study  # noqa: E402
from interlude.words import NO_SOURCE, ROLES  # noqa: E402

README = Path("README.md")
IMAGES = Path("docs/images")


@dataclass(frozen=True)
class Summary:
    """A study in the README; its config is a file of config/studies/, or the default."""

    paper: str
    page: str
    question: str
    command: str
    figure: str
    shows: str

    @property
    def config(self) -> str:
        """The path of its config."""
        return self.command.split()[-1] if "config" in self.command else "config.yaml"


OVERLAY = "snakemake --cores all --configfile config/studies"
STUDIES = {
    "demo": Summary(
        "Pruksachatkun et al. 2020",
        "docs/published-study.md",
        "Which task to train on first, and what do encoders learn there?",
        "make study",
        "heatmap",
        "Transfer heatmap",
    ),
    "multitask-demo": Summary(
        "Weller et al. 2022",
        "docs/weller.md",
        "Train on another task first, or on both together?",
        f"{OVERLAY}/multitask-demo.yaml",
        "mix_or_chain",
        "Mixing against chaining",
    ),
    "adapters-demo": Summary(
        "Poth et al. 2021",
        "docs/poth.md",
        "Do adapters do as well as the whole encoder, with the same ranking of sources?",
        f"{OVERLAY}/adapters-demo.yaml",
        "methods",
        "Adapters against full fine-tuning",
    ),
    "synthetic-demo": Summary(
        "Chang and Lu 2021",
        "docs/stability.md",
        "Is it the skill of the first task that helps, or would any clean one do?",
        f"{OVERLAY}/synthetic-demo.yaml",
        "sorted_trials",
        "Trials of each start, sorted",
    ),
}
# Two slow cores: tokens that one trains on in a second, how many times as many it evaluates, and
# seconds to start a training.
SPEED, EVALUATION, START_UP = 720, 3, 3.0


@dataclass(frozen=True)
class Demo:
    """A small study: its plan, its options and the runs that it left."""

    study: Study
    options: Options
    runs: pd.DataFrame
    trainings: pd.DataFrame

    @property
    def minutes(self) -> float:
        """How long its trainings take on two slow cores, by the tokens that they recorded."""
        tokens = self.trainings["tokens"] + self.trainings["evaluation_tokens"] / EVALUATION
        return float((tokens / SPEED + START_UP).sum()) / 2 / 60


def main() -> None:
    """Write README.md and its figures, or compare them with what is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    with TemporaryDirectory() as folder:
        made = make(Path(folder))
        stale = [path for path, draft in made.items() if draft.read_bytes() != old_bytes(path)]
        if check and stale:
            sys.exit(f"{', '.join(map(str, stale))}: not what docs/demo/make.py makes: run it.")
        for path in () if check else stale:
            (ROOT / path).write_bytes(made[path].read_bytes())


def old_bytes(path: Path) -> bytes:
    """Return what lies there now; nothing for no file."""
    return (ROOT / path).read_bytes() if (ROOT / path).exists() else b""


def make(folder: Path) -> dict[Path, Path]:
    """Return path in the project -> what is to stand there, written to a folder."""
    demos = {name: read_demo(name, summary.config) for name, summary in STUDIES.items()}
    made = {
        IMAGES / f"{name}.svg": draw(demos[name], summary.figure, folder / name)
        for name, summary in STUDIES.items()
    }
    (folder / README.name).write_text(readme(demos), encoding="utf8")
    return {README: folder / README.name, **made}


def read_demo(name: str, config: str) -> Demo:
    """Return a study of this folder."""
    study = load_study(read_yaml(ROOT / config), ROOT, config)
    tables = (HERE / name / "scores.parquet", HERE / name / "trainings.parquet")
    return Demo(
        study, Options.from_json(study.options), read_runs(*tables), pd.read_parquet(tables[1])
    )


def draw(demo: Demo, figure: str, folder: Path) -> Path:
    """Draw a figure of a study, in its main variant, and return its file."""
    tables = study_tables(demo.runs, demo.options, demo.trainings)
    write_study_tables(tables, folder / "tables", demo.options)
    draw_figures([figure], demo.runs, folder / "tables", demo.options, folder)
    return folder / f"{figure}.svg"


def readme(demos: Mapping[str, Demo]) -> str:
    """Return README.md: its text with the numbers of the studies, of the default one most."""
    template = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    ).from_string((HERE / "README.md.j2").read_text(encoding="utf8"))
    default = demos["demo"]
    runs = flag_degenerate(default.runs, default.options.degenerate)
    transfer = transfer_table(of_full_size(runs), default.options, filtered=True)
    with_source = transfer[transfer["source"] != NO_SOURCE]
    return template.render(
        run=json.loads((HERE / "run.json").read_text(encoding="utf8")),
        minutes={name: f"{demo.minutes:.0f}" for name, demo in demos.items()},
        studies=[study_row(name, demos[name]) for name in STUDIES],
        trainings=runs["training"].nunique(),
        detectable=f"{with_source['detectable'].median():.1f}",
        detectable_holm=f"{with_source['detectable_holm'].median():.1f}",
        significant=int((with_source["p_fdr"] < default.options.statistics.alpha).sum()),
        compared=len(with_source),
        tasks=[row for role in ROLES for row in task_rows(default.study, runs, role)],
    )


def study_row(name: str, demo: Demo) -> dict[str, str]:
    """Return what the README says of a study at a glance."""
    beside = {"image": f"{IMAGES}/{name}.svg", "minutes": f"{demo.minutes:.0f}"}
    return {**vars(STUDIES[name]), **beside}


def task_rows(study: Study, runs: pd.DataFrame, role: str) -> list[dict[str, Any]]:
    """Return what the README says of the tasks of a role: scores without a source, in points."""
    alone = runs[(runs["role"] == role) & (runs["source"] == NO_SOURCE)]
    if alone["degenerate"].any():
        sys.exit(f"{alone[alone['degenerate']]['task'].iloc[0]}: not learned, as the README says.")
    return [
        {
            "title": study.tasks[task].title,
            "role": role,
            "form": study.tasks[task].form,
            "metric": study.tasks[task].metric,
            "scores": ", ".join(
                f"{100 * score:.1f}" for score in alone[alone["task"] == task]["score"]
            ),
            "majority": f"{100 * alone[alone['task'] == task]['majority_score'].max():.1f}",
        }
        for task in study.tasks_of(role)
    ]


if __name__ == "__main__":
    main()
