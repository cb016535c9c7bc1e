"""Digests of the code behind a step, blind to comments, docstrings, layout and words of errors.

Snakemake keeps one as a parameter: a change of code that computes something reruns the step; a
comment or a touched file does not, and neither does a change of code that the step never runs.

A digest covers the modules that are reached by imports from where a step begins. What is loaded by
name only when it is asked for (forms, metrics) is named by the registry that loads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from interlude.forms import columns_module, head_module, rows_module
from interlude.metrics import metric_module
from interlude.plan.bare_source import source_of
from interlude.plan.methods import FULL, Method
from interlude.plan.trainings import MLM

SOURCES = Path(__file__).parents[2]
PACKAGE = "interlude"

# Where the steps that compute begin: the modules that a job calls.
TRAINING = (
    "interlude.training.build",
    "interlude.training.data",
    "interlude.training.loop",
    "interlude.training.platform",
    "interlude.training.reference",
    "interlude.training.start",
)
# What a training on several tasks loads beside them: with the samplers, of which it runs one.
MIXTURE = "interlude.training.mixture"
SAMPLERS = "interlude.training.samplers"
# What trains an adapter loads by the name of its method; there is none that trains all weights.
METHODS = "interlude.training.methods"
# What masked language modelling loads, whose part has the word in place of a form.
MASKED_LM = "interlude.training.masked_lm"
# Where the module of each switch of a training lies.
SWITCHED = "interlude.training"
# Where methods of selection begin: with what encoders make of examples, and with what methods make
# of that; those that need features are modules found by name.
EXTRACTION = ("interlude.selection.extract",)
SCORING = ("interlude.selection.scores",)
ESTIMATORS = "interlude.selection.estimators"
ENCODING = ("interlude.encode.encoding",)
TEXT_FILES = ("interlude.encode.text_file",)
READING = ("interlude.data.read.rows", "interlude.data.shape.normalise")
# What only names, fetches, plans, schedules, claims, shares, keeps, reports or words things can
# change no number: the digests of these steps never cover it.
OUTSIDE = (
    "interlude.words",
    "interlude.errors",
    "interlude.versions",
    "interlude.files",
    "interlude.plan",
    "interlude.data.fetch",
    "interlude.jobs",
)
NO_TABLE_DEPENDS_ON = ("interlude.errors",)

Modules = dict[str, Path]


def code_digest(script: Path) -> str:
    """Return 16 hex digits for a script and every module of this package that it imports."""
    modules = _reached(source_of(script).imports, NO_TABLE_DEPENDS_ON)
    return _digest({script.name: script, **modules})


def training_code(
    forms: Iterable[str],
    metrics: Iterable[str],
    sampler: str | None = None,
    method: Method = FULL,
    switches: Iterable[str] = (),
) -> str:
    """Return 16 hex digits for the code that computes a training of these forms and metrics.

    sampler: of a training on several tasks. switches: see `trainings.Training.switches`.
    """
    return _code(training_roots(forms, metrics, sampler, method, switches), SOURCES)


def extraction_code(forms: Iterable[str], method: Method = FULL) -> str:
    """Return 16 hex digits for the code that extracts features of tasks of these forms."""
    heads = sorted({head_module(form) for form in forms})
    adapter = () if method.is_full else (f"{METHODS}.{method.name}",)
    return _code((*EXTRACTION, *heads, *adapter), SOURCES)


def scoring_code(methods: Iterable[str]) -> str:
    """Return 16 hex digits for the code of methods of selection."""
    modules = (f"{ESTIMATORS}.{method.replace('-', '_')}" for method in sorted(methods))
    existing = (module for module in modules if _module_file(module) is not None)
    return _code((*SCORING, *existing), SOURCES)


def encoding_code(form: str) -> str:
    """Return 16 hex digits for the code that encodes the rows of a form."""
    return _code(encoding_roots(form), SOURCES)


def text_file_code() -> str:
    """Return 16 hex digits for the code that encodes a text file."""
    return _code(TEXT_FILES, SOURCES)


def reading_code(reader: str, form: str) -> str:
    """Return 16 hex digits for the code that reads and shapes data, however they were fetched.

    reader: the module of the task's reader, `data.read.reader_module`.
    """
    return _code(reading_roots(reader, form), SOURCES)


def training_roots(
    forms: Iterable[str],
    metrics: Iterable[str],
    sampler: str | None = None,
    method: Method = FULL,
    switches: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return the modules where a training begins, with those that it loads by name."""
    mixture = () if sampler is None else (MIXTURE, f"{SAMPLERS}.{sampler}")
    by_task = (*sorted(map(_head_module, forms)), *sorted(map(metric_module, metrics)))
    adapter = () if method.is_full else (f"{METHODS}.{method.name}",)
    switched = (f"{SWITCHED}.{switch}" for switch in sorted(switches))
    return (*TRAINING, *by_task, *mixture, *adapter, *switched)


def _head_module(form: str) -> str:
    return MASKED_LM if form == MLM else head_module(form)


def encoding_roots(form: str) -> tuple[str, ...]:
    """Return the modules where encoding begins, with the one that it loads by name."""
    return (*ENCODING, rows_module(form))


def reading_roots(reader: str, form: str) -> tuple[str, ...]:
    """Return the modules where reading and shaping begin, with those that are loaded by name."""
    return (*READING, reader, columns_module(form))


def modules_of(roots: Collection[str]) -> Modules:
    """Return the modules that roots reach inside of what computes, by name.

    ModuleNotFoundError for a root that is not there.
    """
    modules = _reached(roots, OUTSIDE)
    missing = sorted(set(roots) - modules.keys())
    if missing:
        raise ModuleNotFoundError(f"no module {missing[0]}, of which a digest is asked")
    return modules


@cache
def _code(roots: tuple[str, ...], sources: Path) -> str:
    """sources: where the modules lie, so that the cache does not mistake a copy for them."""
    return _digest(modules_of(roots))


def _digest(files: Modules) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name}\n{source_of(path).bare}\n".encode())
    return digest.hexdigest()[:16]


def _reached(names: Iterable[str], outside: Collection[str]) -> Modules:
    """Return the modules that names, and their imports in turn, stand for; none from outside."""
    reached: Modules = {}
    waiting, seen = list(names), set()
    rooms = tuple(f"{each}." for each in outside)
    while waiting:
        name = waiting.pop()
        if name in seen or f"{name}.".startswith(rooms):
            continue
        seen.add(name)
        path = _module_file(name)
        if path is not None:
            reached[name] = path
            waiting += [*_packages(name), *source_of(path).imports]
    return reached


def _packages(name: str) -> Iterator[str]:
    """Yield the packages around a module, which Python imports with it: but for the outermost."""
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(2, len(parts)))


def _module_file(name: str) -> Path | None:
    """Return the file of a module; None for what is no module of this package.

    The package itself counts as none: it holds only the version.
    """
    package, *rest = name.split(".")
    if package != PACKAGE or not rest:
        return None
    stem = SOURCES.joinpath(*name.split("."))
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)
