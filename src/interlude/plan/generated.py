"""Data that a causal language model makes, as a task file declares them (docs/generate.md).

The defaults are those of Chang and Lu 2021 (`run_gpt2_synth_dataset.py` of their release), except
for the validation set, about which their release says nothing.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from interlude.plan.declared import Declared, Name, Number, Omittable, refuse_unless_one
from interlude.plan.faults import FOUND


class Corpus(Declared):
    """Where the real texts are."""

    task: Omittable[Name] = Field(
        None, description="a task, whose training texts are used; each text counts once"
    )
    column: Omittable[str] = Field(
        None, description="normalised column of that task, such as passage or text_a"
    )
    file: Omittable[str] = Field(
        None,
        description="a text file of your own in UTF-8, one text a line; relative to the working "
        "directory",
    )

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        refuse_unless_one(self, {"task": "column", "file": None})
        return self

    @property
    def called(self) -> str:
        """What messages call it."""
        return str(self.task or self.file)


class Decoding(Declared):
    """How a generator chooses the next token."""

    greedy: bool = Field(
        False, description="true takes the most probable token; the keys below are left out then"
    )
    nucleus: Annotated[Number, Field(gt=0, le=1)] = Field(
        0.9, description="draw among the most probable tokens that together reach this share"
    )
    top_k: int = Field(0, ge=0, description="draw among so many tokens at most; 0 for all")
    temperature: Annotated[Number, Field(gt=0)] = Field(1.0, description="logits are divided by it")
    repetition_penalty: Annotated[Number, Field(gt=0)] = Field(
        1.0, description="above 1 makes tokens that were there less probable (Keskar et al. 2019)"
    )


class Generated(Declared):
    """How a task of real and made endings is made."""

    corpus: Corpus = Field(description="the real texts; exactly one of task and file")
    generator: Name = Field(
        description="a model of config/models with a causal head: from the hub, a folder or an "
        "archive"
    )
    most_words: int = Field(30, ge=2, description="a sentence is cut off behind so many words")
    least_words: int = Field(20, ge=2, description="a sentence with fewer words is left out")
    prompt_share: Annotated[Number, Field(gt=0, lt=1)] = Field(
        0.5, description="share of a sentence's words that is the prompt, rounded down"
    )
    words_left_out: int = Field(1, ge=0, description="words that the real ending loses at its end")
    fakes: int = Field(3, ge=1, description="endings that are made for each prompt")
    decoding: Decoding = Field(Decoding(), description="how the next token is chosen")
    train: int = Field(30_000, ge=1, description="prompts to train on")
    validation: int = Field(
        1_000, ge=1, description="prompts to validate on, of texts of which none is trained on"
    )
    seed: int = Field(42, ge=0, description="of the choice of sentences, the draws and the places")
    batch_size: int = Field(
        32, ge=1, description="prompts that are computed at a time; less needs less memory"
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        """Refuse lengths and shares that leave a sentence without a prompt or an ending."""
        if self.least_words > self.most_words:
            context = {FOUND: f"least_words {self.least_words}, most_words {self.most_words}"}
            raise PydanticCustomError("lengths", "least_words of at most most_words", context)
        for words in range(self.least_words, self.most_words + 1):
            prompt, ending = self.cut(words)
            if min(prompt, ending) < 1:
                context = {
                    FOUND: f"prompt_share {self.prompt_share}, which makes of {words} words a "
                    f"prompt of {prompt} and, words_left_out {self.words_left_out}, an ending of "
                    f"{max(ending, 0)}"
                }
                raise PydanticCustomError("share", "one word or more of each", context)
        return self

    @model_validator(mode="after")
    def _differ(self) -> Self:
        """Refuse several endings of a generator that always makes the same one."""
        if self.decoding.greedy and self.fakes > 1:
            raise PydanticCustomError(
                "fakes", "fakes: 1 with greedy, which makes one ending", {FOUND: str(self.fakes)}
            )
        return self

    def cut(self, words: int) -> tuple[int, int]:
        """Return how many words of a sentence are the prompt, and how many the real ending."""
        prompt = int(words * self.prompt_share + 1e-9)  # 0.29 of 100 words are 29
        return prompt, words - prompt - self.words_left_out
