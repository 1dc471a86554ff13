from __future__ import annotations

import pytest

from schemas.encodings.framing import Bare, Confluent, FramedDecoder, SingleObject, confluent_header, nothing_in
from schemas.errors import Undecodable
from schemas.parsing import fingerprint, parse
from schemas.single_object import encode, encode_bare

EVENT = parse('{"type":"record","name":"E","fields":[{"name":"a","type":"int"}]}', "event")
OTHER = parse('{"type":"record","name":"E","fields":[{"name":"a","type":"long"}]}', "other")
ROW = {"a": 5}
RECORD = encode_bare(EVENT, ROW)


def test_a_registry_id_is_big_endian_behind_a_zero() -> None:
    assert confluent_header(258) == b"\x00\x00\x00\x01\x02"


@pytest.mark.parametrize(
    ("decoder", "value"),
    [
        (FramedDecoder(Bare(EVENT), EVENT), RECORD),
        (FramedDecoder(SingleObject({fingerprint(EVENT): EVENT}), EVENT), encode(EVENT, ROW)),
        (FramedDecoder(Confluent({258: EVENT}, None), EVENT), confluent_header(258) + RECORD),
    ],
)
def test_each_framing_is_skipped(decoder: FramedDecoder, value: bytes) -> None:
    assert [decoder.decode(value) for _ in range(2)] == [ROW, ROW]
    with pytest.raises(Undecodable) as caught:
        decoder.decode(value + b"x")
    assert caught.value.kind == "trailing_bytes"


def test_writers_may_take_turns() -> None:
    decoder = FramedDecoder(Confluent({1: EVENT, 2: OTHER}, None), OTHER)
    one, two = confluent_header(1) + RECORD, confluent_header(2) + encode_bare(OTHER, {"a": 2**40})
    assert [decoder.decode(each) for each in (one, two, one)] == [{"a": 5}, {"a": 2**40}, {"a": 5}]


@pytest.mark.parametrize(("value", "kind"), [(None, "tombstone"), (b"", "empty")])
def test_nothing_is_told_apart_by_its_kind(value: bytes | None, kind: str) -> None:
    assert nothing_in(value).kind == kind
    with pytest.raises(Undecodable) as caught:
        FramedDecoder(Bare(EVENT), EVENT).decode(value)
    assert caught.value.kind == kind
