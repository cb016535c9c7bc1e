"""How the weights of an encoder are trained: all of them, or an adapter in it, by name.

Plain dataclasses, as `Settings`: pydantic reads them where a config is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

CONTINUE, MERGE = "continue", "merge"  # what becomes of a start's adapter


def _parameter(default: Any, description: str, **rules: Any) -> Any:
    """Return a field with a default; rules: ge, gt, lt and so on, as pydantic names them."""
    return field(default=default, metadata={"description": description, "strict": True, **rules})


def _tuned_modules() -> Any:
    return field(
        default=None,
        metadata={
            "description": "ends of the names of the linear layers that are tuned, such as "
            "[query, value]; null for all of the encoder's",
            "min_length": 1,
        },
    )


@dataclass(frozen=True)
class Method:
    """What all methods have.

    mergeable: whether what was trained can become part of the encoder. packages: what computes it
    beside that which computes every training.
    """

    __pydantic_config__: ClassVar[Any] = {
        "extra": "forbid",
        "allow_inf_nan": False,
        "regex_engine": "python-re",
    }
    mergeable: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ()

    name: str

    @property
    def is_full(self) -> bool:
        """Whether all weights of the encoder are trained."""
        return isinstance(self, Full)

    def to_dict(self) -> dict[str, Any]:
        """Return its name and its parameters, without those that are None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Full(Method):
    """All weights of the encoder."""

    name: Literal["full"] = "full"


class Tuner(Method):
    """One of PEFT's."""

    packages: ClassVar[tuple[str, ...]] = ("peft",)


@dataclass(frozen=True)
class Lora(Tuner):
    """Low-rank changes of linear layers (Hu et al. 2022), by PEFT."""

    name: Literal["lora"] = "lora"
    r: int = _parameter(8, "rank of the change of a layer, 1 or more", ge=1)
    alpha: float = _parameter(16.0, "the change is multiplied by alpha / r; above 0", gt=0)
    dropout: float = _parameter(0.0, "dropout of what the change reads, 0 to below 1", ge=0, lt=1)
    dora: bool = _parameter(False, "train magnitude and direction apart (Liu et al. 2024)")
    rslora: bool = _parameter(
        False, "multiply by alpha / √r (Kalajdzievski 2023), where ranks are high"
    )
    modules: tuple[str, ...] | None = _tuned_modules()


@dataclass(frozen=True)
class Loha(Tuner):
    """Element-wise products of two low-rank changes (Hyeon-Woo et al. 2022), by PEFT."""

    name: Literal["loha"] = "loha"
    r: int = _parameter(8, "rank of each of the two changes, 1 or more", ge=1)
    alpha: float = _parameter(8.0, "the change is multiplied by alpha / r; above 0", gt=0)
    modules: tuple[str, ...] | None = _tuned_modules()


@dataclass(frozen=True)
class Lokr(Tuner):
    """Kronecker products as changes (Yeh et al. 2024), by PEFT."""

    name: Literal["lokr"] = "lokr"
    r: int = _parameter(8, "rank of the larger factor, 1 or more", ge=1)
    alpha: float = _parameter(8.0, "the change is multiplied by alpha / r; above 0", gt=0)
    modules: tuple[str, ...] | None = _tuned_modules()


@dataclass(frozen=True)
class Hra(Tuner):
    """Products of reflections before linear layers (Yuan et al. 2024), by PEFT."""

    name: Literal["hra"] = "hra"
    r: int = _parameter(8, "reflections of a layer, an even number, 2 or more", ge=2, multiple_of=2)
    modules: tuple[str, ...] | None = _tuned_modules()


@dataclass(frozen=True)
class Ia3(Tuner):
    """A factor for each output, or input of the feed-forward's end (Liu et al. 2022), by PEFT."""

    name: Literal["ia3"] = "ia3"
    modules: tuple[str, ...] | None = _tuned_modules()


@dataclass(frozen=True)
class Bottleneck(Method):
    """A small block after the feed-forward part of each layer (Pfeiffer et al. 2021).

    It is what Poth et al. 2021 train. No layer of the encoder can take it in: it is not linear.
    """

    mergeable: ClassVar[bool] = False

    name: Literal["bottleneck"] = "bottleneck"
    reduction: int = _parameter(
        16, "how many times narrower the block is than the hidden states, 1 or more", ge=1
    )
    activation: Literal["relu", "gelu", "silu"] = field(
        default="relu", metadata={"description": "activation between its two layers"}
    )
    published: str | None = _parameter(
        None,
        "folder with pytorch_adapter.bin and adapter_config.json, as AdapterHub publishes them; a "
        "training without a start begins with that adapter; relative to the working directory",
        min_length=1,
    )
    published_sha256: str | None = _parameter(
        None,
        "SHA-256 of its pytorch_adapter.bin, 64 hexadecimal digits; needed with published",
        pattern=r"^[0-9a-f]{64}\Z",
    )


FULL = Full()
METHODS: Mapping[str, type[Method]] = {
    "full": Full,
    "lora": Lora,
    "loha": Loha,
    "lokr": Lokr,
    "hra": Hra,
    "ia3": Ia3,
    "bottleneck": Bottleneck,
}


def method_of(document: Mapping[str, Any]) -> Method:
    """Return the method of which `to_dict` made a document; TypeError for an unknown parameter."""
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in document.items()}
    kind: Callable[..., Method] = METHODS[document["name"]]
    return kind(**values)
