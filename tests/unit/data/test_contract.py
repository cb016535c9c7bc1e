"""What every task promises of its rows, over all tasks that there is data of at hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from helpers.prepared import PARTS, Made

from interlude.forms import columns_of


def test_every_task_holds_its_contract(
    made: Made, record_property: Callable[[str, object], None]
) -> None:
    record_property("overlap", made.manifest["overlap"])
    check_columns(made)
    check_labels(made)
    check_balance(made)
    check_overlap(made)
    FORM_CHECKS.get(made.task.form, lambda _: None)(made)


def check_columns(made: Made) -> None:
    for part, table in made.tables.items():
        assert table.schema.equals(columns_of(made.task.form).schema)
        assert table.num_rows == made.manifest["sizes"][part] > 0
        may_be_missing = {"span2_start", "span2_end"}
        assert not [
            n for n in table.column_names if table[n].null_count and n not in may_be_missing
        ]
    ids = made.column("train", "id") + made.column("validation", "id")
    assert len(set(ids)) == len(ids)


def check_labels(made: Made) -> None:
    names = made.manifest["label_names"]
    for part in PARTS:
        if made.task.form == "choice":
            pairs = zip(made.column(part, "label"), made.column(part, "choices"), strict=True)
            assert all(0 <= label < len(choices) for label, choices in pairs)
        else:
            assert set(labels(made, part)) <= set(range(len(names)))


def labels(made: Made, part: str) -> list[int]:
    """Return all labels of a part; of tokens and of targets, one after another."""
    for key in ("tags", "labels"):
        if key in made.tables[part].column_names:
            return list(chain.from_iterable(made.column(part, key)))
    return made.column(part, "label") if "label" in made.tables[part].column_names else []


def check_balance(made: Made) -> None:
    """Both parts have several labels, none of them nearly alone; the tag O marks no entity."""
    no_label = "O" if made.task.form == "tagging" else None
    for part in PARTS:
        counts = {n: count for n, count in made.manifest["labels"][part].items() if n != no_label}
        if counts:
            assert len(counts) > 1
            assert max(counts.values()) < 0.9 * sum(counts.values())


def check_overlap(made: Made) -> None:
    """A cut by groups has no input on both sides; a published split has at most a few."""
    allowed = 0 if made.task.split_by else 0.035 * made.manifest["sizes"]["validation"]
    assert made.manifest["overlap"] <= allowed


def check_span(made: Made) -> None:
    for row in made.rows():
        assert row["passage"][row["start"] : row["end"]] in row["answers"]


def check_tagging(made: Made) -> None:
    for row in made.rows():
        assert len(row["tokens"]) == len(row["tags"]) > 0


def check_spans(made: Made) -> None:
    for row in made.rows():
        assert is_inside(row["text"], row["span1_start"], row["span1_end"])
        if "span2" in made.task.columns:
            assert is_inside(row["text"], row["span2_start"], row["span2_end"])
        assert row["group"]


def check_span_pair(made: Made) -> None:
    for row in made.rows():
        assert is_inside(row["text"], row["span1_start"], row["span1_end"])
        assert is_inside(row["text"], row["span2_start"], row["span2_end"])


def check_word_in_context(made: Made) -> None:
    for row in made.rows():
        assert is_inside(row["text_a"], row["start_a"], row["end_a"])
        assert is_inside(row["text_b"], row["start_b"], row["end_b"])


def is_inside(text: str, start: int, end: int) -> bool:
    """Tell whether a span is inside of a text, and begins and ends with no white space."""
    span = text[start:end]
    return 0 <= start < end <= len(text) and span == span.strip()


FORM_CHECKS = {
    "span": check_span,
    "tagging": check_tagging,
    "spans": check_spans,
    "span-pair": check_span_pair,
    "word-in-context": check_word_in_context,
}
