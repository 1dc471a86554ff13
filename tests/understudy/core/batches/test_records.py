from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.batch_oracle import altered, expected, ours, seen

from understudy.core.batches import Batch, Columns, Headers, Record, build
from understudy.core.batches.records import decode_records, encode_records, size_bytes
from understudy.core.batches.varints import encode_varint
from understudy.core.log.errors import CorruptBatch

EDGES = (0, 1, 50, 63, 64, 65, 127, 128, 8_100, 8_191, 8_192, 8_193, 1_100_000)
RECORD = encode_records([b"key"], [b"value"], [0], [(("name", b"text"),)])


@pytest.mark.parametrize("size", EDGES)
def test_lengths_around_every_edge_of_their_encoding(size: int) -> None:
    records = [Record(b"k" * size, b"v" * size, 5, (("h" * size, b"x" * size),)), Record(None, b"v" * size, 6)]

    batch = build(records)

    assert ours(batch) == seen(batch.data) == expected(records)


@pytest.mark.parametrize("delta_ms", [*EDGES, 1 << 33, -1, -64, -65, -8_193, -(1 << 33)])
def test_times_may_lie_far_apart_and_run_backwards(delta_ms: int) -> None:
    records = [Record(b"a", b"b", 1 << 34), Record(b"a", b"b", (1 << 34) + delta_ms)]

    batch = build(records)

    assert ours(batch) == seen(batch.data) == expected(records)


def test_offsets_count_on_where_they_need_three_bytes() -> None:
    records = [Record(b"", None, 0)] * 8_300

    assert seen(build(records).data) == expected(records)


def test_header_names_that_are_no_text_survive() -> None:
    body = RECORD.replace(b"name", b"\xff\xfe\x00\x80")

    (headers,) = decode_records(body, 0, 1, 0).headers

    assert encode_records([b"key"], [b"value"], [0], [headers]) == body


def test_columns_are_cut_by_index() -> None:
    columns = Columns(range(5, 9), [1, 2, 3, 4], [b"a", b"b", b"c", b"d"], [None] * 4, [()] * 4)

    assert columns.between(1, 3) == Columns(range(6, 8), [2, 3], [b"b", b"c"], [None] * 2, [()] * 2)
    assert columns.between(0, 4) is columns
    assert len(columns.between(4, 4)) == 0


@given(st.lists(st.tuples(st.binary(max_size=9) | st.none(), st.binary(max_size=9) | st.none()), max_size=9))
def test_the_size_of_columns_is_a_lower_bound_of_the_encoded_size(
    rows: list[tuple[bytes | None, bytes | None]],
) -> None:
    keys, values = [key for key, _ in rows], [value for _, value in rows]
    headers: list[Headers] = [(("a", b"bc"), ("", None))] * len(rows)
    body = encode_records(keys, values, [0] * len(rows), headers)

    assert size_bytes(decode_records(body, 0, len(rows), 0)) <= len(body)


BAD_RECORDS = {
    "length beyond the end": encode_varint(1_000) + RECORD[1:],
    "length too short": encode_varint(3) + RECORD[1:],
    "negative length": encode_varint(-1) + RECORD[1:],
    "nothing behind the length": encode_varint(7) + bytes(3),
    "negative key length": b"\x14\x00\x00\x00" + encode_varint(-2) + bytes(6),
    "negative value length": b"\x14\x00\x00\x00\x01" + encode_varint(-3) + bytes(5),
    "negative number of headers": b"\x14\x00\x00\x00\x01\x01" + encode_varint(-1) + bytes(4),
    "header without a name": b"\x14\x00\x00\x00\x01\x01\x02\x01\x01\x00\x00",
    "header with a negative length": b"\x14\x00\x00\x00\x01\x01\x02\x00" + encode_varint(-9) + bytes(2),
    "more headers than bytes": b"\x14\x00\x00\x00\x01\x01" + encode_varint(1 << 40),
    "endless number": b"\x14" + b"\xff" * 300,
    "endless offset": b"\x14\x00\x00" + b"\xff" * 300,
    "key beyond the end": b"\x14\x00\x00\x00" + encode_varint(1 << 60) + bytes(6),
}


@pytest.mark.parametrize("body", BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_bad_structure_is_corrupt(body: bytes) -> None:
    with pytest.raises(CorruptBatch):
        decode_records(body, 0, 1, 0)


def test_records_and_bytes_must_come_out_even() -> None:
    with pytest.raises(CorruptBatch, match="17 bytes are left"):
        decode_records(RECORD + bytes(17), 0, 1, 0)
    with pytest.raises(CorruptBatch, match="go on behind the end"):
        decode_records(RECORD, 0, 2, 0)


def test_a_count_that_cannot_be_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(CorruptBatch, match="cannot fit"):
        decode_records(RECORD, 0, (1 << 31) - 1, 0)


@pytest.mark.parametrize("base_ms", [(1 << 62) + 1, -(1 << 62) - 1, (1 << 62) - 10])
def test_times_out_of_any_range_are_corrupt(base_ms: int) -> None:
    body = encode_records([None], [None], [100], None)

    with pytest.raises(CorruptBatch, match="million years"):
        decode_records(body, 0, 1, base_ms)


@given(st.integers(min_value=0, max_value=3), st.binary(max_size=120))
@example(1, RECORD)
def test_rubbish_is_corrupt_or_decodes_to_that_many_records(records: int, rubbish: bytes) -> None:
    with contextlib.suppress(CorruptBatch):
        assert len(decode_records(rubbish, 0, records, 0)) == records


@given(st.data())
def test_a_flipped_byte_is_corrupt_or_decodes_to_that_many_records(data: st.DataObject) -> None:
    records = [Record(b"key", b"v" * 70, 5 * number, (("name", b"text"),)) for number in range(5)]
    batch = build(records)
    body = bytearray(batch.data[61:])
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    damaged: Batch = altered(batch, bytes(body))

    with contextlib.suppress(CorruptBatch):
        assert len(damaged.columns) == 5
