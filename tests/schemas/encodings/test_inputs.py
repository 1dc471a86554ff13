from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import failure_of, rows_of
from support.registry_server import RegistryState, serving

from schemas.encodings import InputDecoder, InputEncoding, InvalidSchema, SchemaUnavailable, Undecodable
from schemas.encodings.framing import confluent_header
from schemas.folder import WriterSchemas
from schemas.parsing import fingerprint, parse
from schemas.registry import SchemaRegistry
from schemas.single_object import encode, encode_bare


def text_of(**fields: Any) -> str:
    return json.dumps(
        {"type": "record", "name": "E", "fields": [{"name": name, **more} for name, more in fields.items()]}
    )


OLD_TEXT = text_of(a={"type": "int"}, gone={"type": "string"})
NEW_TEXT = text_of(a={"type": "double"}, b={"type": ["null", "string"], "default": None})
OLD, NEW = parse(OLD_TEXT, "old"), parse(NEW_TEXT, "new")
OLD_ROW, NEW_ROW = {"a": 3, "gone": "x"}, {"a": 0.5, "b": "y"}
WRITERS = WriterSchemas({fingerprint(OLD): OLD}, {1: OLD, 2: NEW})
FRAMED: dict[InputEncoding, tuple[bytes, bytes]] = {
    "single-object": (encode(OLD, OLD_ROW), encode(NEW, NEW_ROW)),
    "confluent": (confluent_header(1) + encode_bare(OLD, OLD_ROW), confluent_header(2) + encode_bare(NEW, NEW_ROW)),
}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("encoding", ["single-object", "confluent"])
def test_old_and_new_writers_are_read_as_the_new_schema(encoding: InputEncoding) -> None:
    decode = InputDecoder.of(encoding, NEW, WRITERS).decode
    old, new = FRAMED[encoding]
    assert [decode(old), decode(new), decode(old)] == [{"a": 3.0, "b": None}, NEW_ROW, {"a": 3.0, "b": None}]


def test_bare_values_are_read_with_the_pinned_schema() -> None:
    assert InputDecoder.of("bare", NEW).decode(encode_bare(NEW, NEW_ROW)) == NEW_ROW


def test_bare_values_cannot_have_other_writers() -> None:
    with pytest.raises(InvalidSchema, match="cannot be told apart: leave the folder"):
        InputDecoder.of("bare", NEW, WRITERS)
    InputDecoder.of("bare", NEW, WriterSchemas({fingerprint(NEW): NEW}))


@given(row=rows_of(NEW))
@pytest.mark.parametrize("encoding", ["single-object", "confluent", "bare"])
def test_every_row_comes_back_in_every_encoding(encoding: InputEncoding, row: dict[str, Any]) -> None:
    header = {"single-object": encode(NEW, NEW_ROW)[:10], "confluent": confluent_header(2), "bare": b""}[encoding]
    writers = WriterSchemas() if encoding == "bare" else WRITERS
    assert InputDecoder.of(encoding, NEW, writers).decode(header + encode_bare(NEW, row)) == row


@pytest.mark.parametrize(
    ("encoding", "value", "kind"),
    [
        ("single-object", None, "tombstone"),
        ("single-object", b"", "empty"),
        ("single-object", FRAMED["confluent"][0], "bad_framing"),
        ("single-object", FRAMED["single-object"][0][:5], "truncated"),
        ("single-object", b"\xc3\x01" + b"\x07" * 20, "unknown_schema"),
        ("single-object", FRAMED["single-object"][0][:-1], "truncated"),
        ("single-object", FRAMED["single-object"][1] + b"\x00", "trailing_bytes"),
        ("single-object", FRAMED["single-object"][1][:-1] + b"\xff", "bad_utf8"),
        ("confluent", None, "tombstone"),
        ("confluent", b"", "empty"),
        ("confluent", FRAMED["single-object"][0], "bad_framing"),
        ("confluent", b"\x00\x00\x00", "truncated"),
        ("confluent", confluent_header(3) + b"\x02", "unknown_schema"),
        ("confluent", confluent_header(2) + bytes(8) + b"\x08\x00", "corrupt"),
        ("bare", None, "tombstone"),
        ("bare", b"", "empty"),
        ("bare", b"\x02", "truncated"),
        ("bare", encode_bare(NEW, NEW_ROW) + b"\x00", "trailing_bytes"),
    ],
)
def test_bad_values_are_named(encoding: InputEncoding, value: bytes | None, kind: str) -> None:
    decode = InputDecoder.of(encoding, NEW, WriterSchemas() if encoding == "bare" else WRITERS).decode
    for _ in range(2):
        with pytest.raises(Undecodable, match=": ") as caught:
            decode(value)
        assert caught.value.kind == kind


def test_a_writer_that_does_not_resolve_is_the_values_fault() -> None:
    writer = parse(text_of(c={"type": "int"}), "writer")
    with pytest.raises(Undecodable, match="give the reader's field a default") as caught:
        InputDecoder.of("confluent", NEW, WriterSchemas(by_id={9: writer})).decode(confluent_header(9) + b"\x02")
    assert caught.value.kind == "incompatible_schema"


@given(value=st.binary(max_size=100))
@pytest.mark.parametrize("encoding", ["single-object", "confluent", "bare"])
def test_random_bytes_are_a_row_or_undecodable(encoding: InputEncoding, value: bytes) -> None:
    header = b"" if encoding == "bare" else FRAMED[encoding][0][: 10 if encoding == "single-object" else 5]
    decode = InputDecoder.of(encoding, NEW, WriterSchemas() if encoding == "bare" else WRITERS).decode
    for each in (value, header + value):
        failure = failure_of(decode, each)
        assert failure is not None or decode(each).keys() == {"a", "b"}


def test_the_registry_is_asked_for_what_is_not_at_hand() -> None:
    state = RegistryState()
    state.add(1, NEW_TEXT)
    state.add(40, OLD_TEXT)
    with serving(state) as port:
        decode = InputDecoder.of("confluent", NEW, WRITERS, SchemaRegistry(f"http://127.0.0.1:{port}")).decode
        for schema_id in (1, 40, 40):
            assert decode(confluent_header(schema_id) + encode_bare(OLD, OLD_ROW)) == {"a": 3.0, "b": None}
    assert state.asked == ["GET /schemas/ids/40"]


def test_an_outage_is_no_fault_of_the_value_and_reading_goes_on_after_it() -> None:
    state = RegistryState()
    state.add(40, OLD_TEXT)
    value = confluent_header(40) + encode_bare(OLD, OLD_ROW)
    with serving(state) as port:
        decode = InputDecoder.of("confluent", NEW, registry=SchemaRegistry(f"http://127.0.0.1:{port}")).decode
    with pytest.raises(SchemaUnavailable):
        decode(value)
    with serving(state, port):
        assert decode(value) == {"a": 3.0, "b": None}
    assert decode(value) == {"a": 3.0, "b": None}


def test_what_the_registry_does_not_know_or_we_do_not_read_is_the_values_fault() -> None:
    state = RegistryState()
    state.add(40, NEW_TEXT.replace('"double"', '{"type": "array", "items": "null"}'))
    with serving(state) as port:
        decode = InputDecoder.of("confluent", NEW, registry=SchemaRegistry(f"http://127.0.0.1:{port}")).decode
        kinds = []
        for schema_id in (40, 41):
            with pytest.raises(Undecodable) as caught:
                decode(confluent_header(schema_id) + b"\x02")
            kinds.append(caught.value.kind)
    assert kinds == ["refused_schema", "unknown_schema"]
