"""The input forms. A new form is one new module with a Form, and a line here."""

from __future__ import annotations

from interlude.forms.base import Form
from interlude.forms.choice import Choice
from interlude.forms.classification import Pair, Single
from interlude.forms.edge_probing import EdgeProbing
from interlude.forms.questions import AnswerOption, Candidate
from interlude.forms.regression import Regression
from interlude.forms.span import Span
from interlude.forms.span_pair import SpanPair
from interlude.forms.tagging import Tagging
from interlude.forms.word_in_context import WordInContext

FORMS: dict[str, type[Form]] = {
    "single": Single,
    "pair": Pair,
    "answer-option": AnswerOption,
    "candidate": Candidate,
    "choice": Choice,
    "span": Span,
    "tagging": Tagging,
    "spans": EdgeProbing,
    "span-pair": SpanPair,
    "word-in-context": WordInContext,
    "regression": Regression,
}
