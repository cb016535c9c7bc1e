"""Labels that are not as many as a metric is defined for are named, the first ones of many."""

from __future__ import annotations

import pytest

from interlude.errors import InputError
from interlude.plan.label_count import check_label_count


def test_labels_that_do_not_fit_a_metric_are_named_and_counted() -> None:
    labels = [f"L{number}" for number in range(5000)]
    check_label_count("accuracy_f1", labels[:2], "mine.yaml")
    check_label_count("accuracy", labels, "mine.yaml")
    message = r"^mine\.yaml: key labels: found 5000 \(L0, L1, .*, L9 and 4990 more\)\. Allowed: two"
    with pytest.raises(InputError, match=message):
        check_label_count("accuracy_f1", labels, "mine.yaml")
