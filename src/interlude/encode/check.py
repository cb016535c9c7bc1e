"""Check an encoded task against its manifest, its labels and the model, before it is trained on."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from interlude.encode.faulty_rows import FaultyRowError, check_examples
from interlude.encode.model_config import read_config
from interlude.encode.read import PARTS, read_encoded, read_header
from interlude.encode.tokenizer import load_tokenizer
from interlude.errors import RunError
from interlude.files import check_files


def check_encoded(encoded: Path, model: Path) -> None:
    """Raise RunError for an example that would break a batch, by its row and its text.

    InputError for a file that is not whole or not what the manifest of its folder says.
    """
    check_files(encoded)
    vocabulary = read_config(model).vocab_size
    for part in PARTS:
        path = encoded / f"{part}.arrow"
        examples = read_encoded(path)
        try:
            check_examples(examples, len(read_header(examples).label_names), vocabulary)
        except FaultyRowError as fault:
            text = _text_of(examples, fault.place, vocabulary, model)
            raise RunError(fault.described(path, text)) from None


def _text_of(examples: pa.Table, place: int, vocabulary: int, model: Path) -> str:
    """Return the text of an example's first sequence, as far as the model knows its tokens."""
    ids = examples["input_ids"][place].as_py() or [[]]
    known = [token for token in ids[0] or [] if token is not None and 0 <= token < vocabulary]
    return str(load_tokenizer(model).decode(known, skip_special_tokens=True))
