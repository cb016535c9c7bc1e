"""Which validation examples of a task belong together: a file beside its normalised data.

No training reads it, so data that were made without it stay as they are.
"""

from __future__ import annotations

from pathlib import Path

from interlude.errors import InputError
from interlude.files import read_manifest

FILE = "groups.parquet"
GROUP = "group"  # normalised column of a form whose examples share a sentence

Groups = dict[str, list[str]]  # id of an example -> names of what it shares with others


def write_groups(folder: Path, groups: Groups) -> None:
    """Write the groups of each validation example; none for one that is alone."""
    import pyarrow as pa  # noqa: PLC0415  Snakemake's main process imports GROUP alone
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema([("id", pa.string()), ("groups", pa.list_(pa.string()))])
    rows = [{"id": id, "groups": names} for id, names in groups.items()]
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / FILE, compression="zstd")


def read_groups(folder: Path, revision: str | None) -> Groups | None:
    """Return the groups of the validation examples in a folder of normalised data.

    revision: of the data that they are asked for. None where the folder is gone, was made without
    them, or holds other data.
    """
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        manifest = read_manifest(folder)
        if FILE not in manifest.get("files", {}) or manifest.get("revision") != revision:
            return None
        rows = pq.read_table(folder / FILE).to_pylist()
    except (InputError, OSError, pa.ArrowException):
        return None
    return {row["id"]: row["groups"] for row in rows}
