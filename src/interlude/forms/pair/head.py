"""Two texts, one label."""

from __future__ import annotations

from interlude.forms.classification import FirstTokenClassification


class Pair(FirstTokenClassification):
    """Two texts, one label."""
