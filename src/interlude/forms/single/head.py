"""A text, one label."""

from __future__ import annotations

from interlude.forms.classification import FirstTokenClassification


class Single(FirstTokenClassification):
    """One text, one label."""
