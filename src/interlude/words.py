"""The few words that plans, records and tables share. It imports nothing."""

from __future__ import annotations

from typing import NamedTuple

ROLES = ("intermediate", "target", "probing")  # of a task in a study
NO_SOURCE = "none"
STATUSES = ("ok", "diverged", "failed", "missing", "mean_only")

# Restarts of a cell at which a study that stops when it knows looks at it, while it has not all.
LOOKS = (3, 5, 10)
KNOWN_TO_DIFFER, KNOWN_NEGLIGIBLE = "differs", "negligible"  # why it gets no further ones

# What tells one score of a study from another, in the order of `plan.csv`.
KEY = ("arm", "role", "source", "examples", "task", "task_examples", "restart", "point")


Scored = tuple[str, str, str, str]  # arm, role, source, task: what restarts are repetitions of


class Contrast(NamedTuple):
    """An arm that is compared with another: cell by cell, of the same source where both have some.

    sourced: whether the arm starts from intermediate tasks, or mixes them in. mixing: whether it
    mixes source and task in one training, where the other chains them. methods: whether both reach
    a task from a source in the same way, but for the method that trains the weights. together:
    whether the arm trains source and task in one training, whatever the other does.
    """

    arm: str
    against: str
    sourced: bool = True
    mixing: bool = False
    methods: bool = False
    together: bool = False

    @property
    def title(self) -> str:
        """What tables and figures show."""
        return f"{self.arm} against {self.against}"


_TEXT, _WHOLE, _REAL, _YES_NO = "str", "Int64", "float64", "boolean"
# Columns of JSON text.
JSON = (
    *("metrics", "curve", "truncation", "example_var"),
    *("references", "hyperparameters", "versions"),
)

# Columns of `scores.parquet`, a row per cell, and their types; docs/contracts.md says what each is.
SCORES: dict[str, str] = {
    **dict.fromkeys(("study", "arm", "role", "source"), _TEXT),
    "examples": _WHOLE,
    "task": _TEXT,
    **dict.fromkeys(("task_examples", "restart", "point"), _WHOLE),
    **dict.fromkeys(("training", "form", "status", "reason", "metric"), _TEXT),
    **dict.fromkeys(("score", "majority_score", "chance_score"), _REAL),
    "constant": _YES_NO,
    "metrics": _TEXT,
    **dict.fromkeys(("train_examples", "validation_examples", "best_step"), _WHOLE),
    **dict.fromkeys(("curve", "data_revision", "data_fingerprint"), _TEXT),
    **dict.fromkeys(("truncation", "example_var", "stopped"), _TEXT),
}
# Columns that tables of earlier releases lack.
ADDED = (
    *("truncation", "example_var", "references", "trained_parameters", "start_bytes"),
    *("masked_accuracy", "peak_memory_bytes", "task_examples", "stopped", "runs_on_gpu"),
)
# Columns of `trainings.parquet`, a row per training that a cell is read from, or that one of these
# started from or was compared with.
TRAININGS: dict[str, str] = {
    **dict.fromkeys(("training", "start", "references"), _TEXT),
    **dict.fromkeys(("seed", "planned_steps", "steps"), _WHOLE),
    "stopped_by": _TEXT,
    **dict.fromkeys(("tokens", "evaluation_tokens"), _WHOLE),
    **dict.fromkeys(("train_seconds", "evaluation_seconds", "total_seconds"), _REAL),
    "energy_joules": _REAL,
    **dict.fromkeys(("runs_on_gpu", "peak_memory_bytes"), _WHOLE),
    **dict.fromkeys(("trained_parameters", "start_bytes"), _WHOLE),
    "masked_accuracy": _REAL,
    **dict.fromkeys(("device", "precision", "model", "model_revision"), _TEXT),
    "threads": _WHOLE,
    **dict.fromkeys(("hyperparameters", "versions", "code_digest", "taken_from"), _TEXT),
    "schema_version": _WHOLE,
}

# Columns of `selection_scores.parquet`, what each method of selection gives every candidate source
# of a target: value, higher for better, and the tokens and seconds that getting it took, missing
# where it took none.
SELECTION_SCORES: dict[str, str] = {
    **dict.fromkeys(("method", "target", "source"), _TEXT),
    "value": _REAL,
    "tokens": _WHOLE,
    "seconds": _REAL,
}
# Methods of selection that read scores and sizes alone, and those that read data, features of
# encoders or a few steps of training.
OF_TABLES = ("random", "static", "size", "probe")
OF_ENCODERS = (
    *("vocabulary", "textemb", "semb", "taskemb", "few-shot-5", "few-shot-10", "few-shot-25"),
    *("few-shot-50", "knn", "linear", "logistic", "logme", "h-score", "leep", "nce", "n-leep"),
    "transrate",
)
COMBINED = "+"  # joins the methods that one combines by their ranks, as in size+logme
