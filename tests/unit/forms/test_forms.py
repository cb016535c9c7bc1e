"""Each form: where words and answers lie among the tokens, its loss, its predictions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny
from helpers.perfect import favour_what_is_right
from torch import Tensor

from interlude.errors import InputError
from interlude.forms import form_names, form_of, head_module, rows_module, rows_of
from interlude.forms.examples import CUT
from interlude.forms.head import Form, Outputs
from interlude.forms.span.head import MOST_TOKENS
from interlude.forms.tagging.head import IGNORED, NO_TAG
from interlude.metrics import metric_of

Row = dict[str, Any]

HIDDEN = 32
SOURCES = Path(__file__).parents[3] / "src"


def form_named(name: str) -> Form:
    return form_of(name)(tiny.LABELS[name])


def encode(name: str, rows: list[Row], tokenizer: Any, max_length: int = 32) -> list[Row]:
    return rows_of(name).encode(rows, tokenizer, max_length)


def tokens(example: Row, tokenizer: Any) -> list[list[str]]:
    return [tokenizer.convert_ids_to_tokens(ids) for ids in example["input_ids"]]


def span_row(passage: str, answer: str, question: str = "what?", start: int | None = None) -> Row:
    start = passage.index(answer) if start is None else start
    place = {"start": start, "end": start + len(answer)}
    return {"question": question, "passage": passage, "answers": [answer], **place}


def hidden_states(examples: list[Row]) -> Tensor:
    """Return random states for all sequences of a batch: [sequences, longest, hidden]."""
    lengths = [len(ids) for example in examples for ids in example["input_ids"]]
    return torch.randn(
        len(lengths), max(lengths), HIDDEN, generator=torch.Generator().manual_seed(3)
    )


def head_outputs(name: str, examples: list[Row]) -> tuple[np.ndarray, float, Tensor]:
    """Return the scores of a head's linear layer by hand, its loss and its logits."""
    head, outputs = run_head(name, examples)
    weight, bias = (p.detach().double().numpy() for p in (head.linear.weight, head.linear.bias))
    scores = hidden_states(examples).double().numpy() @ weight.T + bias
    return scores, outputs.loss.item(), outputs.logits.detach()


def run_head(name: str, examples: list[Row]) -> tuple[Any, Outputs]:
    """Return a fresh head without dropout, and what it gives for the random states."""
    form = form_named(name)
    torch.manual_seed(0)
    head = form.head(HIDDEN, dropout=0.0).eval()
    return head, head(hidden_states(examples), form.targets(examples))


def surprise(scores: np.ndarray, right: int) -> float:
    """Return -log of the softmax of the right one."""
    return float(np.log(np.exp(scores - scores.max()).sum()) - (scores[right] - scores.max()))


def perfect_logits(name: str, examples: list[Row]) -> Tensor:
    """Return logits of the right shape that favour what is right, wherever it was not cut off."""
    return favour_what_is_right(name, examples, run_head(name, examples)[1].logits)


# Alignment


def test_single_keeps_its_label_and_is_cut_to_length(tokenizer: Any) -> None:
    rows = [{"text": "Café 🙂 unbelievable", "label": 1}, {"text": "red " * 50, "label": 0}]
    examples = encode("single", rows, tokenizer, max_length=12)
    wanted = ["[CLS]", "cafe", "🙂", "un", "##believ", "##able", "[SEP]"]
    assert tokens(examples[0], tokenizer) == [wanted]
    assert tokens(examples[1], tokenizer) == [["[CLS]", *["red"] * 10, "[SEP]"]]
    assert [example["label"] for example in examples] == [1, 0]


def test_pair_marks_its_two_texts_and_cuts_the_longer_one(tokenizer: Any) -> None:
    rows = [
        {"text_a": "red", "text_b": "blue dog", "label": 1},
        {"text_a": "red " * 50, "text_b": "blue dog", "label": 0},
        {"text_a": "red dog", "text_b": "blue " * 50, "label": 0},
    ]
    examples = encode("pair", rows, tokenizer, max_length=12)
    assert tokens(examples[0], tokenizer) == [["[CLS]", "red", "[SEP]", "blue", "dog", "[SEP]"]]
    assert examples[0]["token_type_ids"] == [[0, 0, 0, 1, 1, 1]]
    assert tokens(examples[1], tokenizer)[0][-4:] == ["[SEP]", "blue", "dog", "[SEP]"]
    assert tokens(examples[2], tokenizer)[0][:4] == ["[CLS]", "red", "dog", "[SEP]"]
    assert [len(example["input_ids"][0]) for example in examples] == [6, 12, 12]


def test_choice_has_one_sequence_for_each_answer(tokenizer: Any) -> None:
    rows: list[Row] = [
        {"text": "what?", "choices": ["red", "a blue dog"], "label": 1},
        {"text": "who?", "choices": ["anna", "tom", "berg 🙂"], "label": 2},
        {"text": "who?", "choices": ["anna"], "label": 0},
    ]
    examples = encode("choice", rows, tokenizer)
    for row, example in zip(rows, examples, strict=True):
        question = row["text"][:-1]
        assert tokens(example, tokenizer) == [
            ["[CLS]", question, "?", "[SEP]", *choice.split(), "[SEP]"] for choice in row["choices"]
        ]
        assert example["label"] == row["label"]
        assert len(example["token_type_ids"]) == len(row["choices"])


SPANS: list[Row] = [
    span_row("the red door", "red"),
    span_row("the red door", "the red door"),
    span_row("Anna Berg, Oslo.", "Berg"),
    span_row("Anna Berg, Oslo.", "Oslo."),
    span_row("café, door, Café", "Café"),
    span_row("red dog, red cat, red door", "red", start=18),
    span_row("an unbelievable 🙂 dog", "unbelievable"),
    span_row("the 🙂 🚀 dog", "🙂 🚀"),
    span_row("it was 50% good (not bad).", "50% good (not bad)"),
    span_row("zzz qqq xyz", "qqq"),
    span_row("naïve Ångström, čaj", "Ångström"),
    span_row("  red\n\n door  ", "red\n\n door"),
    span_row("日本 red", "本"),
]


@pytest.mark.parametrize("row", SPANS, ids=[row["answers"][0] for row in SPANS])
def test_span_text_of_the_aligned_tokens_is_the_answer(row: Row, tokenizer: Any) -> None:
    (example,) = encode("span", [row], tokenizer)
    first = example["passage_start"]
    start = example["token_starts"][example["answer_start"] - first]
    end = example["token_ends"][example["answer_end"] - first]
    assert row["passage"][start:end] == row["answers"][0]
    assert start == row["start"]


def test_span_tokens_are_those_of_the_passage(tokenizer: Any) -> None:
    row = span_row("an unbelievable 🙂 dog", "unbelievable", question="what red dog?")
    (example,) = encode("span", [row], tokenizer)
    found = tokens(example, tokenizer)[0]
    passage = found[example["passage_start"] :][: len(example["token_starts"])]
    assert passage == ["a", "##n", "un", "##believ", "##able", "🙂", "dog"]
    assert found[example["answer_start"] : example["answer_end"] + 1] == passage[2:5]


def test_span_of_a_part_of_a_word_covers_the_tokens_that_hold_it(tokenizer: Any) -> None:
    (example,) = encode("span", [span_row("so unbelievable", "belie")], tokenizer)
    found = tokens(example, tokenizer)[0]
    assert found[example["answer_start"] : example["answer_end"] + 1] == ["##believ"]


@pytest.mark.parametrize(
    ("passage", "answer"),
    [
        ("the cafe\u0301", "cafe\u0301"),
        ("a ❤\ufe0f", "❤\ufe0f"),
        ("the red ", "red "),
        ("x \u200d", "x \u200d"),
    ],
    ids=["decomposed accent", "variation selector", "trailing space", "zero-width joiner"],
)
def test_span_that_ends_in_what_the_tokenizer_drops_is_not_cut(
    passage: str, answer: str, tokenizer: Any
) -> None:
    (example,) = encode("span", [span_row(passage, answer)], tokenizer)
    assert example["answer_start"] != CUT
    assert tokens(example, tokenizer)[0][example["answer_end"] + 1] == "[SEP]"


def test_span_is_cut_exactly_when_its_end_is_behind_the_cut(tokenizer: Any) -> None:
    words = [*"abcdefghij"]
    passage = " ".join(words)
    room = 12 - len(["[CLS]", "what", "?", "[SEP]", "[SEP]"])
    ends = [(start, end) for start in range(10) for end in range(start, 10)]
    rows = [span_row(passage, " ".join(words[start : end + 1])) for start, end in ends]
    examples = encode("span", rows, tokenizer, max_length=12)
    kept = [example["answer_start"] != CUT for example in examples]
    assert kept == [end < room for _, end in ends]
    assert [example["answer_end"] == CUT for example in examples] == [
        not is_kept for is_kept in kept
    ]


def test_span_whose_last_word_is_cut_in_the_middle_is_cut(tokenizer: Any) -> None:
    row = span_row("the unbelievable", "unbelievable")
    lengths = {8: CUT, 9: 5}  # [CLS] what ? [SEP] the un ##believ ##able [SEP]
    for max_length, start in lengths.items():
        assert encode("span", [row], tokenizer, max_length)[0]["answer_start"] == start


def test_span_with_a_question_longer_than_the_sequence_still_shows_the_passage(
    tokenizer: Any,
) -> None:
    row = span_row("red door", "red", question="what " * 50)
    (example,) = encode("span", [row], tokenizer, max_length=16)
    assert len(example["input_ids"][0]) == 16
    assert len(example["token_starts"]) == 2
    assert example["answer_start"] != CUT


def test_cut_answers_are_not_trained_on(tokenizer: Any) -> None:
    rows = [span_row("red " + "a " * n + "door", "door") for n in (0, 30, 1, 31)]
    examples = encode("span", rows, tokenizer, max_length=12)
    trainable = form_named("span").trainable(pa.Table.from_pylist(examples))
    assert trainable.tolist() == [True, False, True, False]


def test_other_forms_train_on_all_examples(tokenizer: Any) -> None:
    for name in ("single", "pair", "choice", "tagging"):
        table = pa.Table.from_pylist(encode(name, tiny.rows(name, 5), tokenizer, max_length=8))
        assert form_named(name).trainable(table).tolist() == [True] * 5


WORDS = ["Café", "unbelievable", "🙂", "🚀", "anna", "anna", "x-y", "!", "Ångström"]
FIRST_SUBWORDS = ["cafe", "un", "🙂", "[UNK]", "anna", "anna", "x", "!", "a"]


def test_tagging_reads_the_first_subword_of_every_word(tokenizer: Any) -> None:
    row = {"tokens": WORDS, "tags": [0] * len(WORDS)}
    (example,) = encode("tagging", [row], tokenizer)
    found = tokens(example, tokenizer)[0]
    assert [found[place] for place in example["positions"]] == FIRST_SUBWORDS
    assert example["positions"] == sorted(set(example["positions"]))


def test_tagging_word_without_a_token_and_words_cut_off_have_no_place(tokenizer: Any) -> None:
    row = {"tokens": ["red", "\u200d", "dog", "unbelievable", "cat", "door"], "tags": [1] * 6}
    (example,) = encode("tagging", [row], tokenizer, max_length=6)
    # [CLS] red dog un ##believ [SEP]: the fourth word is cut after its first sub-word.
    assert example["positions"] == [1, 0, 2, 3, 0, 0]
    targets = form_named("tagging").targets([example])
    assert targets["tags"].tolist() == [[1, IGNORED, 1, 1, IGNORED, IGNORED]]


def test_examples_without_a_word_are_not_trained_on(tokenizer: Any) -> None:
    words = [["red"], ["\u200b"], ["\u200b", "dog"], ["\u200b"] * 3, ["a", "\u200b"]]
    rows = [{"tokens": each, "tags": [0] * len(each)} for each in words]
    table = pa.Table.from_pylist(encode("tagging", rows, tokenizer))
    chunks = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    assert form_named("tagging").trainable(chunks).tolist() == [True, False, True, False, True]


# Loss


@pytest.mark.parametrize("name", ["single", "pair"])
def test_loss_of_labels_is_their_mean_surprise(name: str, tokenizer: Any) -> None:
    examples = encode(name, tiny.rows(name, 7), tokenizer)
    scores, loss, logits = head_outputs(name, examples)
    wanted = [surprise(scores[i, 0], example["label"]) for i, example in enumerate(examples)]
    assert loss == pytest.approx(np.mean(wanted), abs=1e-5)
    np.testing.assert_allclose(logits, scores[:, 0], atol=1e-5)


def test_loss_of_choices_is_the_surprise_among_the_choices_of_each_example(tokenizer: Any) -> None:
    rows: list[Row] = [
        {"text": "what?", "choices": ["red", "blue"], "label": 1},
        {"text": "who?", "choices": ["anna", "tom", "berg", "ruiz"], "label": 3},
        {"text": "where?", "choices": ["oslo", "rome", "hill"], "label": 0},
    ]
    examples = encode("choice", rows, tokenizer)
    scores, loss, logits = head_outputs("choice", examples)
    of_example = np.split(scores[:, 0, 0], [2, 6])
    wanted = [surprise(own, row["label"]) for own, row in zip(of_example, rows, strict=True)]
    assert loss == pytest.approx(np.mean(wanted), abs=1e-5)
    for found, own in zip(logits.numpy(), of_example, strict=True):
        np.testing.assert_allclose(found[: len(own)], own, atol=1e-5)
        assert (found[len(own) :] == -np.inf).all()


def test_loss_of_spans_is_the_surprise_at_start_and_end_within_the_passage(tokenizer: Any) -> None:
    examples = encode("span", SPANS, tokenizer)
    scores, loss, _ = head_outputs("span", examples)
    wanted = []
    for i, example in enumerate(examples):
        first, last = example["passage_start"], len(example["input_ids"][0]) - 1
        for side, place in enumerate((example["answer_start"], example["answer_end"])):
            wanted.append(surprise(scores[i, first:last, side], place - first))
    assert loss == pytest.approx(np.mean(wanted), abs=1e-5)


def test_loss_of_tags_is_the_mean_surprise_over_words_that_are_there(tokenizer: Any) -> None:
    examples = encode("tagging", tiny.rows("tagging", 6), tokenizer, max_length=6)
    scores, loss, _ = head_outputs("tagging", examples)
    wanted = [
        surprise(scores[i, place], tag)
        for i, example in enumerate(examples)
        for place, tag in zip(example["positions"], example["tags"], strict=True)
        if place
    ]
    assert len(wanted) < sum(len(example["tags"]) for example in examples)  # some were cut off
    assert loss == pytest.approx(np.mean(wanted), abs=1e-5)


@pytest.mark.parametrize("name", tiny.FORMS)
def test_dropout_of_a_head_is_the_given_one(name: str) -> None:
    head: Any = form_named(name).head(HIDDEN, dropout=0.25)
    assert head.dropout.p == 0.25


# Predictions


@pytest.mark.parametrize("name", tiny.FORMS)
def test_right_predictions_score_1(name: str, tokenizer: Any) -> None:
    form = form_named(name)
    examples = encode(name, tiny.rows(name, 12), tokenizer)
    predicted = form.decode(perfect_logits(name, examples), examples)
    scores = metric_of(tiny.METRICS[name])(predicted, form.gold(examples))
    assert next(iter(scores.values())) == 1


def test_gold_is_what_the_rows_say(tokenizer: Any) -> None:
    for name in tiny.FORMS:
        rows = tiny.rows(name, 6)
        wanted = {
            "span": lambda row: row["answers"],
            "tagging": lambda row: [tiny.LABELS["tagging"][tag] for tag in row["tags"]],
            "spans": lambda row: row["labels"],
            "multi-label": lambda row: row["labels"],
            "regression": lambda row: row["value"],
            "answer-option": lambda row: {"question": row["question_id"], "label": row["label"]},
            "candidate": lambda row: {
                "question": row["question_id"],
                "answer": row["answer"],
                "answers": row["answers"],
            },
        }.get(name, lambda row: row["label"])
        assert form_named(name).gold(encode(name, rows, tokenizer)) == [wanted(row) for row in rows]


def test_cut_answers_count_as_wrong(tokenizer: Any) -> None:
    rows = [span_row("blue " + "a " * n + "door", "door") for n in (0, 30, 1, 31)]
    form = form_named("span")
    examples = encode("span", rows, tokenizer, max_length=12)
    predicted = form.decode(perfect_logits("span", examples), examples)
    assert metric_of("qa_f1_em")(predicted, form.gold(examples))["exact_match"] == 0.5


def test_words_cut_off_have_no_tag_and_count_as_wrong(tokenizer: Any) -> None:
    row = {"tokens": ["the", "old", "anna", "berg", "rome"], "tags": [0, 0, 1, 2, 3]}
    form = form_named("tagging")
    examples = encode("tagging", [row], tokenizer, max_length=6)
    predicted = form.decode(perfect_logits("tagging", examples), examples)
    assert predicted == [["O", "O", "B-PER", "I-PER", NO_TAG]]
    assert metric_of("entity_f1")(predicted, form.gold(examples))["recall"] == 0.5
    assert metric_of("tag_accuracy")(predicted, form.gold(examples))["tag_accuracy"] == 4 / 5


def test_a_candidate_is_scored_by_the_log_odds_of_being_right(tokenizer: Any) -> None:
    examples = encode("candidate", tiny.rows("candidate", 6), tokenizer)
    scores, _, logits = head_outputs("candidate", examples)
    chances = np.exp(scores[:, 0]) / np.exp(scores[:, 0]).sum(-1, keepdims=True)
    wanted = np.log(chances[:, 1] / chances[:, 0])
    assert form_named("candidate").decode(logits, examples) == pytest.approx(wanted, abs=1e-5)


def test_an_absent_choice_is_never_predicted(tokenizer: Any) -> None:
    rows = [
        {"text": "a", "choices": ["red", "dog"], "label": 0},
        {"text": "a", "choices": ["x"] * 9, "label": 8},
    ]
    examples = encode("choice", rows, tokenizer)
    predicted = form_named("choice").decode(head_outputs("choice", examples)[2], examples)
    assert predicted[0] in (0, 1)


def test_predicted_span_is_the_best_of_all_allowed_ones() -> None:
    rng = np.random.default_rng(5)
    n_tokens = MOST_TOKENS + 15
    example: Row = {
        "passage": "".join(f"{i:02} " for i in range(n_tokens)),
        "passage_start": 4,
        "token_starts": [3 * i for i in range(n_tokens)],
        "token_ends": [3 * i + 2 for i in range(n_tokens)],
    }
    for _ in range(20):
        scores = rng.normal(size=(2, n_tokens + 5)).astype(np.float32)
        scores[0, 4] += 3  # the best start and the best end are too far from each other
        scores[1, -2] += 3
        best = max(
            (scores[0, 4 + start] + scores[1, 4 + end], start, end)
            for start in range(n_tokens)
            for end in range(start, min(n_tokens, start + MOST_TOKENS))
        )
        wanted = example["passage"][3 * best[1] : 3 * best[2] + 2]
        assert form_named("span").decode(torch.from_numpy(scores)[None], [example]) == [wanted]


def test_a_passage_without_a_token_is_answered_with_nothing() -> None:
    example = {"passage": "x", "passage_start": 5, "token_starts": [], "token_ends": []}
    assert form_named("span").decode(torch.zeros(1, 2, 5), [example]) == [""]


# Constant and random predictions


@pytest.mark.parametrize("name", ["single", "pair"])
def test_constants_of_labels_are_those_that_occur(name: str) -> None:
    form = form_of(name)([f"word {i}" for i in range(1000)])
    assert form.constants([{"label": 731}, {"label": 4}]) == [[4, 4], [731, 731]]


@pytest.mark.parametrize("name", ["single", "pair", "answer-option", "choice"])
def test_constants_of_labels_are_each_label_for_all(name: str, tokenizer: Any) -> None:
    examples = encode(name, tiny.rows(name, 4), tokenizer)
    most = 4 if name == "choice" else 2  # tiny choices have 3 or 4 answers
    assert form_named(name).constants(examples) == [[label] * 4 for label in range(most)]


def test_constants_of_tags_have_a_tag_for_every_word(tokenizer: Any) -> None:
    rows = tiny.rows("tagging", 3)
    constants = form_named("tagging").constants(encode("tagging", rows, tokenizer))
    wanted = [[[name] * len(row["tags"]) for row in rows] for name in tiny.LABELS["tagging"]]
    assert constants == wanted


def test_no_predictor_gives_a_tag_to_a_word_cut_off(tokenizer: Any) -> None:
    row = {"tokens": ["the", "old", "anna", "berg", "rome"], "tags": [0, 0, 1, 2, 3]}
    examples = encode("tagging", [row], tokenizer, max_length=6)
    form = form_named("tagging")
    constants = [predicted for (predicted,) in form.constants(examples)]
    assert constants == [[name] * 4 + [NO_TAG] for name in tiny.LABELS["tagging"]]
    (guess,) = form.guesses(examples, np.random.default_rng(0))
    assert [name == NO_TAG for name in guess] == [False] * 4 + [True]


def test_constant_scores_make_the_first_candidate_of_a_question_its_answer(tokenizer: Any) -> None:
    rows = tiny.rows("candidate", 40)
    form, examples = form_named("candidate"), encode("candidate", rows, tokenizer)
    (constant,) = form.constants(examples)
    right = [row["label"] for row in rows[::4]]
    assert 0 < sum(right) < 10
    scores = metric_of("record")(constant, form.gold(examples))
    assert scores["exact_match"] == sum(right) / 10


def test_constants_of_spans_are_the_passage_its_first_and_its_last_word(tokenizer: Any) -> None:
    examples = encode("span", [span_row("the red door", "red")], tokenizer)
    assert form_named("span").constants(examples) == [["the red door"], ["the"], ["door"]]


@pytest.mark.parametrize("name", tiny.FORMS)
def test_guesses_are_possible_predictions_and_repeatable(name: str, tokenizer: Any) -> None:
    rows = tiny.rows(name, 40)
    form, examples = form_named(name), encode(name, rows, tokenizer)
    drawn = [form.guesses(examples, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    for row, guess in zip(rows, drawn[0], strict=True):
        if name == "span":
            assert guess
            assert guess in " ".join(row["passage"].split())
        elif name == "tagging":
            assert len(guess) == len(row["tags"])
            assert set(guess) <= set(tiny.LABELS["tagging"])
        elif name in ("spans", "multi-label"):
            assert guess in [[label] for label in range(len(tiny.LABELS[name]))]
        elif name == "regression":
            values = [row["value"] for row in rows]
            assert min(values) <= guess <= max(values)
        elif name == "candidate":
            assert 0 <= guess < 1
        elif name == "span-choice":
            assert guess in range(-1, len(row["choice_starts"]))
        else:
            assert guess in range(len(row.get("choices", "01")))


def test_guesses_are_uniform(tokenizer: Any) -> None:
    examples = encode("choice", tiny.rows("choice", 4), tokenizer) * 500
    guesses = np.array(form_named("choice").guesses(examples, np.random.default_rng(0)))
    of_three, of_four = guesses[::2], guesses[1::2]
    np.testing.assert_allclose(
        np.bincount(of_three, minlength=4) / 1000, [1 / 3] * 3 + [0], atol=0.05
    )
    np.testing.assert_allclose(np.bincount(of_four) / 1000, [1 / 4] * 4, atol=0.05)


# Found by name


def test_every_form_is_found_by_its_name() -> None:
    assert form_names() == tuple(sorted(tiny.FORMS))
    for name in form_names():
        assert issubclass(form_of(name), Form)
        assert form_of(name).__module__ == head_module(name)
        assert rows_of(name).encode.__module__ == rows_module(name)


@pytest.mark.parametrize("find", [form_of, rows_of])
@pytest.mark.parametrize("name", ["singel", "head", "rows", "", "../forms/single", "span_pair"])
def test_what_is_no_form_is_refused(find: Callable[[str], Any], name: str) -> None:
    with pytest.raises(InputError, match=f"unknown form {name!r}.*Allowed: answer-option, cand"):
        find(name)


def test_a_new_form_is_a_new_folder(tmp_path: Path) -> None:
    shutil.copytree(SOURCES / "interlude", tmp_path / "interlude")
    folder = tmp_path / "interlude/forms/new_form"
    folder.mkdir()
    (folder / "__init__.py").touch()
    rows = "from interlude.forms.rows import Rows\nROWS = Rows(lambda rows, *_: rows)\n"
    (folder / "rows.py").write_text(rows)
    (folder / "head.py").write_text("class NewForm: ...\n")
    program = (
        "from interlude.forms import form_names, form_of, rows_of\n"
        "assert 'new-form' in form_names()\n"
        "print(form_of('new-form').__name__, rows_of('new-form').encode([1], None, 8))"
    )
    assert run(program, tmp_path) == "NewForm [1]\n"


def test_the_rows_side_of_no_form_loads_torch() -> None:
    program = (
        "import sys\nfrom interlude.forms import form_names, rows_of\n"
        "print(len([rows_of(name) for name in form_names()]), 'torch' in sys.modules)"
    )
    assert run(program, SOURCES) == f"{len(tiny.FORMS)} False\n"


def run(program: str, sources: Path) -> str:
    """Return what a program prints in a process of its own."""
    environment = {"PYTHONPATH": str(sources), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
