"""What stopping costs and saves: the simulation does as the product does, and the page says it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT
from helpers.synthetic import record, runs_of

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.stops import look
from interlude.analysis.stops_simulated import (
    ERRORS,
    SAVED,
    Scores,
    alike,
    as_markdown,
    as_published,
    errors_table,
    outcome,
    saved_table,
    simulated,
    stopped_at,
)
from interlude.analysis.transfer import transfer_table

PAGE = ROOT / "docs/stop.md"
TASKWEB = ROOT.parent / "shared/reference"  # not the project's to give on
OPTIONS = Options(degenerate=DegenerateRule(chance=False))


def runs(scores: Scores) -> pd.DataFrame:
    """The runs of a drawn study, flagged."""
    sources, tasks = scores.effects.shape
    points = {
        ("none", task, k): scores.baselines[task, k]
        for task in range(tasks)
        for k in range(scores.restarts)
    }
    points |= {
        (f"s{source}", task, k): scores.cells[source, task, k]
        for source, task, k in itertools.product(
            range(sources), range(tasks), range(scores.restarts)
        )
    }
    rows = [
        record("target", source, f"t{task}", k + 1, 0.6 + score / 100)
        for (source, task, k), score in points.items()
    ]
    return flag_degenerate(runs_of(rows), OPTIONS.degenerate)


def test_it_stops_what_the_product_stops() -> None:
    drawn = alike(share=0.5, size=(4, 3))
    scores = Scores(*_scaled(drawn.study(10, np.random.default_rng(3)), 6))
    restarts, small = stopped_at(scores, negligible=6.0)
    flagged, stopped = runs(scores), {}
    for number in (3, 5):
        decisions = look(flagged, OPTIONS, number, 6.0, list(stopped))
        for row in decisions[decisions["stopped"] != ""].itertuples():
            stopped[row.arm, row.role, row.source, row.task] = (number, row.stopped)
    assert {why for _, why in stopped.values()} == {"differs", "negligible"}
    for source, task in itertools.product(range(4), range(3)):
        number, why = stopped.get(("stilts", "target", f"s{source}", f"t{task}"), (10, ""))
        assert (restarts[source, task], small[source, task]) == (number, why == "negligible")
    # Its stars are those of the table.
    table = transfer_table(flagged, OPTIONS, False)
    every = outcome(scores, None)
    null = [
        scores.effects[int(row.source[1:]), int(row.task[1:])] == 0 for row in table.itertuples()
    ]
    assert every["stars_all"] == ((table["p_holm"] < 0.05) & ~np.array(null)).sum()


def _scaled(scores: Scores, times: float) -> tuple[np.ndarray, ...]:
    """Effects so many times as large, with the same spread."""
    more = (times - 1) * scores.effects
    return scores.cells + more[..., None], scores.baselines, scores.effects + more, scores.tokens


def test_one_row_of_either_table_is_what_the_page_says() -> None:
    page = PAGE.read_text(encoding="utf8")
    row = {"restarts": 5, "negligible": np.nan, **simulated(as_published(ROOT / "reference"), 5)}
    assert as_markdown(pd.DataFrame([row]), SAVED).splitlines()[-1] in page
    row = {"studies": "no effects", "restarts": 5, **simulated(alike(), 5)}
    assert as_markdown(pd.DataFrame([row]), ERRORS).splitlines()[-1] in page


@pytest.mark.slow
def test_the_tables_are_what_the_page_says_and_errors_are_kept() -> None:
    page = PAGE.read_text(encoding="utf8")
    errors = errors_table()
    assert as_markdown(errors, ERRORS) in page
    assert as_markdown(saved_table(ROOT / "reference"), SAVED) in page
    without_failing = errors.iloc[:-1]
    assert (without_failing["wrong"] <= 0.05).all()
    alike_spread = without_failing[~without_failing["studies"].str.contains("half|quarter")]
    assert (alike_spread["any_star"] <= 0.05).all()
    assert (without_failing["any_star"] <= without_failing["any_star_all"] + 0.025).all()
    assert without_failing["mean_bias"].abs().max() < 0.005


def test_what_is_saved_on_taskweb_is_what_the_page_says() -> None:
    """8 seeds of each pair in random orders; baselines are drawn around their implied means."""
    if not (TASKWEB / "taskweb_runs.csv").exists():
        pytest.skip("the published runs are not beside the checkout")
    means = pd.read_csv(TASKWEB / "taskweb_implied_baselines.csv")
    runs = pd.read_csv(TASKWEB / "taskweb_runs.csv")
    setup = ["model", "adaptation"]
    every = runs.drop_duplicates([*setup, "source", "target", "seed"])
    draws = np.random.default_rng(0)
    outcomes = []
    for (model, adaptation), baselines in means.groupby(setup):
        only = {"model": model, "adaptation": adaptation}
        own = every[(every["model"] == model) & (every["adaptation"] == adaptation)]
        wide = own.pivot(index=["source", "target"], columns="seed", values="score_x100")
        names = [wide.index.unique(level) for level in ("source", "target")]
        pairs = pd.MultiIndex.from_product(names)
        shape = (len(names[0]), len(names[1]), wide.shape[1])
        cells = wide.reindex(pairs).to_numpy().reshape(shape)
        alone = baselines.set_index("target")["implied_baseline_x100"][names[1]].to_numpy()
        effects = cells.mean(axis=-1) - alone
        spread = np.sqrt(np.nanmean(cells.var(axis=-1, ddof=1), axis=0))
        for _ in range(10):
            order = draws.permutation(shape[-1])
            drawn = alone[:, None] + spread[:, None] * draws.normal(size=(len(alone), shape[-1]))
            scores = Scores(cells[..., order], drawn, effects, np.ones(len(alone)))
            outcomes.append({**only, "negligible": 0, **outcome(scores, None)})
            outcomes.append({**only, "negligible": 1, **outcome(scores, 1.0)})
    means = (
        pd.DataFrame(outcomes)
        .groupby(["negligible", *setup])[["saved", "stars", "stars_all"]]
        .mean()
    )
    assert len(means) == 2 * 6
    of_margin = means.groupby("negligible").mean()
    print(means, of_margin)
    assert of_margin["saved"].tolist() == pytest.approx([0.010, 0.011], abs=0.002)
    assert of_margin["stars"].tolist() == pytest.approx(of_margin["stars_all"], rel=0.02)
    assert "1 % of the trainings" in PAGE.read_text(encoding="utf8")
