from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import failure_of, rows_of

from schemas.contracts import CONTRACTS, ContractName, contract
from schemas.decoding import decoder
from schemas.errors import Undecodable
from schemas.parsing import RecordSchema, parse
from schemas.single_object import encode_bare


def event(*types: Any, defaults: bool = False) -> RecordSchema:
    more: dict[str, Any] = {"default": None} if defaults else {}
    fields = [{"name": f"f{i}", "type": each, **more} for i, each in enumerate(types)]
    return parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "event")


ENUM = {"type": "enum", "name": "Colour", "symbols": ["red", "green"]}
FIXED = {"type": "fixed", "name": "Four", "size": 4}
POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "float"}, {"name": "n", "type": "string"}]}
MANY = {"type": "array", "items": "long"}
MIXED = event("string", ENUM, FIXED, POINT, ["null", "Point"], MANY, {"type": "map", "values": "Point"}, "bytes", "int")
DOUBLES = event(*["double"] * 20, "boolean", "float")
WITH_TEXTS = event("string", *["double"] * 20, "string")
WITHIN = event("string", *["double"] * 20, ["null", "long"], ENUM)
NAMED_AROUND = event(POINT, *["double"] * 20, "Point")
LOGICAL = event(
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "int", "logicalType": "date"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 4},
)
WRITERS = [MIXED, DOUBLES, WITH_TEXTS, WITHIN, NAMED_AROUND, LOGICAL, *(contract(name) for name in CONTRACTS)]
OTHER_READER = event(["null", "string", "bytes"], ENUM, "bytes", "Colour", "string", MANY, defaults=False)


@pytest.mark.parametrize("writer", WRITERS)
@given(data=st.data())
def test_what_was_written_is_read(writer: RecordSchema, data: st.DataObject) -> None:
    row = data.draw(rows_of(writer))
    value = encode_bare(writer, row)
    assert decoder(writer)(b"head" + value, 4) == row
    assert list(decoder(writer)(value, 0)) == [each["name"] for each in writer["fields"]]


@pytest.mark.parametrize("writer", WRITERS)
@given(data=st.data())
def test_every_cut_is_an_error(writer: RecordSchema, data: st.DataObject) -> None:
    value = encode_bare(writer, data.draw(rows_of(writer)))
    cut = data.draw(st.integers(0, len(value) - 1))
    with pytest.raises(Undecodable):
        decoder(writer)(value[:cut], 0)


RUBBISH = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from([0, 1, 2, 3, 4, 127, 128, 255]), max_size=60).map(bytes)
)


@pytest.mark.parametrize("reader", [None, OTHER_READER])
@pytest.mark.parametrize("writer", WRITERS)
@given(value=RUBBISH)
def test_rubbish_is_a_row_or_undecodable_and_nothing_else(
    writer: RecordSchema, reader: RecordSchema | None, value: bytes
) -> None:
    decode = decoder(writer, reader)
    failure = failure_of(lambda given: decode(given, 0), value)
    if failure is None:
        assert decode(value, 0).keys() == {each["name"] for each in (reader or writer)["fields"]}
        return
    assert failure.kind in {"truncated", "corrupt", "bad_utf8", "trailing_bytes", "incompatible_schema"}
    assert ": " in str(failure)


@pytest.mark.parametrize(
    ("kind", "value", "expected", "words"),
    [
        ("double", b"1234567", "truncated", "ends at byte"),
        ("string", b"\x06ab", "truncated", "ends at byte"),
        ("long", b"\x80\x80", "truncated", "ends at byte"),
        ("long", b"", "truncated", "ends at byte"),
        ("long", b"\x02\x02\x02", "trailing_bytes", "Event: 2 bytes are left over"),
        ("string", b"\x04\xffa", "bad_utf8", "not UTF-8"),
        (["null", "int"], b"\x06\x02", "corrupt", "do not fit the schema"),
        (ENUM, b"\x06\x02", "corrupt", "do not fit the schema"),
    ],
)
def test_what_is_wrong_is_named(kind: Any, value: bytes, expected: str, words: str) -> None:
    with pytest.raises(Undecodable, match=words) as caught:
        decoder(event(kind))(value, 0)
    assert caught.value.kind == expected


@pytest.mark.parametrize(("cut", "kind"), [(-1, "truncated"), (0, None), (1, "trailing_bytes")])
def test_fixed_width_records_are_held_to_their_size(cut: int, kind: str | None) -> None:
    row: dict[str, Any] = {f"f{i}": float(i) for i in range(20)} | {"f20": True, "f21": 0.5}
    value = encode_bare(DOUBLES, row) + b"x"
    value = value[: len(value) - 1 + cut]
    if kind is None:
        assert decoder(DOUBLES)(value, 0) == row
        return
    with pytest.raises(Undecodable) as caught:
        decoder(DOUBLES)(value, 0)
    assert caught.value.kind == kind


def test_fields_are_matched_by_name_promoted_dropped_and_filled() -> None:
    writer = event("int", "string", "float")
    fields = [
        {"name": "f2", "type": "double"},
        {"name": "new", "type": "string", "default": "none"},
        {"name": "f0", "type": "double"},
    ]
    reader = parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "reader")
    value = encode_bare(writer, {"f0": 3, "f1": "dropped", "f2": 0.5})
    row = decoder(writer, reader)(value, 0)
    assert row == {"f2": 0.5, "new": "none", "f0": 3.0}
    assert isinstance(row["f0"], float)


SKIPPED = ["string", "bytes", "double", "boolean", "int", FIXED, ENUM, MANY, POINT, ["null", "string"], "float"]


@pytest.mark.parametrize("kind", SKIPPED)
@given(data=st.data())
def test_a_cut_is_noticed_in_fields_that_the_reader_lacks(kind: Any, data: st.DataObject) -> None:
    writer, reader = event("int", kind, "boolean"), event("int")
    value = encode_bare(writer, data.draw(rows_of(writer)))
    assert decoder(writer, reader)(value, 0).keys() == {"f0"}
    cut = data.draw(st.integers(0, len(value) - 1))
    with pytest.raises(Undecodable) as caught:
        decoder(writer, reader)(value[:cut], 0)
    assert caught.value.kind == "truncated"


def test_what_the_reader_cannot_take_is_told_with_the_remedy() -> None:
    writer, reader = event(["null", "int"]), event("int")
    assert decoder(writer, reader)(b"\x02\x06", 0) == {"f0": 3}
    with pytest.raises(Undecodable, match="give the reader's field a default") as caught:
        decoder(writer, reader)(b"\x00", 0)
    assert caught.value.kind == "incompatible_schema"


@pytest.mark.parametrize(
    "count", [b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
)
@pytest.mark.parametrize("kind", [MANY, {"type": "map", "values": "long"}, "bytes", "string"])
def test_an_absurd_count_costs_no_more_than_the_input(kind: Any, count: bytes) -> None:
    decode, value = decoder(event(kind)), count + b"\x00" * 1_000
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable):
            decode(value, 0)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


def test_a_huge_decimal_is_handed_on_as_bytes() -> None:
    digits = b"\x7f" * 900_000
    value = encode_bare(event("bytes"), {"f0": digits})
    assert decoder(event({"type": "bytes", "logicalType": "decimal", "precision": 9}))(value, 0) == {"f0": digits}


@pytest.mark.parametrize("name", CONTRACTS)
def test_our_contracts_survive_a_value_of_nulls(name: ContractName) -> None:
    with pytest.raises(Undecodable):
        decoder(contract(name))(b"\x00" * 5_000, 0)
