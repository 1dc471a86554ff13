from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schemas.errors import InvalidSchema
from schemas.folder import load_writers
from schemas.parsing import fingerprint, parse

if TYPE_CHECKING:
    from pathlib import Path


def text_of(*fields: str) -> str:
    return json.dumps({"type": "record", "name": "E", "fields": [{"name": each, "type": "int"} for each in fields]})


READER = parse(text_of("a"), "reader")


def test_every_schema_file_is_found_by_fingerprint_and_numbered_ones_by_id(tmp_path: Path) -> None:
    (tmp_path / "old.avsc").write_text(text_of("a", "b"))
    (tmp_path / "17.avsc").write_text(text_of("a", "c"))
    (tmp_path / "notes.txt").write_text("no schema")
    writers = load_writers(tmp_path, READER)
    old, seventeen = (parse(text_of("a", each), each) for each in "bc")
    assert writers.by_fingerprint == {fingerprint(old): old, fingerprint(seventeen): seventeen}
    assert writers.by_id == {17: seventeen}


def test_an_empty_folder_has_no_writers(tmp_path: Path) -> None:
    assert load_writers(tmp_path, READER).by_fingerprint == {}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSchema, match=r"gone: there is no such folder: create it"):
        load_writers(tmp_path / "gone", READER)


def test_a_file_that_is_no_schema_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.avsc").write_text("{")
    with pytest.raises(InvalidSchema, match=r"bad\.avsc: not an Avro schema"):
        load_writers(tmp_path, READER)


def test_a_writer_that_the_reader_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.avsc").write_text(text_of("b"))
    with pytest.raises(InvalidSchema, match=r"other\.avsc: E\.a: the writer does not write it.*give it a default"):
        load_writers(tmp_path, READER)
