"""The options of an analysis beside the runs: titles, order, degenerate rule, statistics."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from interlude.analysis.degenerate import DegenerateRule
from interlude.words import NO_SOURCE, Contrast


@dataclass(frozen=True)
class Statistics:
    """Parameters of tests and intervals.

    alpha: level of tests and of 1 - alpha intervals.
    power: power of the smallest detectable difference.
    paired: whether restarts of a cell and its baseline under the same seed are tested as pairs.
    collapsed: a source whose mean target transfer lies below this, in points, has collapsed.
    ranking: whether sources are ranked by their mean of `all outcomes`, or `given success`.
    resamples, seed: of the bootstrap.
    """

    alpha: float = 0.05
    power: float = 0.8
    paired: bool = False
    collapsed: float = -5.0
    ranking: str = "all outcomes"
    resamples: int = 50_000
    seed: int = 0


@dataclass(frozen=True)
class Stability:
    """Options of the tables of trials.

    margin: how far above max(majority, chance), in units of the score, a trial must be not to have
    failed. equivalence: difference in points within which two sources count as equal.
    """

    margin: float = 0.0
    equivalence: float = 1.0


@dataclass(frozen=True)
class TruthFile:
    """A CSV file with scores of a grid, and what its columns hold; "" for what it does not have.

    score: in points. none: the source that stands for no transfer. only: column -> value of the
    rows that are read. probe, size: numbers of each source.
    """

    file: str
    source: str
    target: str
    score: str
    repetition: str = ""
    none: str = ""
    size: str = ""
    probe: str = ""
    only: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        named = (self.source, self.target, self.score, self.repetition, self.size, self.probe)
        return list(filter(None, named))


@dataclass(frozen=True)
class Selection:
    """Methods of selection that are judged, and by which truths beside the study's own scores.

    methods: names, or several joined by +. truth: name of the study's own. truths: name -> file.
    probe: the study's task by whose scores its method `probe` goes; None for none.
    """

    methods: tuple[str, ...]
    truth: str
    truths: dict[str, TruthFile] = field(default_factory=dict)
    probe: str | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> Selection:
        """Return what a JSON object of the fields' names says."""
        truths = {name: TruthFile(**each) for name, each in values["truths"].items()}
        return cls(tuple(values["methods"]), values["truth"], truths, values.get("probe"))


@dataclass(frozen=True)
class Options:
    """Options of one analysis.

    titles: task name -> what tables and figures show; a name without a title shows as it is.
    tasks: the tasks that the table of scores may name; empty: any.
    skipped: role -> task -> why the study is without this task of its config.
    stand_ins: task -> the published tasks that it stands in for.
    contrasts: what the tables compare; the first is the study's main one.
    forgetting: whether an arm measures what its encoders have forgotten.
    stability: of a study that shows tables of its trials.
    selection: methods of selection that are judged; None for none.
    unlearned, one_encoder: (arm, source) of those that did not learn their own task, or have one
    encoder for all restarts: findings of the runs, see `scope.described`.
    """

    titles: dict[str, str] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    stand_ins: dict[str, list[str]] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = (Contrast("stilts", "single"),)
    unlearned: tuple[tuple[str, str], ...] = ()
    one_encoder: tuple[tuple[str, str], ...] = ()
    forgetting: bool = False
    stability: Stability | None = None
    selection: Selection | None = None
    degenerate: DegenerateRule = field(default_factory=DegenerateRule)
    statistics: Statistics = field(default_factory=Statistics)

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Read options from a JSON object with the fields' names; TypeError for an unknown one."""
        values = json.loads(text)
        stability = values.pop("stability", None)
        selection = values.pop("selection", None)
        return cls(
            titles=values.pop("titles", {}),
            tasks=tuple(values.pop("tasks", ())),
            contrasts=tuple(Contrast(**each) for each in values.pop("contrasts", ())),
            selection=Selection.of(selection) if selection else None,
            degenerate=DegenerateRule(**values.pop("degenerate", {})),
            statistics=Statistics(**values.pop("statistics", {})),
            stability=None if stability is None else Stability(**stability),
            **values,
        )

    def title(self, name: str) -> str:
        """Return what tables and figures show for a task or a source."""
        return self.titles.get(name, name)

    def source_title(self, name: str, arm: str = "") -> str:
        """Return what tables and figures show for a source: marked if it never learnt its task.

        For an arm without a source, that is the arm's own name.
        """
        if name == NO_SOURCE and arm:
            return arm
        return f"{self.title(name)}†" if self.is_unlearned(arm, name) else self.title(name)

    def is_unlearned(self, arm: str, source: str) -> bool:
        """Return whether a source never learnt its task in an arm; "": in any of the arms."""
        return any(arm in ("", of) and source == each for of, each in self.unlearned)

    @property
    def main(self) -> Contrast | None:
        """The contrast that the study is about; None where it compares nothing."""
        return self.contrasts[0] if self.contrasts else None

    def stands_in_for(self, name: str) -> str:
        """Return the titles of the published tasks that a task stands in for; empty for none."""
        return " and ".join(map(self.title, self.stand_ins.get(name, [])))

    @property
    def mixing(self) -> list[Contrast]:
        """The contrasts of an arm that mixes source and task with one that chains them."""
        return [each for each in self.contrasts if each.mixing]

    @property
    def methods(self) -> list[Contrast]:
        """The contrasts of arms that differ in the method alone."""
        return [each for each in self.contrasts if each.methods]

    def notes(self) -> list[str]:
        """Return what stands under every table and figure: of skipped tasks, stand-ins, sources."""
        skipped = [task for tasks in self.skipped.values() for task in tasks]
        lacking = ", ".join(map(self.title, dict.fromkeys(skipped)))
        replaced = "; ".join(
            f"{self.title(task)} for {self.stands_in_for(task)}" for task in self.stand_ins
        )
        one = ", ".join(map(self.title, _sources(self.one_encoder)))
        notes = {
            "Skipped for want of a copy of their data (see table tasks)": lacking,
            "Stand-ins for published tasks": replaced,
            "† Never above majority in its own training": ", ".join(
                map(self.title, _sources(self.unlearned))
            ),
            "Restarts share one intermediate encoder, so that results are of this encoder and "
            "not of its task": one,
        }
        return [f"{what}: {tasks}." for what, tasks in notes.items() if tasks]


def _sources(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return list(dict.fromkeys(source for _, source in pairs))
