"""Make README.md and its heatmap from the tables of the default study in this folder.

    python docs/demo/make.py            # write both
    python docs/demo/make.py --check    # say whether they are what would be written

`scores.parquet` and `trainings.parquet` are those of a `make study`; `run.json` says what they do
not. `README.md.j2` is the text of the README; its numbers are filled in here.
"""

from __future__ import annotations

import argparse
import json
import sys
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
from interlude.analysis.transfer import transfer_table  # noqa: E402
from interlude.figures.heatmap import draw_heatmap  # noqa: E402
from interlude.figures.style import save, style  # noqa: E402
from interlude.plan.declared import read_yaml  # noqa: E402
from interlude.plan.study import Study, load_study  # noqa: E402
from interlude.words import NO_SOURCE, ROLES  # noqa: E402

README = Path("README.md")
HEATMAP = Path("docs/images/demo-heatmap.svg")


def main() -> None:
    """Write README.md and the heatmap, or compare them with what is there."""
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
    study = load_study(read_yaml(ROOT / "config.yaml"), ROOT, "config.yaml")
    options = Options.from_json(study.options)
    runs = flag_degenerate(
        read_runs(HERE / "scores.parquet", HERE / "trainings.parquet"), options.degenerate
    )
    transfer = transfer_table(of_full_size(runs), options, filtered=True)
    with style():
        save(draw_heatmap(transfer, options), folder / HEATMAP.name, options.notes())
    text = readme(study, runs, transfer)
    (folder / README.name).write_text(text, encoding="utf8")
    return {README: folder / README.name, HEATMAP: folder / HEATMAP.name}


def readme(study: Study, runs: pd.DataFrame, transfer: pd.DataFrame) -> str:
    """Return README.md: its text with the numbers of the study."""
    template = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    ).from_string((HERE / "README.md.j2").read_text(encoding="utf8"))
    with_source = transfer[transfer["source"] != NO_SOURCE]
    return template.render(
        run=json.loads((HERE / "run.json").read_text(encoding="utf8")),
        trainings=runs["training"].nunique(),
        detectable=f"{with_source['detectable'].median():.1f}",
        detectable_holm=f"{with_source['detectable_holm'].median():.1f}",
        significant=int((with_source["p_fdr"] < study.config.statistics.alpha).sum()),
        compared=len(with_source),
        tasks=[row for role in ROLES for row in task_rows(study, runs, role)],
    )


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
