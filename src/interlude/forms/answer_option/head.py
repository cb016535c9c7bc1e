"""Answer options, scored per question (MultiRC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from interlude.forms.classification import FirstTokenClassification
from interlude.forms.examples import Row
from interlude.forms.head import columns_of


class AnswerOption(FirstTokenClassification):
    """An option of a question, right or wrong; several options of a question may be right."""

    kept_together = "question"

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return columns_of(examples, "question", "label")
