"""How well simple rules distinguish real endings from made ones, without reading the prompt.

A rule gives each option of a row a score, and chooses the option with the highest; ties share the
credit. As no rule sees the prompt, an accuracy above chance comes from how the options were made.
Rules that learn do so on train, and all are scored on validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from transformers import AutoModel, AutoTokenizer

TRAIN, VALIDATION = 2_000, 1_000  # rows of each part that are used, at most
BATCH = 64  # options that the encoder reads at a time
LONGEST = 128  # tokens

Numbers = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """The options of all rows of a part, one row's after another's.

    texts: [options]. sizes: how many a row has, [rows]. right: the place of the real one, [rows].
    """

    texts: list[str]
    sizes: list[int]
    right: list[int]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Options:
        """Return the options of normalised rows of the form choice."""
        rows = list(rows)
        texts = [text for row in rows for text in row["choices"]]
        return cls(texts, [len(row["choices"]) for row in rows], [row["label"] for row in rows])

    @property
    def is_real(self) -> NDArray[np.bool_]:
        """Whether each option is the real one: [options]."""
        places = np.concatenate([np.arange(size) for size in self.sizes])
        return np.asarray(places == np.repeat(self.right, self.sizes))

    @property
    def chance(self) -> float:
        """The accuracy of guessing."""
        return float(np.mean([1 / size for size in self.sizes]))

    def credits(self, scores: Numbers) -> Numbers:
        """Return what each row's choice is worth: 1 if right, a share where several are highest.

        scores: of each option, [options]. Returns [rows].
        """
        rows = np.split(scores, np.cumsum(self.sizes)[:-1])
        highest = [row == row.max() for row in rows]
        return np.array(
            [best[right] / best.sum() for best, right in zip(highest, self.right, strict=True)]
        )


Rule = Callable[[Options, Options], Numbers]  # of train and validation: scores of the latter


def artefacts(data: Path, encoder: Path) -> list[Row]:
    """Return a row per rule: its accuracy on validation, with the standard error, and chance.

    data: normalised data of the form choice. encoder: a prepared model.
    """
    train, validation = (
        Options.of(pq.read_table(data / f"{part}.parquet").slice(0, most).to_pylist())
        for part, most in (("train", TRAIN), ("validation", VALIDATION))
    )
    return [
        {"rule": name, **_scored(validation.credits(rule(train, validation)))}
        | {"chance": validation.chance}
        | {"train": len(train.sizes), "validation": len(validation.sizes)}
        for name, rule in _rules(encoder).items()
    ]


def _scored(credits: Numbers) -> dict[str, float]:
    error = credits.std(ddof=1) / np.sqrt(len(credits)) if len(credits) > 1 else np.nan
    return {"accuracy": float(credits.mean()), "standard_error": float(error)}


def _rules(encoder: Path) -> dict[str, Rule]:
    return {
        "position": _position,
        "length": _length,
        "bag of words": _bag_of_words,
        "last token": _last_token,
        "frozen encoder": lambda train, validation: _frozen(train, validation, encoder),
    }


def _position(train: Options, validation: Options) -> Numbers:
    """Prefer the place where the real option is most often."""
    counts = np.bincount(train.right, minlength=max(validation.sizes))
    return np.concatenate([counts[:size] for size in validation.sizes]).astype(float)


def _length(train: Options, validation: Options) -> Numbers:
    """Prefer the option with most words, or with fewest, whichever is more often real in train."""

    def words(options: Options) -> Numbers:
        return np.array([len(_words(text)) for text in options.texts], dtype=float)

    best = max((1, -1), key=lambda sign: float(train.credits(sign * words(train)).mean()))
    return best * words(validation)


def _bag_of_words(train: Options, validation: Options) -> Numbers:
    model = make_pipeline(CountVectorizer(analyzer=_words), _linear())
    return _learnt(model, train.texts, train, validation.texts)


def _words(text: str) -> list[str]:
    return text.lower().split()


def _last_token(train: Options, validation: Options) -> Numbers:
    """Go by the last word, with the sign behind it."""
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), _linear())
    return _learnt(model, _last(train.texts), train, _last(validation.texts))


def _last(texts: Sequence[str]) -> list[list[str]]:
    return [[(_words(text) or [""])[-1]] for text in texts]


def _frozen(train: Options, validation: Options, encoder: Path) -> Numbers:
    """Go by the mean of an encoder's last hidden states, which is not trained."""
    model = make_pipeline(StandardScaler(), _linear())
    return _learnt(model, states(train.texts, encoder), train, states(validation.texts, encoder))


def _linear() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def _learnt(model: Any, inputs: Any, train: Options, others: Any) -> Numbers:
    model.fit(inputs, train.is_real)
    scores: Numbers = model.decision_function(others)
    return scores


@torch.inference_mode()
def states(texts: Sequence[str], folder: Path) -> Numbers:
    """Return the mean of the hidden states of each text's tokens: [texts, hidden]."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model = AutoModel.from_pretrained(folder, trust_remote_code=False)
    model.eval()
    means: list[Numbers] = [np.empty(0)] * len(texts)
    ordered = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    for start in range(0, len(ordered), BATCH):
        places = ordered[start : start + BATCH]
        batch = tokenizer(
            [texts[at] for at in places],
            padding=True,
            truncation=True,
            max_length=LONGEST,
            return_tensors="pt",
        )
        hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"][..., None]
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        for at, each in zip(places, mean.double().numpy(), strict=True):
            means[at] = each
    return np.stack(means)
