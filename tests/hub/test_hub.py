"""Data sets and models from a hub: each fault ends well, or in one clear message."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import tiny
from helpers.hub_server import Files, Hub, Repository
from huggingface_hub import constants
from safetensors.numpy import load_file, save

from interlude.data.fetch.models import prepare_model
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.files import WEIGHTS
from interlude.forms import declaration_of
from interlude.plan.tasks import load_task

ROOT = Path(__file__).parents[2]
TRAIN = "pairs/train-00000-of-00001.parquet"


def parquet(rows: list[tiny.Row]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def rows(form: str, count: int, start: int = 0) -> list[tiny.Row]:
    return tiny.source_rows(form, count)[start:]


def files(form: str = "pair", config: str = "pairs", count: int = 6) -> Files:
    return {
        f"{config}/train-00000-of-00001.parquet": parquet(rows(form, count)),
        f"{config}/validation-00000-of-00001.parquet": parquet(rows(form, count + 3, count)),
        "README.md": b"A data set.",
    }


@pytest.fixture
def dataset(hub: Hub) -> Repository:
    """A data set with one commit on main."""
    repository = hub.repositories["datasets/tiny/things"]
    repository.commit(files())
    return repository


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Prepare a task of the data set and return its manifest; `source` goes into its hub key."""

    def prepare_task(form: str = "pair", **source: Any) -> dict[str, Any]:
        write_task(tmp_path / "mine.yaml", form, **source)
        prepare(load_task(tmp_path / "mine.yaml"), Places(Path("none.yaml")), tmp_path / "out")
        manifest: dict[str, Any] = json.loads((tmp_path / "out/manifest.json").read_text())
        return manifest

    return prepare_task


def write_task(path: Path, form: str, **source: Any) -> None:
    declared = {"id": "tiny/things", "config": "pairs"} | source
    document = tiny.task_file(form) | {
        "name": path.stem,
        "source": {"hub": declared},
        "splits": {"train": "train", "validation": "validation"},
        "metric": declaration_of(form).metrics[0],
    }
    tiny.write_yaml(path, document)


def refused(run: Run, message: str, tmp_path: Path, **source: Any) -> str:
    with pytest.raises(InputError, match=message) as raised:
        run(**source)
    assert not (tmp_path / "out").exists()
    assert "127.0.0.1" not in str(raised.value)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("form", tiny.FORMS)
def test_a_task_of_every_form(form: str, hub: Hub, run: Run) -> None:
    hub.repositories["datasets/tiny/things"].commit(files(form))
    assert run(form)["sizes"] == {"train": 6, "validation": 3}


def test_main_is_resolved_and_its_commit_written_down(dataset: Repository, run: Run) -> None:
    manifest = run()
    commit = dataset.refs["main"]
    assert manifest["revision"].startswith(f"tiny/things (pairs) at {commit}, SHA-256 ")
    assert manifest["source"]["hub"] == {
        "id": "tiny/things",
        "config": "pairs",
        "revision": "main",
        "commit": commit,
    }


def test_a_pinned_revision_is_honoured(dataset: Repository, run: Run) -> None:
    pinned = dataset.refs["main"]
    dataset.commit(files(count=9))
    assert run(revision=pinned)["sizes"]["train"] == 6
    assert run()["sizes"]["train"] == 9


def test_the_parquet_conversion_of_a_script_only_data_set(
    hub: Hub, run: Run, tmp_path: Path
) -> None:
    repository = hub.repositories["datasets/tiny/things"]
    repository.commit({"things.py": b"raise SystemExit('this must never run')"})
    refused(run, "a loading script, which is never run: set revision: refs/conv", tmp_path)
    converted = {f"pairs/{split}/0000.parquet": parquet(rows("pair", 3)) for split in
                 ("train", "validation")}  # fmt: skip
    repository.commit(converted, ref="refs/convert/parquet")
    assert run(revision="refs/convert/parquet")["sizes"]["train"] == 3
    assert not [path for _, path, _ in hub.requests if path.endswith(".py")]


def test_several_parquet_files_of_a_split_are_one(dataset: Repository, run: Run) -> None:
    parts = {f"pairs/train-0000{n}-of-00002.parquet": parquet(rows("pair", 2)) for n in (0, 1)}
    dataset.commit({name: c for name, c in files().items() if "train" not in name} | parts)
    assert run()["sizes"]["train"] == 4


@pytest.mark.parametrize("second", [b'{"text_a": "one"}\n', parquet([{"other": 1}])])
def test_several_files_of_a_split_that_are_not_one_table_are_refused(
    second: bytes, dataset: Repository, run: Run, tmp_path: Path
) -> None:
    dataset.commit(files() | {"pairs/train-00001-of-00002.parquet": second})
    refused(run, f"found 2 files for one split, such as {Path(TRAIN).name}. Allowed: on", tmp_path)


def test_patterns_name_files_of_another_layout(dataset: Repository, run: Run) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows("pair", 5)).encode()
    dataset.commit({"raw/tr.jsonl": lines, "raw/va.jsonl": lines})
    manifest = run(files={"train": "raw/tr.*", "validation": "raw/va.jsonl"})
    assert manifest["sizes"] == {"train": 5, "validation": 5}


def test_a_file_whose_name_leads_out_of_its_repository_is_not_seen(
    dataset: Repository, run: Run, tmp_path: Path
) -> None:
    kept = {name: content for name, content in files().items() if "validation" not in name}
    dataset.commit(kept | {"pairs/validation-/../../../x.parquet": parquet(rows("pair", 3))})
    refused(run, "no file pairs/validation-", tmp_path)


def test_a_second_run_downloads_nothing(dataset: Repository, hub: Hub, run: Run) -> None:
    run()
    hub.requests.clear()
    run()
    assert not [path for method, path, _ in hub.requests if method == "GET" and "resolve" in path]


def test_a_download_that_breaks_is_resumed(
    dataset: Repository, hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = len(files()[TRAIN]) // 2
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", half)  # what is kept of a broken one
    hub.faults[TRAIN] = ["truncate"]
    assert run()["sizes"]["train"] == 6
    gets = [headers for method, path, headers in hub.requests
            if method == "GET" and path.endswith(TRAIN)]  # fmt: skip
    assert [headers.get("range") for headers in gets] == [None, f"bytes={half}-"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truncate", "the connection to the hub fails .RemoteProtocolError"),
        ("short", "the download ends too early"),
    ],
)
def test_a_download_that_always_breaks_is_named(
    fault: str,
    message: str,
    dataset: Repository,
    hub: Hub,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.faults[TRAIN] = [fault] * 99
    refused(run, f"{TRAIN}: {message}", tmp_path)


AT = pytest.mark.parametrize("at", ["/revision/main", TRAIN])


@AT
@pytest.mark.parametrize("fault", [500, 503, (429, 0)])
def test_a_fault_that_passes_is_got_over(
    fault: Any, at: str, dataset: Repository, hub: Hub, run: Run
) -> None:
    hub.faults[at] = [fault] if isinstance(fault, tuple) else [fault, fault]
    assert run()["sizes"]["train"] == 6


@pytest.mark.parametrize(
    ("faults", "waited"), [([503, 503], [1, 4]), ([(429, 7)], [8]), ([(429, 60), 503], [61, 4])]
)
def test_the_next_try_waits_longer_and_as_long_as_the_hub_asks(
    faults: list[Any],
    waited: list[float],
    waits: list[float],
    dataset: Repository,
    hub: Hub,
    run: Run,
) -> None:
    hub.faults["/revision/main"] = faults
    run()
    assert waits == waited


@AT
@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_status_for_ever_is_named(
    status: int,
    at: str,
    dataset: Repository,
    hub: Hub,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults[at] = [status] * 99
    refused(run, f"tiny/things at main.*the hub answered with status {status}. .*mirror", tmp_path)
    assert len(hub.faults[at]) >= 99 - 3 * 6  # so often does the client itself try a 429


def test_a_long_wait_that_the_hub_asks_for_is_the_users(
    dataset: Repository, hub: Hub, run: Run, tmp_path: Path
) -> None:
    hub.faults["/revision/main"] = [(429, 3600)] * 99
    refused(run, "status 429. Run again in 3600 seconds; a mirror", tmp_path)
    assert len(hub.faults["/revision/main"]) == 98


@AT
@pytest.mark.parametrize("fault", ["silence", "trickle", (429, 3600)])
def test_a_hub_that_takes_for_ever_is_given_up(
    fault: Any,
    at: str,
    dataset: Repository,
    hub: Hub,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interlude.data.fetch.hub.PATIENCE", 0.3)
    hub.faults[at] = [fault] * 99
    said = "status 429" if (at, fault) == ("/revision/main", (429, 3600)) else "no whole answer"
    refused(run, said, tmp_path)
    assert len(hub.faults[at]) >= 96


@AT
def test_a_page_to_log_in_is_no_hub(
    at: str, dataset: Repository, hub: Hub, run: Run, tmp_path: Path
) -> None:
    hub.faults[at] = ["html"] * 99
    refused(run, "what answers is no hub, maybe a page to log in: check HF_ENDPOINT", tmp_path)


def test_a_wrong_checksum_is_fetched_again(dataset: Repository, hub: Hub, run: Run) -> None:
    hub.faults[TRAIN] = ["corrupt"]
    assert run()["sizes"]["train"] == 6


def test_a_lasting_wrong_checksum_is_named(
    dataset: Repository, hub: Hub, run: Run, tmp_path: Path
) -> None:
    hub.faults[TRAIN] = ["corrupt"] * 99
    message = rf"mine.yaml: key source.hub: tiny/things at main: {TRAIN}: wrong checksum: found \w+"
    refused(run, message, tmp_path)


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(
    dataset: Repository, run: Run, tmp_path: Path
) -> None:
    before = run()
    (cached,) = (tmp_path / "cache").rglob(Path(TRAIN).name)
    cached.write_bytes(bytes(len(cached.read_bytes())))
    assert run() == before


def test_a_full_disk_is_named_and_not_tried_again(
    waits: list[float],
    dataset: Repository,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    refused(run, f"{TRAIN}: no space left on the device. Free some", tmp_path)
    assert waits == []


def test_a_hub_that_is_switched_off_is_not_asked(
    dataset: Repository, hub: Hub, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    refused(run, "tiny/things at main: the hub is switched off .HF_HUB_OFFLINE", tmp_path)
    assert hub.requests == []


def test_a_missing_config_or_split_lists_what_there_is(
    dataset: Repository, run: Run, tmp_path: Path
) -> None:
    message = "no file pear/train-.*Configs found: pairs. Did you mean 'pairs'"
    refused(run, message, tmp_path, config="pear")
    dataset.commit({name: c for name, c in files().items() if "validation" not in name})
    refused(run, "no file pairs/validation-", tmp_path)


def test_a_missing_revision_or_repository_is_named(
    dataset: Repository, run: Run, tmp_path: Path
) -> None:
    refused(run, "tiny/things at v9: no such revision", tmp_path, revision="v9")
    refused(run, "a..b at main: no name that a repository can have", tmp_path, id="a..b")
    refused(
        run, "tiny/thinks at main: no such repository, or a private", tmp_path, id="tiny/thinks"
    )


def test_a_hub_that_cannot_be_reached_is_named(hub: Hub, run: Run, tmp_path: Path) -> None:
    hub.server_close()
    hub.shutdown()
    refused(run, "tiny/things at main: the connection to the hub fails .ConnectError", tmp_path)


def test_a_private_repository_needs_a_token(
    dataset: Repository, hub: Hub, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.private = True
    refused(run, "or a private one; that needs HF_TOKEN", tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "hf_wrong" not in refused(run, "or a private one", tmp_path)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert run()["sizes"]["train"] == 6


def test_a_gated_repository_has_terms(dataset: Repository, run: Run, tmp_path: Path) -> None:
    dataset.gated = True
    refused(run, "it is gated: accept its terms on the hub, then set HF_TOKEN", tmp_path)


def test_a_token_is_in_no_file_and_no_message(
    dataset: Repository, hub: Hub, tmp_path: Path
) -> None:
    dataset.private = True
    write_task(tmp_path / "mine.yaml", "pair")
    write_task(tmp_path / "absent.yaml", "pair", id="tiny/nothing")
    said = ""
    for name, status in (("mine", 0), ("absent", 2)):
        done = program(hub, tmp_path, "normalise", "--task", tmp_path / f"{name}.yaml")
        assert done.returncode == status, done.stderr
        said += done.stdout + done.stderr
    assert f"Bearer {hub.token}" in {headers.get("authorization") for _, _, headers in hub.requests}
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert hub.token not in said
    assert not [content for content in written if hub.token.encode() in content]


def program(hub: Hub, folder: Path, name: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run a script as a rule does, with the hub and a token in its environment."""
    script = ROOT / "workflow/scripts" / f"{name}.py"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "home"),
        "HF_TOKEN": hub.token,
        "HF_HUB_OFFLINE": "0",
    }
    command = [sys.executable, script, *arguments, "--out", folder / "out"]
    return subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False
    )


MODEL = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"weights"}


@pytest.fixture
def model(hub: Hub, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Publish a model with the given files, prepare it and return its manifest."""

    def prepare_it(published: Files, **declared: Any) -> dict[str, Any]:
        hub.repositories["models/tiny/encoder"].commit(published)
        document = {"name": "mine", "title": "Mine", "licence": "none",
                    "hub": {"id": "tiny/encoder"}} | declared  # fmt: skip
        path = tiny.write_yaml(tmp_path / "mine.yaml", document)
        prepare_model(path, tmp_path / "archives.yaml", tmp_path / "out")
        manifest: dict[str, Any] = json.loads((tmp_path / "out/manifest.json").read_text())
        return manifest

    return prepare_it


def test_a_model_has_its_commit_on_record_and_only_its_own_files(
    hub: Hub, model: Callable[..., dict[str, Any]]
) -> None:
    others = {"pytorch_model.bin": b"pickle", "modeling.py": b"raise SystemExit"}
    manifest = model(MODEL | others)
    assert set(manifest["files"]) == set(MODEL)
    assert manifest["revision"] == hub.repositories["models/tiny/encoder"].refs["main"]
    assert not [path for _, path, _ in hub.requests if path.endswith((".bin", ".py"))]


def test_weights_in_several_files_become_one(
    hub: Hub, model: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    files = {name: save({key: numpy.ones(3)}) for key, name in names.items()}
    index = {f"{WEIGHTS}.index.json": json.dumps({"weight_map": names}).encode()}
    manifest = model({**MODEL, **files, **index, WEIGHTS: b""} | {"pytorch_model.bin": b"pickle"})
    assert set(manifest["files"]) == set(MODEL)
    whole = {name: content for name, content in MODEL.items() if name != WEIGHTS}
    assert set(model({**whole, **files, **index})["files"]) == set(MODEL)
    assert load_file(tmp_path / "out" / WEIGHTS).keys() == names.keys()


@pytest.mark.parametrize(
    ("published", "declared", "message"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b""}, {}, "found pickled weights"),
        ({"config.json": b"{}", "tokenizer.json": b"{}"}, {}, "has no model.safetensors"),
        ({**MODEL}, {"weights_sha256": "0" * 64}, "wrong sha256 of model.safetensors"),
        ({**MODEL}, {"hub": {"id": "tiny/encoder", "revision": "v2"}}, "at v2: no such revision"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(
    published: Files,
    declared: dict[str, Any],
    message: str,
    model: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=rf"mine.yaml.*{message}"):
        model(published, **declared)
    assert not (tmp_path / "out").exists()
