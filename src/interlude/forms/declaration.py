"""What a form's declaration is: what a task file says of a task of this form.

It is read where a study is planned, so it imports nothing slow; and it can change no number, so no
digest of code covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# The metrics of one label out of a fixed list.
LABEL_METRICS = ("accuracy", "accuracy_f1", "f1_macro", "matthews", "evaluate")


@dataclass(frozen=True)
class Column:
    """A normalised column for which a task file names a source column, or a template of some.

    optional: it may be left out. several: a list of two source columns or more may stand for it.
    kind: text may be joined of a list, {join, between}; a span may be two columns, {start, end} or
    {start, text}.
    """

    description: str = "a source column, or a template of source columns in braces"
    optional: bool = False
    several: bool = False
    kind: Literal["column", "text", "span"] = "column"


@dataclass(frozen=True)
class Declaration:
    """What a task file of a form can declare.

    columns: of the form, by name. metrics: that fit its predictions, the usual one first.
    metric_shapes_rows: whether normalised rows depend on the metric. numbers: whether its targets
    are numbers, which may be standardised.
    """

    columns: Mapping[str, Column]
    metrics: tuple[str, ...]
    metric_shapes_rows: bool = False
    numbers: bool = False


COLUMN = Column()
TEXT = Column(
    "a source column, or a template of source columns in braces; or, of a list of texts, {join: "
    "that, between: text}",
    kind="text",
)
SPAN = Column(
    "column with the list [start, end], characters of the text, end exclusive; or columns of their "
    "own, {start, end} or {start, text}",
    kind="span",
)
