"""A metric of the library `evaluate` that a task file names, with the number that is the score."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interlude.plan.declared import Declared, Omittable, refuse_unless_one
from interlude.plan.faults import FOUND
from interlude.plan.trainings import digest_of

EVALUATE = "evaluate"  # in place of a metric's name


class HubMetric(Declared):
    """A metric on the hub."""

    id: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z_][A-Za-z0-9_]*\Z",
        description="owner and name of a metric's Space, such as evaluate-metric/f1",
    )
    revision: str = Field(
        pattern=r"^[0-9a-f]{40}\Z",
        description="a commit, 40 hexadecimal digits: its Python is run, so it may not move",
    )


class Evaluated(Declared):
    """A metric of `evaluate`, with the number that is the score."""

    folder: Omittable[str] = Field(
        None,
        description="a folder of your own with the metric in a file of the folder's name, <name>/"
        "<name>.py; relative to the working directory. Its Python files count by their content",
    )
    hub: Omittable[HubMetric] = Field(
        None,
        description="a metric on the hub, whose Python is run: only where the config says "
        "hub_metrics: true",
    )
    score: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_.@-]{0,63}\Z",
        description="which number of those that it gives is the score: its key. Higher is better",
    )
    out_of: Literal[1, 100] = Field(
        1, description="the highest score that it gives; scores are divided by it"
    )
    config: str | None = Field(
        None, description="name of a config of the metric, such as mrpc of glue; null for none"
    )
    options: dict[str, Any] = Field(
        {}, description="what its compute takes beside, such as average: macro"
    )

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        refuse_unless_one(self, {"folder": None, "hub": None})
        if not self.name.isidentifier():
            allowed = "a folder whose name is letters, digits and _, as that of its file"
            raise PydanticCustomError("folder", allowed, {FOUND: str(self.folder)})
        return self

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return self.hub.id.rpartition("/")[2] if self.hub else PurePath(str(self.folder)).name

    @property
    def called(self) -> str:
        """What tables call its score."""
        return f"{self.score} ({self.hub.id if self.hub else self.name})"

    @property
    def origin(self) -> dict[str, Any]:
        """Where it is."""
        return self.model_dump(include={"folder", "hub"}, exclude_none=True)

    @property
    def digest(self) -> str:
        """The name of the folder into which it is prepared."""
        return digest_of(self.origin)

    def to_json(self) -> str:
        """Return it as one line, for a training."""
        values = self.model_dump(exclude_none=True) | {"name": self.name, "called": self.called}
        return json.dumps(values, sort_keys=True, default=str)
