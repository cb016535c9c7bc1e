"""Arms: how a target is reached, as a list of stages, each a mixture of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer
from pydantic_core import PydanticCustomError

from interlude.plan.declared import Declared, Different, Name, Number, Omittable
from interlude.plan.faults import NOT_AMONG
from interlude.plan.methods import (
    METHODS,
    Bottleneck,
    Full,
    Hra,
    Ia3,
    Loha,
    Lokr,
    Lora,
    Method,
)
from interlude.plan.trainings import MLM

# Words that stand for tasks in the parts of a stage; any other is the name of a task.
TASK, SOURCE, ALL = "task", "source", "all"
DYNAMIC = "dynamic"  # the sampler that goes by scores
PLACEHOLDERS = (TASK, SOURCE, ALL, MLM)

Text = Annotated[str, Field(min_length=1, description="a word, a task or a text file")]


def is_text_file(word: str) -> bool:
    """Return whether a word among the texts of a stage names a file, by what no task's name has."""
    return "." in word or "/" in word


def _named(value: Any) -> Any:
    """Return a method as a mapping; its name alone stands for its default parameters."""
    whole = {"name": value} if isinstance(value, str) else value
    if not isinstance(whole, dict) or whole.get("name") not in METHODS:
        raise PydanticCustomError(NOT_AMONG, "a method", {"allowed": list(METHODS)})
    return whole


DeclaredMethod = Annotated[
    Full | Lora | Loha | Lokr | Hra | Ia3 | Bottleneck,
    Field(discriminator="name"),
    BeforeValidator(_named),
]
Adapter = Literal["continue", "merge"]
# Keys of a stage that say how several parts are mixed.
MIXTURE = ("sampler", "mixing", "kept", "heads")
Weights = Literal["pretrained", "random"]


class Stage(Declared):
    """One training of an arm: the tasks in its data, in words."""

    parts: Different[Name] = Field(
        min_length=1,
        description="what is trained on together: one or more of task (each target or probing "
        "task), source (each intermediate task), all (all intermediate and target tasks), mlm "
        "(masked language modelling) and names of tasks",
    )
    texts: Omittable[Different[Text]] = Field(
        None,
        min_length=1,
        description="whose texts the part mlm masks: source, all, names of tasks, or text files of "
        "your own, such as texts/news.txt, in UTF-8 with one text a line, relative to the working "
        "directory; by default, those of the other parts",
    )
    sampler: Literal["uniform", "size", "proportional", "temperature", "dynamic"] = Field(
        "uniform",
        description="how many examples of each part an epoch has, where there are several: "
        "uniform, as many of each as the smallest has; size, all of each; proportional, all but at "
        "most 16,384 of each; temperature, as many as all have, in proportion to the square roots "
        "of the sizes; dynamic, as many as all have, first in proportion to the sizes, then to the "
        "softmax of how far the score of each is below what it reaches when it is trained alone, "
        "both measured on training examples held aside",
    )
    mixing: Literal["mixed", "alternating"] = Field(
        "mixed",
        description="mixed: a batch may have examples of several parts, whose mean losses are "
        "summed; alternating: each batch is of one part",
    )
    kept: Literal["per-task", "mean"] = Field(
        "per-task",
        description="which evaluation is the result where there are several parts: per-task, for "
        "each part its own best; mean, for all parts the one with the best mean score. The next "
        "stage starts from the model with the best mean",
    )
    heads: Literal["per-task", "by-labels"] = Field(
        "per-task",
        description="per-task: each of several parts has a head of its own; by-labels: parts whose "
        "heads are of the same kind and shape share one, such as all parts with three labels, or "
        "all with numbers (Weller et al. 2022)",
    )
    retrain: Omittable[bool] = Field(
        None,
        description="true: a new model in each restart; false: that of restart 1; by default, as "
        "retrain_intermediate says",
    )
    examples: Omittable[int] = Field(
        None,
        ge=1,
        description="train on so many examples of each part at most; by default, as train_examples "
        "says",
    )
    carry_head: bool = Field(
        False,
        description="true: a task begins with the head that it had in the stage before or, if it "
        "had none there, with the only head of the same shape, which several tasks may have "
        "shared; false: with a fresh head",
    )
    frozen: bool = Field(
        False,
        description="true: only the heads are trained, and the encoder stays as it is; the head of "
        "mlm is then a fresh one, so that encoders can be compared; false: both are trained",
    )
    method: Omittable[DeclaredMethod] = Field(
        None,
        description="how weights are trained: a name, or a mapping with name and parameters; by "
        "default, as encoder.method says",
    )
    adapter: Omittable[Adapter] = Field(
        None,
        description="what becomes of the adapter of the stage before; by default, as "
        "encoder.adapter says",
    )
    learning_rate: Omittable[Number] = Field(
        None,
        gt=0,
        le=1,
        description="peak learning rate, above 0, at most 1, since an adapter wants a higher one; "
        "by default, as training and overrides say",
    )

    weights: Omittable[Weights] = Field(
        None,
        description="what the encoder begins with, in the first stage: pretrained or random; by "
        "default, as encoder.weights says",
    )

    @field_serializer("method")
    def _as_mapping(self, method: Method | None) -> dict[str, Any] | None:
        """None as it is: pydantic would look for its name, and warn."""
        return None if method is None else method.to_dict()

    @property
    def named(self) -> list[str]:
        """The names of tasks among its words."""
        words = (*self.parts, *(self.texts or ()))
        return [word for word in words if not (word in PLACEHOLDERS or is_text_file(word))]

    @property
    def measures_forgetting(self) -> bool:
        """Whether it trains a head of mlm on an encoder that it leaves as it is."""
        return self.frozen and list(self.parts) == [MLM]

    @property
    def is_mixture(self) -> bool:
        """Whether it trains on several tasks at once."""
        return len(self.parts) > 1 or ALL in self.parts


@dataclass(frozen=True)
class Arm:
    """A name and the stages from the pretrained encoder to the target."""

    name: str
    stages: Sequence[Stage]

    @property
    def has_source(self) -> bool:
        """Whether a stage trains on the intermediate task."""
        return any(SOURCE in stage.parts for stage in self.stages)

    @property
    def mixes_source_and_task(self) -> bool:
        """Whether a stage trains on both at once."""
        return any({SOURCE, TASK} <= set(stage.parts) for stage in self.stages)

    @property
    def last(self) -> Stage:
        """The stage whose tasks are scored."""
        return self.stages[-1]


DEFAULT = {
    "single": [Stage(parts=[TASK])],
    "stilts": [Stage(parts=[SOURCE]), Stage(parts=[TASK])],
}


def arms_of(declared: Mapping[str, Sequence[Stage]] | None) -> list[Arm]:
    """Return the arms of a config's key `arms`; None for the default ones, single and stilts."""
    return [Arm(name, stages) for name, stages in (declared or DEFAULT).items()]
