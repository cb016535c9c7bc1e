"""The tasks of Poth et al. 2021 that came with it, each read from a small file of its layout."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task, load_task

ROOT = Path(__file__).parents[3]
Row = dict[str, Any]

SENTENCE = ["Anna", "ran", "."]
PLOT = "A man robs a bank. The man is Bob."
CONTEXT = " Anna lives in Oslo. She likes it."  # begins with a blank, as some of SQuAD do
SQUAD = {
    "question": "Where?",
    "context": CONTEXT,
    "answers": {"text": ["Oslo"], "answer_start": [15]},
}
NONE = {"text": [], "answer_start": []}
DOCUMENTS = {"title": ["Oslo", "Bob"], "sentences": [["A city.", " It is old."], ["Bob ran."]]}


def words(column: str, tags: list[Any], **more: Any) -> list[Row]:
    return [{"tokens": SENTENCE, column: tags, **more}]


def texts(*labels: Any, label: str = "label", text: str = "text") -> list[Row]:
    return [{text: f"text {number}", label: each} for number, each in enumerate(labels)]


def span(passage: str, start: int, *answers: str, question: str = "Where?") -> Row:
    end = start + len(answers[0])
    told = {"question": question, "passage": passage, "start": start, "end": end}
    return {**told, "answers": list(answers)}


# Task -> rows of each split, and what becomes of the first example of train: its columns. Splits
# of which nothing is said have the same rows.
CHOICE = {"question": "Why?", "options": ["a", "b", "c", "d"]}
LAYOUTS: dict[str, tuple[dict[str, list[Row]] | list[Row], Row]] = {
    "ud-pos": (words("upos", [10, 16, 1]), {"tokens": SENTENCE, "tags": [10, 16, 1]}),
    "ud-deprel": (
        words("deprel", ["nsubj", "root", "punct"]),
        {"tokens": SENTENCE, "tags": [0, 2, 1]},
    ),
    "conll-2000": (words("chunk_tags", [11, 21, 0]), {"tokens": SENTENCE, "tags": [11, 21, 0]}),
    "conll-2003-pos": (words("pos_tags", [22, 38, 7]), {"tokens": SENTENCE, "tags": [22, 38, 7]}),
    "conll-2003-ner": (words("ner_tags", [1, 0, 0]), {"tokens": SENTENCE, "tags": [1, 0, 0]}),
    "wnut-17": (words("ner_tags", [9, 0, 0]), {"tokens": SENTENCE, "tags": [9, 0, 0]}),
    "pmb-sem-tagging": (
        words("tags", ["PER", "EPS", "NIL"]),
        {"tokens": SENTENCE, "tags": [2, 0, 1]},
    ),
    "imdb": (texts(0, 1), {"text": "text 0", "label": 0}),
    "rotten-tomatoes": (texts(0, 1), {"text": "text 0", "label": 0}),
    "yelp-polarity": (texts(1, 0), {"text": "text 0", "label": 1}),
    "emo-context": (texts(3, 0), {"text": "text 0", "label": 3}),
    "emotion": (texts(4, 0), {"text": "text 0", "label": 4}),
    "trec": (texts(5, 0, label="coarse_label"), {"text": "text 0", "label": 5}),
    "sci-cite": (texts(2, 0, text="string"), {"text": "text 0", "label": 2}),
    "snli": (
        [
            {"premise": "a man", "hypothesis": "one", "label": label}
            for label in (-1, 2, 0)  # the first has no label that people agree on
        ],
        {"text_a": "a man", "text_b": "one", "label": 2},
    ),
    "anli-r3": (
        {
            split: [{"premise": split, "hypothesis": "b", "label": label} for label in (2, 0)]
            for split in ("train_r1", "train_r2", "train_r3", "dev_r3")
        },
        {"text_a": "train_r1", "text_b": "b", "label": 2},
    ),
    "sick": (
        [{"sentence_A": "a", "sentence_B": "b", "label": label} for label in (2, 0)],
        {"text_a": "a", "text_b": "b", "label": 2},
    ),
    "boolq-accuracy": (
        [{"passage": "a", "question": "b", "label": label} for label in (True, False)],
        {"text_a": "a", "text_b": "b", "label": 1},
    ),
    "swag": (
        [
            {
                "sent1": "a",
                "sent2": "b",
                "label": label,
                **{f"ending{k}": f"c{k}" for k in range(4)},
            }
            for label in (3, 0)
        ],
        {"text": "a", "choices": ["b c0", "b c1", "b c2", "b c3"], "label": 3},
    ),
    "art": (
        [
            {"observation_1": "a", "observation_2": "z", "hypothesis_1": "b", "hypothesis_2": "c"}
            | {"label": label}
            for label in (2, 1)
        ],
        {"text": "a", "choices": ["b z", "c z"], "label": 1},
    ),
    "race": (
        [{"article": "text", **CHOICE, "answer": answer} for answer in "CA"],
        {"text": "text", "choices": ["Why? a", "Why? b", "Why? c", "Why? d"], "label": 2},
    ),
    "quail": (
        [
            {"context": "text", "question": "Why?", "answers": ["a", "b", "c", "d"]}
            | {"correct_answer_id": number}
            for number in (2, 0)
        ],
        {"text": "text", "choices": ["Why? a", "Why? b", "Why? c", "Why? d"], "label": 2},
    ),
    "squad": ([SQUAD], span(CONTEXT, 15, "Oslo")),
    "newsqa": ([SQUAD], span(CONTEXT, 15, "Oslo")),
    "complex-questions": ([SQUAD], span(CONTEXT, 15, "Oslo")),
    "quoref": (
        [SQUAD | {"answers": {"text": ["Oslo", "Anna"], "answer_start": [15, 1]}}],
        span(CONTEXT, 15, "Oslo", "Anna"),
    ),
    "squad-v2": ([SQUAD], span(f"unanswerable {CONTEXT}", 28, "Oslo")),
    "duorc-s": (
        [{"question": "Who?", "plot": PLOT, "answers": ["a robber", "bob", "the man"]}],
        span(f"unanswerable {PLOT}", 43, "Bob", "a robber", "bob", "the man", question="Who?"),
    ),
    "duorc-p": (
        [{"question": "Who?", "plot": PLOT, "answers": []}],
        span(f"unanswerable {PLOT}", 0, "unanswerable", question="Who?"),
    ),
    "wikihop": (
        [
            {
                "query": "country x",
                "answer": "norway",
                "supports": ["Oslo is a city .", "In Norway ."],
            }
        ],
        span("Oslo is a city . In Norway .", 20, "Norway", "norway", question="country x"),
    ),
    "hotpot-qa": (
        [{"question": "Who?", "answer": "Bob", "context": DOCUMENTS}],
        span("Oslo A city. It is old. Bob Bob ran.", 24, "Bob", question="Who?"),
    ),
    "drop": (
        [
            {"question": "Who?", "passage": "Bob beat Anna 32-7.", "answers_spans": each}
            for each in ({"spans": ["Eve", "Anna"], "types": ["span", "span"]},)
        ],
        span("Bob beat Anna 32-7.", 9, "Anna", "Eve", question="Who?"),
    ),
}
FILES = {  # of their own layout, not lines of JSON
    "mit-movie-trivia": (
        "B-Actor\tAnna\nO\tran\nO\t.\n\n",
        {"tokens": SENTENCE, "tags": [0, 1, 1]},
    ),
    "fce-error-detection": ("Anna\tc\nran\ti\n.\tc\n\n", {"tokens": SENTENCE, "tags": [0, 1, 0]}),
}
CUT = 5  # so often does a file that is cut at four fifths have each row


def written(task: Task, rows: dict[str, list[Row]] | list[Row], folder: Path) -> Places:
    """Write a file for each split that a task reads, where it looks for it; return the places."""
    times = CUT if task.shuffle else 1
    by_split = rows if isinstance(rows, dict) else dict.fromkeys(task.inputs(), rows * times)
    entries = []
    folder.mkdir(exist_ok=True)
    for split, of_split in by_split.items():
        if task.source.own is not None:
            name = task.source.own.files.get(split, f"{split}.jsonl")
            file = folder / "own" / task.name / name
            file.parent.mkdir(parents=True, exist_ok=True)
            whole = json.dumps(of_split) if file.suffix == ".json" else None
            file.write_text(whole or "\n".join(map(json.dumps, of_split)))
        else:
            file = folder / f"{split}.parquet"
            pq.write_table(pa.Table.from_pylist(of_split), file)
            hub = task.source.hub
            named = {"hub_id": hub.id, "hub_config": hub.config} if hub is not None else {}
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            told = {"dataset": "any", "split": split, "file": file.name, "sha256": sha256}
            entries.append(named | told)
    (folder / "MANIFEST.json").write_text(json.dumps({"files": entries}))
    return Places(
        Path("archives.yaml"), mirror=folder, own_data=folder / "own", slices=folder / "none"
    )


def first(folder: Path) -> Row:
    """Return the columns of the first example of train."""
    row: Row = pq.read_table(folder / "train.parquet").slice(0, 1).to_pylist()[0]
    return {name: value for name, value in row.items() if name != "id"}


def task_of(name: str) -> Task:
    return load_task(ROOT / f"config/tasks/{name}.yaml")


@pytest.mark.parametrize("name", sorted(LAYOUTS.keys() - {"boolq-accuracy"}))
def test_a_task_reads_its_layout(name: str, tmp_path: Path) -> None:
    task = task_of(name)
    rows, expected = LAYOUTS[name]
    prepare(task, written(task, rows, tmp_path), tmp_path / "out")
    if not task.shuffle:
        assert first(tmp_path / "out") == expected
    else:
        found = pq.read_table(tmp_path / "out/train.parquet").drop_columns("id").to_pylist()
        assert expected in found
        sizes = json.loads((tmp_path / "out/manifest.json").read_text())["sizes"]
        assert sizes["train"] == 4 * sizes["validation"]


@pytest.mark.parametrize("name", FILES)
def test_a_task_reads_its_columns_of_words(name: str, tmp_path: Path) -> None:
    task = task_of(name)
    text, expected = FILES[name]
    assert task.source.own is not None
    folder = tmp_path / "own" / name
    folder.mkdir(parents=True)
    for file in task.source.own.files.values():
        (folder / file).write_text(text * CUT)
    places = Places(Path("archives.yaml"), own_data=tmp_path / "own")
    prepare(task, places, tmp_path / "out")
    assert first(tmp_path / "out") == expected


# The reader of answers


def read(name: str, folder: Path, *rows: Row) -> tuple[list[Row], dict[str, int]]:
    """Return what a task makes of some rows, and how many of them it left out, by reason."""
    task = task_of(name)
    prepare(task, written(task, [*rows], folder), folder / "out")
    dropped = json.loads((folder / "out/manifest.json").read_text())["dropped"]
    return pq.read_table(folder / "out/train.parquet").drop_columns("id").to_pylist(), dropped


def test_a_question_without_an_answer_has_the_word_before_the_passage(tmp_path: Path) -> None:
    found, dropped = read("squad-v2", tmp_path, SQUAD, SQUAD | {"answers": NONE})
    assert found[1] == span(f"unanswerable {CONTEXT}", 0, "unanswerable")
    assert not dropped


def test_the_place_that_the_data_give_counts_and_is_held_to_the_answer(tmp_path: Path) -> None:
    twice = {"question": "Who?", "context": "Bob saw Bob.", "answers": NONE}
    found, _ = read(
        "squad-v2", tmp_path, twice | {"answers": {"text": ["Bob"], "answer_start": [8]}}
    )
    assert found == [span("unanswerable Bob saw Bob.", 21, "Bob", question="Who?")]
    wrong = twice | {"answers": {"text": ["Bob"], "answer_start": [1]}}
    with pytest.raises(InputError, match="the passage holds 'ob ' from 14 to 17"):
        read("squad-v2", tmp_path / "wrong", wrong)


def test_answers_are_whole_words_in_their_own_case_where_there_are_such(tmp_path: Path) -> None:
    rows = [
        {"question": "Who?", "plot": plot, "answers": ["man"]}
        for plot in ("A woman, a Man and a man.", "A woman and a Man.", "A woman.")
    ]
    found, dropped = read("duorc-s", tmp_path, *rows)
    assert [row["start"] - len("unanswerable ") for row in found] == [21, 14]
    assert found[1]["answers"] == ["Man", "man"]
    assert dropped == {"no answer is in the passage word for word": 2}  # in train and validation


def test_judgements_and_blank_answers_are_no_words_of_a_passage(tmp_path: Path) -> None:
    rows = [
        {"question": "Who?", "answer": answer, "context": DOCUMENTS}
        for answer in ("Bob", "yes", "No", " ")
    ]
    found, dropped = read("hotpot-qa", tmp_path, *rows)
    assert [row["answers"] for row in found] == [["Bob"]]
    assert dropped == {"the answer is yes or no": 4, "no answer": 2}


def test_a_sentence_without_words_is_left_out_and_counted(tmp_path: Path) -> None:
    """The hub's CoNLL-2000 has 8,937 sentences to train on, one more than there are."""
    empty = {"tokens": [], "chunk_tags": []}
    task = task_of("conll-2000")
    rows = {"train": [*(words("chunk_tags", [11, 21, 0]) * 4 * CUT), empty]}
    prepare(task, written(task, rows, tmp_path), tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert sum(manifest["sizes"].values()) == 4 * CUT
    assert manifest["dropped"] == {"nothing in tokens": 1}
