from __future__ import annotations

import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from understudy.models.errors import MissingExtra, ModelStoreUnavailable
from understudy.models.store import FolderStore, open_store

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"model.skops": b"model", "manifest.json": b"{}"}


def test_what_was_published_is_read_back(tmp_path: Path) -> None:
    store = open_store(tmp_path / "models")

    assert store.publish("delays/v1", FILES)

    assert store.read("delays/v1", "model.skops") == b"model"
    assert store.read("delays/v1", "other") is None
    assert store.read("delays/v2", "model.skops") is None
    assert store.folders() == ["delays/v1"]


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    open_store((tmp_path / "my models").as_uri()).publish("delays/v1", FILES)

    assert open_store(tmp_path / "my models").folders() == ["delays/v1"]


def test_a_folder_never_changes_once_it_is_there(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.publish("delays/v1", FILES)

    assert not store.publish("delays/v1", {**FILES, "model.skops": b"another"})

    assert store.read("delays/v1", "model.skops") == b"model"
    assert [path.name for path in (tmp_path / "delays").iterdir()] == ["v1"]


def test_of_many_who_publish_at_once_one_wins(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    start = threading.Barrier(8)

    def publish(number: int) -> bool:
        start.wait(timeout=10)
        return store.publish("delays/v1", {"model.skops": b"%d" % number, "manifest.json": b"%d" % number})

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(publish, range(8)))

    assert won.count(True) == 1
    winner = b"%d" % won.index(True)
    assert (store.read("delays/v1", "model.skops"), store.read("delays/v1", "manifest.json")) == (winner, winner)
    assert store.folders() == ["delays/v1"]


def test_what_is_being_written_is_not_listed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.publish("delays/v1", FILES)
    (tmp_path / "delays" / "~0123").mkdir()

    assert store.folders() == ["delays/v1"]


def test_a_folder_that_is_not_there_is_an_outage(tmp_path: Path) -> None:
    store = open_store(tmp_path / "unmounted")

    with pytest.raises(ModelStoreUnavailable, match="unmounted"):
        store.read("delays/v1", "model.skops")
    with pytest.raises(ModelStoreUnavailable, match="mount it"):
        store.folders()


def test_what_cannot_be_read_or_written_is_an_outage(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    (tmp_path / "delays" / "v1" / "model.skops").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ModelStoreUnavailable):
        store.read("delays/v1", "model.skops")
    with pytest.raises(ModelStoreUnavailable):
        store.publish("file/v1", FILES)


def test_another_scheme_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)

    with pytest.raises(MissingExtra, match=r"pip install 'fsspec\[s3\]'"):
        open_store("s3://bucket/models")


def test_an_object_store_does_the_same() -> None:
    store = open_store(f"memory://{uuid.uuid4().hex}/models")

    assert store.folders() == []
    assert store.publish("delays/v1", FILES)
    assert not store.publish("delays/v1", {**FILES, "model.skops": b"another"})

    assert store.read("delays/v1", "model.skops") == b"model"
    assert store.read("delays/v2", "model.skops") is None
    assert store.folders() == ["delays/v1"]
