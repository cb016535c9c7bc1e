"""F1 of named entities (CoNLL 2003)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from interlude.metrics import Scores
from interlude.metrics.formulas.pooled_f1 import pooled_f1


def entity_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> Scores:
    """Micro F1 over whole entities in BIO tags: type, start and end must all be right.

    An I- tag that continues nothing opens an entity, as in the CoNLL 2003 evaluation. ValueError
    for references in other tags, whose entities these rules would not find.
    """
    if others := {tag for tags in gold for tag in tags if not re.match("[BI](-|$)|O$", tag)}:
        raise ValueError(f"not BIO tags: {', '.join(sorted(others))}")
    f1, rest = pooled_f1([entities(tags) for tags in predicted], [entities(t) for t in gold])
    return {"entity_f1": f1, **rest}


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (type, start, end) of the entities in a BIO sequence, the end exclusive."""
    spans: list[tuple[str, int, int]] = []
    for place, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix == "I" and spans and spans[-1][0] == kind and spans[-1][2] == place:
            spans[-1] = (kind, spans[-1][1], place + 1)
        elif prefix in ("B", "I"):
            spans.append((kind, place, place + 1))
    return spans
