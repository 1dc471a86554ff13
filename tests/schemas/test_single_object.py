from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import rows_of

from schemas.contracts import CONTRACTS, ContractName, contract
from schemas.errors import InvalidRow, Undecodable
from schemas.parsing import fingerprint, parse
from schemas.single_object import decode, encode, encode_bare, fingerprint_in, header

EXAMPLE = parse('{"type":"record","name":"Example","fields":[{"name":"foobar","type":"string"}]}', "example")
NARROW = parse(
    '{"type":"record","name":"E","fields":[{"name":"a","type":"int"},{"name":"b","type":"string","default":"x"}]}', "e"
)


def test_the_layout_is_marker_fingerprint_and_record() -> None:
    assert encode(EXAMPLE, {"foobar": "ab"}) == bytes.fromhex("c301b75d6f7da238cf7004") + b"ab"


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_our_rows_come_back(name: ContractName, data: st.DataObject) -> None:
    schema = contract(name)
    row = data.draw(rows_of(schema))
    value = encode(schema, row)
    assert value.startswith(header(schema))
    assert decode(value, {fingerprint(schema): schema}.get) == row


def test_the_reader_resolves_the_writer() -> None:
    value = encode(EXAMPLE, {"foobar": "ab"})
    reader = parse('{"type":"record","name":"Example","fields":[{"name":"foobar","type":"bytes"}]}', "reader")
    assert decode(value, lambda _: EXAMPLE, reader) == {"foobar": b"ab"}


@pytest.mark.parametrize("value", [b"", b"\xc3", b"\x00\x00\x00\x00\x01", b"{}", b"\xc3\x02" + bytes(8)])
def test_what_has_no_marker_is_told_apart(value: bytes) -> None:
    with pytest.raises(Undecodable, match=r"not with C3 01.*check the input's encoding") as caught:
        fingerprint_in(value)
    assert caught.value.kind == "bad_framing"


def test_a_cut_header_is_truncated() -> None:
    with pytest.raises(Undecodable) as caught:
        fingerprint_in(header(EXAMPLE)[:9])
    assert caught.value.kind == "truncated"


def test_an_unknown_fingerprint_is_named() -> None:
    with pytest.raises(Undecodable, match=r"b75d6f7da238cf70: put the writer's \.avsc file") as caught:
        decode(encode(EXAMPLE, {"foobar": ""}), lambda _: None)
    assert caught.value.kind == "unknown_schema"


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert encode_bare(NARROW, {"a": 1}) == encode_bare(NARROW, {"a": 1, "b": "x"})


@pytest.mark.parametrize(
    "row", [{}, {"b": "x"}, {"a": 1, "extra": 2}, {"a": "1"}, {"a": None}, {"a": 2**63}, {"a": 1, "b": "\ud800"}]
)
def test_what_is_no_row_of_the_schema_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidRow, match="not a row of E"):
        encode_bare(NARROW, row)
