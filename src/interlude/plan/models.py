"""Pretrained encoders: one declarative file per model (docs/add-a-model.md)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from interlude.plan.declared import (
    Declared,
    HubId,
    Name,
    Omittable,
    Sha256,
    Title,
    read,
    refuse_unless_one,
)
from interlude.plan.trainings import digest_of

WORDS = {"title", "licence", "citation"}  # they change no weight


class Place(Declared):
    """Where in an archive a model lies."""

    archive: Name = Field(description="a key of config/archives.yaml")
    inner: str | None = Field(
        None, description="member of the archive that is itself a zip archive with the model in it"
    )
    gguf: str | None = Field(
        None,
        description="member of the archive that is a generator in one GGUF file, of which "
        "weights_sha256 is then the SHA-256; for data that a model makes, not for an encoder",
    )
    prefix: str = Field(
        "", description="folder of the model inside the archive, with a slash at its end"
    )


class HubModel(Declared):
    """A repository of the hub."""

    id: HubId = Field(
        description="owner and name of a repository, such as FacebookAI/roberta-large"
    )
    revision: str = Field(
        "main", description="a commit, a tag or a branch; the commit goes on record"
    )


class ModelFile(Declared):
    """The file of a model."""

    name: Name = Field(
        description="name of the model, equal to the file name; lower case, digits and hyphens"
    )
    title: Title
    archives: Omittable[list[Place]] = Field(
        None, min_length=1, description="where to get the model, one or more, tried in this order"
    )
    folder: Omittable[str] = Field(
        None,
        description="a folder of your own with config.json, safetensors weights and a tokenizer; "
        "relative to the working directory",
    )
    hub: Omittable[HubModel] = Field(
        None, description="a model on the hub, with safetensors weights and a tokenizer"
    )
    weights_sha256: Omittable[Sha256] = Field(
        None,
        description="SHA-256 of model.safetensors, wherever it comes from (of several files, as "
        "they become one); needed with archives",
    )
    revision: str | None = Field(
        None,
        description="revision to put on record; null for the commit on the hub, else the start of "
        "the hash of the weights",
    )
    licence: str = Field(description="licence of the weights")
    citation: str | None = Field(None, description="the paper or the model card")

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        refuse_unless_one(self, {"archives": "weights_sha256", "folder": None, "hub": None})
        return self


class Model(ModelFile):
    """A pretrained encoder, as its file declares it."""

    path: Path

    @cached_property
    def declared(self) -> str:
        """The digest of the keys that decide the weights: as they are written, without defaults."""
        declared: dict[str, Any] = self.model_dump(exclude_unset=True, exclude=WORDS)
        return digest_of(declared)


def load_model(path: Path) -> Model:
    """Read one model file; InputError names the file and the key of a fault."""
    file = read(ModelFile, path)
    return Model.model_construct(file.model_fields_set, path=path, **vars(file))
