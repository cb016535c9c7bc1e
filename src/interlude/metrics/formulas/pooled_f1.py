"""F1 over the items of all examples together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from interlude.metrics import Scores


def pooled_f1(
    predicted: Sequence[Sequence[Hashable]], gold: Sequence[Sequence[Hashable]]
) -> tuple[float, Scores]:
    """Return F1 over the items of all examples, 0 without any; and precision and recall."""
    examples = [(set(found), set(wanted)) for found, wanted in zip(predicted, gold, strict=True)]
    n_right = sum(len(found & wanted) for found, wanted in examples)
    n_found = sum(len(found) for found, _ in examples)
    n_wanted = sum(len(wanted) for _, wanted in examples)
    precision, recall = n_right / max(1, n_found), n_right / max(1, n_wanted)
    return 2 * n_right / max(1, n_found + n_wanted), {"precision": precision, "recall": recall}
