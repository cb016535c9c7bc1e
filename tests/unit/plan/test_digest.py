"""The digests of the code behind a step: what changes them, and what does not.

Each edit is made in a copy of the sources. The tests follow the lines of docs/run.md that say what
runs again after a change of code.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import tiny

from interlude.data.read import reader_module, reader_modules
from interlude.forms import form_names
from interlude.metrics import metric_names
from interlude.plan import digest
from interlude.plan.methods import METHODS, method_of
from interlude.training import build, data

REPOSITORY = Path(__file__).parents[3]
TABLES = Path("workflow/scripts/make_tables.py")
FORMS = sorted(tiny.FORMS)
SWITCHES = ("carried_heads", "held_aside", "shared_heads")
TRAINING_ROOTS = digest.training_roots(FORMS, metric_names(), "uniform", switches=SWITCHES)

Edit = Callable[[str], str]
Edits = dict[str, Edit]
READERS = ("jsonl", "edge_probing", "probe_bigram_shift")
Codes = dict[str, str]


def copied(folder: Path, edits: Edits) -> Path:
    """Copy the sources and the scripts into a folder and edit some files, which may be new."""
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("src", "workflow/scripts"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=skipped)
    for name, edit in edits.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(edit(path.read_text(encoding="utf8") if path.exists() else ""), "utf8")
    return folder


def reading_code(reader: str, form: str) -> str:
    return digest.reading_code(reader_module(reader), form)


def codes() -> Codes:
    """Return the digest of each step that computes, by its name."""
    return {
        **{f"train {form}": digest.training_code([form], [tiny.METRICS[form]]) for form in FORMS},
        **{f"encode {form}": digest.encoding_code(form) for form in FORMS},
        **{f"read {name}": reading_code(name, "single") for name in READERS},
        **{f"shape {form}": reading_code("jsonl", form) for form in FORMS},
    }


@pytest.fixture(scope="module")
def before() -> Codes:
    return codes()


@pytest.fixture
def changed(
    before: Codes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Edits], set[str]]:
    """A function: the steps whose digest is another one after edits in a copy."""

    def of(edits: Edits) -> set[str]:
        tree = copied(tmp_path / f"copy-{len(list(tmp_path.iterdir()))}", edits)
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = codes()
        return {step for step in before if after[step] != before[step]}

    return of


def edited(file: str, old: str, new: str) -> Edits:
    """Return an edit of one file, which must hold the old text."""

    def edit(text: str) -> str:
        assert re.search(old, text), f"{file} holds no {old!r}"
        return re.sub(old, new, text, count=1)

    return {f"src/interlude/{file}": edit}


def with_function(*files: str) -> Edits:
    """Return an edit that appends a function, which nothing calls."""
    return {
        f"src/interlude/{file}": appended("def added() -> int:\n    return 1\n") for file in files
    }


def appended(code: str) -> Edit:
    return lambda text: f"{text}\n\n{code}"


def new_file(name: str, content: str) -> Edits:
    return {f"src/interlude/{name}": lambda _: content}


TRAININGS = {f"train {form}" for form in FORMS}
ENCODINGS = {f"encode {form}" for form in FORMS}
READINGS = {f"read {name}" for name in READERS} | {f"shape {form}" for form in FORMS}
WITH_TOKENS_OF_TEXTS = ("span", "span-choice", "tagging", "spans", "span-pair", "word-in-context")

# A line of the table, and what runs again after the edit: of what is digested here.
NEW_FORM = {
    **new_file("forms/new_form/__init__.py", ""),
    **new_file("forms/new_form/declaration.py", "DECLARATION = None\n"),
    **new_file("forms/new_form/columns.py", "COLUMNS = None\n"),
    **new_file("forms/new_form/rows.py", "ROWS = None\n"),
    **new_file("forms/new_form/head.py", "class NewForm: ...\n"),
}
NOTHING: dict[str, Edits] = {
    "a new form": NEW_FORM,
    "a new reader": new_file(
        "data/read/new.py", "@reader\ndef new_reader(members, dropped): ...\n"
    ),
    "a new metric": new_file("metrics/new.py", "def new(): ...\n"),
    "a new origin": new_file("data/fetch/new.py", "ADDED = 1\n"),
    "a new key of a study": with_function("plan/study.py", "plan/config.py"),
    "a new estimator": new_file("analysis/new.py", "ADDED = 1\n"),
    "words of an error in training": edited("training/data.py", "keeps its answer", "is whole"),
    "words of an error in encoding": edited("encode/tokenizer.py", "has no fast", "lacks a fast"),
    "words of an error in reading": edited("data/read/readers.py", "not valid JSON", "no JSON"),
    "words of all errors": edited("errors.py", "found", "seen"),
    "a comment": edited("training/loop.py", r"\A", "# a comment\n\n\n"),
    "a trailing comment": edited("training/loop.py", r"\n\Z", "  # why\n\n\n"),
    "the docstring of a module": edited(
        "training/loop.py", r'"""The training l[^"]*"""', '"""."""'
    ),
    "the docstring of a function": edited("training/loop.py", r'"""Train a m[^"]*"""', '"""."""'),
    "layout": edited("training/loop.py", r"model\.eval\(\)", "model.eval(\n\n    )"),
    "imports for annotations": edited(
        "forms/__init__.py", "import Rows", "import Rows, per_example"
    ),
    "the version of this package": edited(
        "__init__.py", r'__version__ = ".*"', '__version__ = "9"'
    ),
    "which versions are recorded": edited("versions.py", '"torch", ', ""),
    "how files are written": with_function("files.py"),
    "names of columns": with_function("words.py"),
    "seconds between two looks for a GPU": edited("jobs/claims.py", "SECONDS = 0.5", "SECONDS = 2"),
    "words of a log line": edited("jobs/shared.py", "copied from", "found in"),
    "another metric of a form": edited(
        "forms/tagging/declaration.py", r'"tag_accuracy"', '"tag_accuracy", "new"'
    ),
    "what forms say of a column": edited("forms/declaration.py", "a source column,", "a column,"),
    "a key of a mirror's manifest": edited("data/fetch/mirror.py", r'"file"', '"path"'),
    **{
        f"an unused function in {file}": with_function(file)
        for file in (
            *("data/fetch/mirror.py", "data/fetch/hub.py", "jobs/machine.py", "jobs/meter.py"),
            *("jobs/failure.py", "jobs/shared.py", "jobs/checkpoint.py", "jobs/perform.py"),
        )
    },
    "analysis": with_function("analysis/tables.py", "figures/heatmap.py"),
}
SOMETHING: dict[str, tuple[Edits, set[str]]] = {
    "what all readers share": (with_function("data/read/readers.py"), READINGS),
    "one module of readers": (with_function("data/read/probing.py"), {"read probe_bigram_shift"}),
    "shaping": (with_function("data/shape/normalise.py"), READINGS),
    "values of source rows": (with_function("forms/values.py"), READINGS),
    "the columns of one form": (
        edited("forms/spans/columns.py", '"group" in', '"groups" in'),
        {"shape spans"},
    ),
    "encoding": (edited("encode/encoding.py", "CHUNK = 1000", "CHUNK = 999"), ENCODINGS),
    "the tokenizer": (edited("encode/tokenizer.py", '"right"', '"left"'), ENCODINGS),
    "the rows of one form": (
        edited("forms/choice/rows.py", "longest_first", "only_first"),
        {"encode choice"},
    ),
    "what the rows of some forms share": (
        edited("forms/text_tokens.py", "max\\(left, start\\) <", "max(left, start) <="),
        {f"encode {form}" for form in WITH_TOKENS_OF_TEXTS},
    ),
    "the head of one form": (
        edited("forms/span/head.py", "MOST_TOKENS = 30", "MOST_TOKENS = 31"),
        {"train span"},
    ),
    "what some heads share": (
        with_function("forms/span_heads.py"),
        {"train spans", "train span-choice", "train span-pair", "train word-in-context"},
    ),
    "a metric": (edited("metrics/matthews.py", "== 1", "<= 1"), {"train pair"}),
    "a metric that another is made of": (
        edited("metrics/qa_f1_em.py", "/ 2", "/ 3"),
        {"train span", "train candidate"},
    ),
    "the loop": (edited("training/loop.py", "mean > max", "mean >= max"), TRAININGS),
    "the optimizer": (
        edited("training/optimizer.py", "eps: float = 1e-6", "eps: float = 1e-8"),
        TRAININGS,
    ),
    "dropout": (edited("training/dropout.py", "BITS = 15", "BITS = 14"), TRAININGS),
    "reference scores": (edited("training/reference.py", "ROUNDS = 20", "ROUNDS = 21"), TRAININGS),
    "what heads read of examples": (
        edited("forms/examples.py", "CUT = -1", "CUT = -2"),
        TRAININGS | ENCODINGS | READINGS,
    ),
}


@pytest.mark.parametrize("edits", NOTHING.values(), ids=NOTHING)
def test_nothing_is_computed_again_after(
    edits: Edits, changed: Callable[[Edits], set[str]]
) -> None:
    assert changed(edits) == set()


@pytest.mark.parametrize(("edits", "wanted"), SOMETHING.values(), ids=SOMETHING)
def test_what_is_computed_again_after_a_change_of(
    edits: Edits, wanted: set[str], changed: Callable[[Edits], set[str]]
) -> None:
    assert changed(edits) == wanted


def test_columns_rows_and_head_of_every_form_count_for_that_form_alone(
    changed: Callable[[Edits], set[str]],
) -> None:
    """In each copy, these files of four forms are edited, each of another form."""
    for place in range(len(FORMS)):
        forms = [FORMS[(place + k) % len(FORMS)] for k in range(4)]
        head, rows, columns, _ = forms
        parts = zip(forms, ("head", "rows", "columns", "declaration"), strict=True)
        files = [f"forms/{form.replace('-', '_')}/{part}.py" for form, part in parts]
        reads = {f"read {name}" for name in READERS} if columns == "single" else set()
        made_again = {f"train {head}", f"encode {rows}", f"shape {columns}"} | reads
        assert changed(with_function(*files)) == made_again


def test_every_metric_counts_for_the_trainings_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def metric_codes() -> Codes:
        return {name: digest.training_code(["single"], [name]) for name in metric_names()}

    unchanged = metric_codes()
    assert len(set(unchanged.values())) == len(unchanged)
    for name in metric_names():
        tree = copied(tmp_path / name, with_function(f"metrics/{name}.py"))
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = metric_codes()
        assert after[name] != unchanged[name]
        assert (after["f1_macro"] != unchanged["f1_macro"]) is (name in ("f1_macro", "accuracy"))


def test_a_training_of_several_forms_and_metrics_depends_on_all_and_not_on_their_order() -> None:
    both = digest.training_code(["span", "single"], ["qa_f1_em", "accuracy"])
    assert both == digest.training_code(["single", "span"], ["accuracy", "qa_f1_em"])
    assert both not in (
        digest.training_code(["span"], ["qa_f1_em", "accuracy"]),
        digest.training_code(["span", "single"], ["qa_f1_em"]),
    )


SAMPLERS = ("dynamic", "proportional", "size", "temperature", "uniform")


def test_every_sampler_counts_for_the_mixtures_that_use_it_and_for_no_training_on_one_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes() -> Codes:
        forms, metrics = ["single", "span"], ["accuracy", "qa_f1_em"]
        mixtures = {name: digest.training_code(forms, metrics, name) for name in SAMPLERS}
        return mixtures | {"one task": digest.training_code(["single"], ["accuracy"])}

    unchanged = codes()
    assert len(set(unchanged.values())) == len(unchanged)
    files = {f"training/samplers/{name}.py": {name} for name in SAMPLERS}
    files |= {"training/mixture.py": {*SAMPLERS}, "training/batches.py": {*unchanged}}
    for file, changed in files.items():
        tree = copied(tmp_path / file.replace("/", "-"), with_function(file))
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = codes()
        assert {name for name in unchanged if after[name] != unchanged[name]} == changed


def test_every_method_counts_for_the_trainings_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = {name: method_of({"name": name}) for name in METHODS}

    def codes() -> Codes:
        return {
            name: digest.training_code(["single"], ["accuracy"], None, method)
            for name, method in methods.items()
        }

    unchanged = codes()
    assert len(set(unchanged.values())) == len(unchanged)
    adapters = {*METHODS} - {"full"}
    files = {f"training/methods/{name}.py": {name} for name in adapters}
    files |= {"training/methods/tuner.py": adapters - {"bottleneck"}}
    files |= {"training/methods/__init__.py": {*METHODS}, "plan/methods.py": set()}
    for file, changed in files.items():
        tree = copied(tmp_path / file.replace("/", "-"), with_function(file))
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = codes()
        assert {name for name in unchanged if after[name] != unchanged[name]} == changed


def test_every_switch_counts_for_the_trainings_that_have_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes() -> Codes:
        alone = {name: [name] for name in SWITCHES} | {"none": []}
        return {
            name: digest.training_code(["single"], ["accuracy"], switches=on)
            for name, on in alone.items()
        }

    unchanged = codes()
    assert len(set(unchanged.values())) == len(unchanged)
    changes = {name: {name} for name in SWITCHES}
    changes["shared_heads"] |= {"carried_heads"}  # which heads are one counts there too
    for name, changed in changes.items():
        tree = copied(tmp_path / name, with_function(f"training/{name}.py"))
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = codes()
        assert {each for each in unchanged if after[each] != unchanged[each]} == changed


def test_a_training_loads_for_a_switch_the_module_that_the_digest_covers() -> None:
    for name, module in {"held_aside": data.HELD_ASIDE, "shared_heads": build.SHARED_HEADS}.items():
        assert module in digest.training_roots([], [], switches=[name])


def test_masked_lm_counts_for_the_trainings_that_have_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes() -> Codes:
        both = digest.training_code(["mlm", "single"], ["accuracy", "masked_accuracy"], "size")
        mixture = digest.training_code(["single", "span"], ["accuracy", "qa_f1_em"], "size")
        return {"with": both, "without": mixture}

    unchanged = codes()
    files = ("masked_lm", "masked_lm_head", "masking")
    for file in (*(f"training/{each}.py" for each in files), "metrics/masked_accuracy.py"):
        tree = copied(tmp_path / file.replace("/", "-"), with_function(file))
        monkeypatch.setattr(digest, "SOURCES", tree / "src")
        after = codes()
        assert after["with"] != unchanged["with"]
        assert after["without"] == unchanged["without"]


def test_a_digest_is_16_hex_digits_and_the_same_in_every_folder(
    before: Codes, changed: Callable[[Edits], set[str]]
) -> None:
    assert all(re.fullmatch(r"[0-9a-f]{16}", code) for code in before.values())
    assert changed({}) == set()


@pytest.mark.parametrize(("form", "metric"), [("no-form", "accuracy"), ("single", "no_metric")])
def test_what_is_not_there_has_no_digest(form: str, metric: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no module interlude\.\S*\.no_"):
        digest.training_code([form], [metric])


# The digest of a script


def script_code(tree: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(digest, "SOURCES", tree / "src")
    return digest.code_digest(tree / TABLES)


@pytest.mark.parametrize(
    ("edits", "is_another"),
    [
        (with_function("analysis/tables.py"), True),
        (with_function("words.py"), True),
        ({str(TABLES): lambda text: text.replace("main()", "other()")}, True),
        (with_function("errors.py"), False),
        (with_function("training/loop.py"), False),
        ({str(TABLES): lambda text: f"# a comment\n{text}"}, False),
        ({"workflow/scripts/collect.py": lambda _: "ADDED = 1\n"}, False),
    ],
    ids=["module", "names", "script", "words", "training", "comment", "another script"],
)
def test_digest_of_a_script_follows_its_imports(
    edits: Edits, is_another: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tables are made by names that the plan shares: a script says so by importing them.
    names = {str(TABLES): appended("import interlude.words\n")}
    before = script_code(copied(tmp_path / "before", names), monkeypatch)
    tree = copied(tmp_path / "after", names)
    after = script_code(copied_edits(tree, edits), monkeypatch)
    assert (after != before) is is_another


def copied_edits(tree: Path, edits: Edits) -> Path:
    for name, edit in edits.items():
        path = tree / name
        path.write_text(edit(path.read_text("utf8") if path.exists() else ""), "utf8")
    return tree


@pytest.mark.parametrize(
    "line",
    [
        "from interlude.training import batches",
        "import interlude.training.batches",
        "def f():\n    from interlude.training.batches import POOL",
        "if True:\n    from interlude.training.batches import POOL",
    ],
)
def test_digest_follows_every_way_to_import(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = {str(TABLES): lambda _: line}
    other = edited("training/batches.py", "POOL = 32", "POOL = 33")
    trees = [copied(tmp_path / "a", script), copied(tmp_path / "b", {**script, **other})]
    first, second = (script_code(tree, monkeypatch) for tree in trees)
    assert first != second


# What Python itself loads

STEPS = """
import json, sys
from pathlib import Path

model, data, encoded, folder = map(Path, sys.argv[1:5])
metrics = json.loads(sys.argv[5])


def encode(form):
    from interlude.encode.encoding import encode_task
    encode_task(data / form, folder / form, form, model, 32)


def train(form):
    from interlude.plan.settings import Settings
    from interlude.training.build import build_model, settle
    from interlude.training.data import alone, load_task
    from interlude.training.loop import train
    from interlude.training.platform import choose_platform
    from interlude.training.reference import is_constant, reference_scores
    from interlude.training.start import write_start
    settings = Settings(steps=1, batch_size=8)
    examples = load_task("tiny", form, metrics[form], encoded / form, settings)
    built = build_model(model, None, alone(examples), settings, 1)
    platform = settle(built, choose_platform("cpu", "fp32"), "fp32", "tiny")
    trained = train(built, alone(examples), settings, 1, platform, True, lambda *_: None)
    reference_scores(examples), is_constant(examples, trained.part.predictions)
    write_start(folder / f"start-{form}", "ok", "tiny", trained.encoder, {"tiny": trained.heads[0]})


for form in metrics:
    for step in (encode, train):
        for name in [name for name in sys.modules if name.split(".")[0] == "interlude"]:
            del sys.modules[name]  # as in a process of its own, but for what others made
        step(form)
        loaded = [name for name in sys.modules if name.split(".")[0] == "interlude"]
        print(json.dumps([step.__name__, form, loaded]))
"""


@pytest.fixture(scope="module")
def loaded(
    model: Path, encoded: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], set[str]]:
    """The modules of what computes that each step of each form loads."""
    root = encoded["single"].parent
    folders = [model, root / "data", root, tmp_path_factory.mktemp("steps")]
    done = subprocess.run(
        [sys.executable, "-c", STEPS, *map(str, folders), json.dumps(tiny.METRICS)],
        check=True,
        env={
            "PYTHONPATH": str(REPOSITORY / "src"),
            "PATH": "/usr/bin:/bin",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
    )
    steps = map(json.loads, done.stdout.splitlines())
    return {(step, form): set(filter(is_inside, names)) for step, form, names in steps}


def is_inside(module: str) -> bool:
    """Return whether a module can change a number."""
    within = tuple(f"{each}." for each in digest.OUTSIDE)
    return module != "interlude" and not f"{module}.".startswith(within)


@pytest.mark.parametrize("form", FORMS)
def test_a_digest_covers_exactly_the_modules_that_a_step_loads(
    form: str, loaded: dict[tuple[str, str], set[str]]
) -> None:
    training = digest.training_roots([form], [tiny.METRICS[form]])
    assert loaded["train", form] == set(digest.modules_of(training))
    assert loaded["encode", form] == set(digest.modules_of(digest.encoding_roots(form)))


def test_the_tests_see_every_form() -> None:
    assert list(form_names()) == FORMS


def test_jobs_call_nothing_of_the_engine_that_no_digest_covers() -> None:
    # What a job calls beside it refuses what a training cannot take, or puts something into words.
    beside = {"interlude.encode.check", "interlude.encode.truncation_report"}
    roots = [TRAINING_ROOTS, *map(digest.encoding_roots, FORMS)]
    covered = {name for each in roots for name in digest.modules_of(each)}
    rooms = (
        "interlude.training.",
        "interlude.encode.",
        "interlude.forms.",
        "interlude.metrics.",
    )
    for path in (REPOSITORY / "src/interlude/jobs").glob("*.py"):
        called = {name for name in imported(path) if name.startswith(rooms)}
        assert called <= covered | beside, path


def imported(path: Path) -> set[str]:
    """Return the modules of this package that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    modules = {".".join(p.with_suffix("").parts) for p in relative_sources()}
    return found & modules


def relative_sources() -> list[Path]:
    return [path.relative_to(REPOSITORY / "src") for path in (REPOSITORY / "src").rglob("*.py")]


WITH_SWITCHES = ("interlude.training.build", "interlude.training.data")


def test_only_the_registries_load_by_name_what_a_digest_covers() -> None:
    steps = [
        TRAINING_ROOTS,
        *(digest.reading_roots(reader, "single") for reader in set(reader_modules().values())),
    ]
    steps += [digest.encoding_roots(form) for form in FORMS]
    modules = {name: path for roots in steps for name, path in digest.modules_of(roots).items()}
    by_name = {name for name, path in modules.items() if "importlib" in path.read_text("utf8")}
    registries = {"interlude.forms", "interlude.metrics", "interlude.training.samplers"}
    registries |= {"interlude.training.methods"}
    assert by_name == {*registries, *WITH_SWITCHES, "interlude.data.read.rows"}


def test_training_knows_nothing_of_rows_and_encoding_nothing_of_heads() -> None:
    training = digest.modules_of(digest.training_roots(FORMS, metric_names()))
    assert not [name for name in training if name.endswith(".rows")]
    for form in FORMS:
        encoding = digest.modules_of(digest.encoding_roots(form))
        assert not [name for name in encoding if name.endswith(".head")]


def test_no_module_of_the_package_uses_relative_imports() -> None:
    # The digest would not follow them.
    for path in (REPOSITORY / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


EXTRACTED, SCORED = ("pair", "tagging"), ("logme", "knn", "textemb")


def selection_codes() -> Codes:
    return {
        **{f"extract {form}": digest.extraction_code([form]) for form in EXTRACTED},
        **{f"score {method}": digest.scoring_code([method]) for method in SCORED},
        "train": digest.training_code(["pair"], ["matthews"]),
    }


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("selection/labelled.py", {"extract pair", "extract tagging"}),
        ("training/batches.py", {"extract pair", "extract tagging", "train"}),
        ("forms/tagging/head.py", {"extract tagging"}),
        ("selection/estimators/logme.py", {"score logme"}),
        ("selection/estimators/probes.py", {"score knn"}),
        ("selection/similarity.py", {"score logme", "score knn", "score textemb"}),
        ("training/loop.py", {"train"}),
        ("selection/estimators/transrate.py", set()),
        ("plan/selection.py", set()),
    ],
)
def test_code_of_selection_makes_its_own_numbers_again_and_trains_nothing(
    file: str, again: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = selection_codes()
    monkeypatch.setattr(digest, "SOURCES", copied(tmp_path, with_function(file)) / "src")
    after = selection_codes()
    assert {step for step in before if after[step] != before[step]} == again
