"""The input forms: one folder each, found by name and loaded when it is asked for.

A form is a folder called like it, with underscores for hyphens, and in it

- `declaration.py` with `DECLARATION`: what a task file says of it, columns and metrics; it is all
  that a plan reads;
- `columns.py` with `COLUMNS`: how source rows become its normalised columns;
- `rows.py` with `ROWS`: how these become token sequences; like `columns.py` it needs no torch;
- `head.py` with a class called like the form, in CamelCase: how a batch of sequences becomes
  predictions. It knows nothing of the rows side.

What passes from one to the other is encoded examples (`examples.py`). The other modules beside the
folders are what forms share: `declaration.py`; `columns.py`, `values.py`, `names.py`, `numbers.py`;
`rows.py` and `text_tokens.py`; `head.py`, `classification.py` and `span_heads.py`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from interlude.errors import unknown

if TYPE_CHECKING:  # torch is loaded with a head, no sooner
    from interlude.forms.columns import Columns
    from interlude.forms.declaration import Declaration
    from interlude.forms.head import Form
    from interlude.forms.rows import Rows


@cache
def form_names() -> tuple[str, ...]:
    """Return the names of all forms, sorted."""
    heads = Path(__file__).parent.glob("*/head.py")
    return tuple(sorted(head.parent.name.replace("_", "-") for head in heads))


def declaration_of(name: str) -> Declaration:
    """Return the declaration of a form; InputError for an unknown form."""
    declaration: Declaration = import_module(f"{_folder(_known(name))}.declaration").DECLARATION
    return declaration


def columns_of(name: str) -> Columns:
    """Return what makes a form's columns from source rows; InputError for an unknown form."""
    columns: Columns = import_module(columns_module(_known(name))).COLUMNS
    return columns


def rows_of(name: str) -> Rows:
    """Return the rows side of a form; InputError for an unknown form."""
    rows: Rows = import_module(rows_module(_known(name))).ROWS
    return rows


def form_of(name: str) -> type[Form]:
    """Return the head side of a form; InputError for an unknown form."""
    class_name = "".join(word.capitalize() for word in name.split("-"))
    form: type[Form] = getattr(import_module(head_module(_known(name))), class_name)
    return form


# By these modules `plan.digest` knows what is loaded.


def columns_module(name: str) -> str:
    """Return the module that makes a form's columns."""
    return f"{_folder(name)}.columns"


def rows_module(name: str) -> str:
    """Return the module of a form's rows side."""
    return f"{_folder(name)}.rows"


def head_module(name: str) -> str:
    """Return the module of a form's head side."""
    return f"{_folder(name)}.head"


def _folder(name: str) -> str:
    return f"{__name__}.{name.replace('-', '_')}"


def _known(name: str) -> str:
    known = form_names()
    if name not in known:
        raise unknown(str(Path(__file__).parent), "form", name, known)
    return name
