"""What it saves and costs to stop cells once they are known, simulated on drawn and true effects.

    python -m interlude.analysis.stops_simulated reference docs/stop.md

writes two tables into a page: errors of studies whose truth is known, between `<!-- errors -->` and
`<!-- end -->`, and what is saved with the effects and the spread of published studies, between
`<!-- saved -->` and `<!-- end -->`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from interlude.analysis.published import load_published
from interlude.analysis.stops import OF_A_LOOK
from interlude.analysis.truth import Truth
from interlude.analysis.value import published_truth
from interlude.files import markdown_table, with_table
from interlude.words import LOOKS

ALPHA = 0.05
DRAWS = 2000
EFFECT, FAILED = 2.0, 20.0  # points


@dataclass(frozen=True)
class Scores:
    """Scores in points of one contrast and role, restarts last.

    cells: shape (sources, tasks, restarts), NaN for a pair that is no cell; baselines: (tasks,
    restarts). effects: the true differences, (sources, tasks). tokens: of a training of each task.
    """

    cells: np.ndarray
    baselines: np.ndarray
    effects: np.ndarray
    tokens: np.ndarray

    @property
    def restarts(self) -> int:
        """How many restarts each cell has at most."""
        return int(self.cells.shape[-1])

    def until(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first so many restarts of cells and of baselines."""
        return self.cells[..., :number], self.baselines[..., :number]

    @property
    def are_cells(self) -> np.ndarray:
        """Which pairs are cells, shape (sources, tasks)."""
        known: np.ndarray = ~np.isnan(self.effects)
        return known


def intervals(
    cells: np.ndarray, baselines: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return low, high and p of all differences, as `differences.welch` of one; NaN without spread.

    cells: (sources, tasks, restarts); baselines: (tasks, restarts).
    """
    n, of_baseline = cells.shape[-1], baselines.shape[-1]
    parts = cells.var(axis=-1, ddof=1) / n, baselines.var(axis=-1, ddof=1) / of_baseline
    variance = parts[0] + parts[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = variance**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (of_baseline - 1))
        delta = cells.mean(axis=-1) - baselines.mean(axis=-1)
        error = np.sqrt(variance)
        reach = stats.t.isf(level / 2, freedom) * error
        p = 2 * stats.t.sf(np.abs(delta) / error, freedom)
    return delta - reach, delta + reach, p


def stopped_at(
    scores: Scores, negligible: float | None, share: float = OF_A_LOOK
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many restarts each cell gets, and which were stopped as negligible."""
    level = share * ALPHA / scores.are_cells.sum()
    restarts = np.full(scores.effects.shape, scores.restarts)
    small = np.zeros(scores.effects.shape, dtype=bool)
    for number in [each for each in LOOKS if each < scores.restarts]:
        low, high, _ = intervals(*scores.until(number), level)
        differs = (low > 0) | (high < 0)
        inside = (-(negligible or 0) < low) & (high < (negligible or 0)) & ~differs
        going_on = restarts == scores.restarts
        restarts[going_on & (differs | inside)] = number
        small |= going_on & inside
    return restarts, small


def outcome(scores: Scores, negligible: float | None, share: float = OF_A_LOOK) -> dict[str, float]:
    """Return what stopping does to one study, and what it would be without.

    saved, tokens: share of the trainings of targets that are not done, baselines included, and of
    their tokens. wrong: whether a cell without an effect is stopped as one that differs, or one
    with an effect of `negligible` and more as negligible. any_star, any_star_all: whether a star
    stands at a cell without an effect, with and without stops; stars, stars_all: how many stand at
    others. bias: of differences that were stopped, and mean_bias of the means over tasks of the
    restarts that all cells have, away from 0, in points; mean_bias_all: of all restarts that are
    there.
    """
    restarts, small = stopped_at(scores, negligible, share)
    most, valid, null = scores.restarts, scores.are_cells, scores.effects == 0
    ended = {number: scores.cells[..., :number] for number in {*restarts[valid]} | {most}}
    p = np.full(valid.shape, np.nan)
    delta = np.full(valid.shape, np.nan)
    for number, cells in ended.items():
        here = restarts == number
        p[here] = intervals(cells, scores.baselines, ALPHA)[2][here]
        delta[here] = (cells.mean(axis=-1) - scores.baselines.mean(axis=-1))[here]
    stars, every = _stars(p), _stars(intervals(scores.cells, scores.baselines, ALPHA)[2])
    least = int(restarts[valid].min())
    even = scores.cells[..., :least].mean(axis=-1) - scores.baselines.mean(axis=-1)
    side = np.sign(np.nanmean(scores.effects, axis=1))
    early, missed = valid & (restarts < most), np.where(valid, most - restarts, 0)
    differing = early & ~small & ~null
    of_effect = np.abs(np.nan_to_num(scores.effects)) >= (negligible or np.inf)
    return {
        "saved": missed.sum() / (most * (valid.sum() + valid.shape[1])),
        "tokens": (missed * scores.tokens).sum()
        / (most * ((valid.sum(axis=0) + 1) * scores.tokens).sum()),
        "wrong": float((early & ((null & ~small) | (of_effect & small))).any()),
        "any_star": float((stars & null).any()),
        "any_star_all": float((every & null).any()),
        "stars": float((stars & ~null).sum()),
        "stars_all": float((every & ~null).sum()),
        "bias": float((np.sign(scores.effects) * (delta - scores.effects))[differing].mean())
        if differing.any()
        else np.nan,
        "mean_bias": float((side * np.nanmean(even - scores.effects, axis=1)).mean()),
        "mean_bias_all": float((side * np.nanmean(delta - scores.effects, axis=1)).mean()),
    }


def _stars(p: np.ndarray) -> np.ndarray:
    """Return which tests survive Holm's correction at ALPHA."""
    flat = np.nan_to_num(p.ravel(), nan=1.0)
    order = np.argsort(flat)
    tested = int((~np.isnan(p)).sum())
    steps = np.maximum(tested - np.arange(len(flat)), 1)
    sure = np.logical_and.accumulate(flat[order] * steps < ALPHA)
    significant = np.zeros(len(flat), dtype=bool)
    significant[order[sure]] = True
    return significant.reshape(p.shape)


@dataclass(frozen=True)
class Drawn:
    """What studies are drawn from, in points: true differences, and spreads between restarts.

    effects: shape (sources, tasks), NaN for a pair that is no cell. spread: of each task's
    restarts, baseline_spread: of its baseline's. shared: what all tasks of one source and restart
    have in common. failing: share of the runs from a source that score 20 points less; effects
    have it. tokens: of a training of each task.
    """

    effects: np.ndarray
    spread: np.ndarray
    baseline_spread: np.ndarray
    tokens: np.ndarray
    shared: float = 0.0
    failing: float = 0.0

    def study(self, restarts: int, draws: np.random.Generator) -> Scores:
        """Return the scores of one study."""
        sources, tasks = self.effects.shape
        cells = self.spread[:, None] * draws.normal(size=(sources, tasks, restarts))
        cells += self.shared * draws.normal(size=(sources, 1, restarts))
        cells += FAILED * (self.failing - (draws.random(cells.shape) < self.failing))
        baselines = self.baseline_spread[:, None] * draws.normal(size=(tasks, restarts))
        return Scores(self.effects[..., None] + cells, baselines, self.effects, self.tokens)


def simulated(
    drawn: Drawn, restarts: int, negligible: float | None = None, studies: int = DRAWS
) -> pd.Series[float]:
    """Return the means of `outcome` over studies."""
    draws = np.random.default_rng(2026)
    outcomes = [outcome(drawn.study(restarts, draws), negligible) for _ in range(studies)]
    return pd.DataFrame(outcomes).mean()


def alike(
    share: float = 0.0, baseline: float = 1.0, size: tuple[int, int] = (11, 10), **more: float
) -> Drawn:
    """Return what studies of so many sources and tasks are drawn from, with restarts of spread 1.

    share: of the cells, which differ by 2 points, in either direction. baseline: spread of its
    restarts. more: see `Drawn`.
    """
    draws = np.random.default_rng(1)
    effects = (draws.random(size) < share) * draws.choice([-EFFECT, EFFECT], size=size)
    one = np.ones(size[1])
    return Drawn(effects, one, baseline * one, one, **more)


def failing(share: float, spread: float) -> Drawn:
    """Return the same with sources that differ in nothing but this share of runs that fail."""
    one = np.ones(10)
    effects = np.full((11, 10), -share * FAILED)
    return Drawn(effects, spread * one, spread * one, one, failing=share)


def as_published(reference: Path) -> Drawn:
    """Return the effects and the spread of Pruksachatkun et al., and their tokens by target.

    Tokens: examples × epochs × words of a mean input.
    """
    truth = published_truth(reference)
    known = load_published(reference).tables
    tasks = known["tasks"].set_index("task").loc[truth.targets]
    settings = known["hparams"].query("role == 'target'").set_index("task").loc[truth.targets]
    columns = (tasks["num_examples"], tasks["avg_input_len"], settings["max_epochs"])
    examples, words, epochs = (each.astype(float).to_numpy() for each in columns)
    spread = spread_of(truth)
    return Drawn(effects_of(truth), spread, spread, examples * words * epochs)


def effects_of(truth: Truth) -> np.ndarray:
    """Return the differences from no transfer, shape (sources, targets); a target is no source."""
    effects = truth.scores.sub(truth.without_transfer, axis="index")
    own = effects.index.to_numpy()[:, None] == effects.columns.to_numpy()[None]
    return effects.mask(own).to_numpy().transpose()


def spread_of(truth: Truth) -> np.ndarray:
    """Return the standard deviation between restarts of each target, pooled over its sources."""
    groups = truth.runs.groupby(["target", "source"])["score"]
    squares, freedom = (groups.var() * (groups.size() - 1)), groups.size() - 1
    of_target = squares.groupby("target").sum() / freedom.groupby("target").sum()
    return np.sqrt(of_target.reindex(truth.targets).to_numpy())


def errors_table() -> pd.DataFrame:
    """Return a row per kind of drawn study: means of `outcome`."""
    nothing, some = alike(), alike(share=0.2)
    kinds: list[tuple[str, Drawn, int, float | None]] = [
        *(("no effects", nothing, restarts, None) for restarts in (5, 10, 20)),
        ("no effects, 3 sources and tasks", alike(size=(3, 3)), 10, None),
        ("no effects, the baseline varies four times as much", alike(baseline=4), 10, None),
        ("no effects, the baseline varies half as much", alike(baseline=0.5), 10, None),
        ("no effects, a quarter as much", alike(baseline=0.25), 10, None),
        (
            "no effects, each intermediate training as good or bad for all",
            alike(shared=1),
            10,
            None,
        ),
        *(("a fifth of the cells differ by 2", some, restarts, None) for restarts in (5, 10, 20)),
        ("the same, and less than 2 is negligible", some, 20, EFFECT),
        ("a tenth of the runs from sources fail; 1 is negligible", failing(0.1, 0.3), 10, 1),
    ]
    return pd.DataFrame(
        [
            {"studies": name, "restarts": restarts, **simulated(drawn, restarts, negligible)}
            for name, drawn, restarts, negligible in kinds
        ]
    )


def saved_table(reference: Path) -> pd.DataFrame:
    """Return a row per way to stop, with effects and spread as Pruksachatkun et al. published."""
    drawn = as_published(reference)
    rows = [
        {"restarts": restarts, "negligible": negligible, **simulated(drawn, restarts, negligible)}
        for restarts in (5, 10, 20)
        for negligible in (None, 2.0)
    ]
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame, columns: dict[str, tuple[str, str]]) -> str:
    """Return columns of a table as a page shows them: name -> head, and how it is written."""
    heads = [head for head, _ in columns.values()]
    rows = []
    for _, row in table.iterrows():
        cells = ((row[name], form) for name, (_, form) in columns.items())
        rows.append(["–" if pd.isna(each) else format(each, form) for each, form in cells])
    return markdown_table(heads, rows)


ERRORS = {
    "studies": ("studies", ""),
    "restarts": ("restarts", ""),
    "wrong": ("a cell stopped wrongly", ".3f"),
    "any_star": ("a star at no effect", ".3f"),
    "any_star_all": ("the same without stops", ".3f"),
    "stars": ("stars at effects", ".1f"),
    "stars_all": ("the same without", ".1f"),
    "bias": ("bias of what was stopped", "+z.2f"),
    "mean_bias": ("of means over tasks", "+z.3f"),
    "mean_bias_all": ("of means of unequal restarts", "+z.3f"),
}
SAVED = {
    "restarts": ("restarts", ".0f"),
    "negligible": ("negligible", ".0f"),
    "saved": ("trainings saved", ".0%"),
    "tokens": ("tokens saved", ".0%"),
    "stars": ("stars", ".1f"),
    "stars_all": ("without stops", ".1f"),
    "bias": ("bias of what was stopped", "+z.2f"),
    "mean_bias": ("of means over tasks", "+z.3f"),
}


def main() -> None:
    """Print both tables, and write them into the page that is named on the command line."""
    reference, *pages = map(Path, sys.argv[1:])
    tables = {
        "errors": as_markdown(errors_table(), ERRORS),
        "saved": as_markdown(saved_table(reference), SAVED),
    }
    for name, table in tables.items():
        print(table)
        for page in pages:
            page.write_text(with_table(page.read_text("utf8"), name, table), encoding="utf8")


if __name__ == "__main__":
    main()
