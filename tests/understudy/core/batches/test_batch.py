from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batch_oracle import CODECS, RECORDS, altered, expected, ours, seen, written

from understudy.core.batches import Batch, Codec, DecompressionTooLarge, Record, build, parse, relocate
from understudy.core.batches.header import APPEND_TIME_BIT, CONTROL_BIT
from understudy.core.batches.records import MAX_RECORDS
from understudy.core.log.errors import CorruptBatch

THREE = [Record(b"a", b"1", 30), Record(None, b"2", 10, (("h", None),)), Record(b"c", None, 20)]


@given(RECORDS, CODECS)
def test_what_kafka_python_writes_is_read(records: list[Record], codec: Codec) -> None:
    data = written(records, codec)

    batch = parse(data)

    assert ours(batch) == seen(data) == expected(records)
    assert batch.count == len(records)


def test_the_header_is_decoded() -> None:
    data = written(THREE, Codec.NONE, producer_id=77, transactional=True)

    batch = relocate(parse(data), 1_000)

    assert (batch.base_offset, batch.last_offset, batch.next_offset, batch.count) == (1_000, 1_002, 1_003, 3)
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms, batch.append_time_ms) == (30, 30, None)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (77, 0, 0)
    assert (batch.is_transactional, batch.is_control, batch.codec) == (True, False, Codec.NONE)
    assert batch.size_bytes == len(data)
    assert batch.from_offset == 1_000
    assert list(batch.columns.offsets) == [1_000, 1_001, 1_002]


def test_a_batch_is_found_at_its_position_in_a_buffer() -> None:
    data = written(THREE)

    batch = parse(memoryview(b"before" + data + b"after"), 6)

    assert batch == parse(data)
    assert parse(data) == batch
    assert hash(batch) == hash(parse(data))
    assert batch.size_bytes == len(data)
    assert batch.data == data
    assert ours(batch) == expected(THREE)


def test_a_batch_outlives_changes_of_a_buffer_that_can_change() -> None:
    data = written(THREE)
    response = bytearray(data)

    batch = parse(memoryview(response))
    response[:] = bytes(len(response))

    assert batch.data == data


@pytest.mark.parametrize("codec", Codec)
def test_records_below_the_offset_asked_for_do_not_count(codec: Codec) -> None:
    stored = relocate(parse(written(THREE, codec)), 100)

    batch = parse(stored.data, from_offset=101)

    assert [row.value for row in ours(batch)] == [b"2", None]
    assert [row.offset for row in ours(batch)] == [101, 102]
    assert (batch.from_offset, batch.base_offset, batch.count) == (101, 100, 3)
    assert not batch.is_forwardable
    assert parse(stored.data, from_offset=50) == stored
    assert len(parse(stored.data, from_offset=103).columns) == 0


def test_gaps_are_kept_as_compaction_leaves_them() -> None:
    data = relocate(parse(written(THREE, deltas=[0, 4, 9])), 10).data

    batch = parse(data)

    assert [row.offset for row in ours(batch)] == [row.offset for row in seen(data)] == [10, 14, 19]
    assert (batch.is_contiguous, batch.is_forwardable) == (False, False)
    assert [row.value for row in ours(parse(data, from_offset=15))] == [None]


def test_a_batch_that_compaction_emptied_has_no_records() -> None:
    batch = parse(altered(build(THREE), b"", records=0).data)

    assert (batch.next_offset, len(batch.columns), batch.is_forwardable) == (3, 0, False)


def test_what_is_forwardable() -> None:
    batch = build(THREE)

    assert batch.is_forwardable
    assert not altered(batch, attributes=APPEND_TIME_BIT).is_forwardable
    assert not altered(batch, attributes=CONTROL_BIT).is_forwardable
    assert not altered(batch, last_offset_delta=3).is_forwardable


def test_create_times_are_there_beside_an_append_time() -> None:
    batch = relocate(build(THREE), 0, append_time_ms=999)

    assert (batch.append_time_ms, batch.max_timestamp_ms) == (999, 999)
    assert list(batch.columns.timestamps_ms) == [30, 10, 20]


def test_offsets_of_a_whole_batch_follow_from_its_header_as_the_broker_counts_them() -> None:
    data = written(THREE, deltas=[5, 5, 2])
    batch = altered(parse(data), last_offset_delta=2)

    assert list(parse(batch.data).columns.offsets) == [0, 1, 2]


@pytest.mark.parametrize("deltas", [[0, 0, 9], [3, 2, 9], [0, 5, 10], [-1, 5, 9]])
def test_offsets_that_do_not_rise_within_the_range_are_corrupt(deltas: list[int]) -> None:
    batch = altered(parse(written(THREE, deltas=[0, 1, 2]), 0), written(THREE, deltas=deltas)[61:], last_offset_delta=9)

    with pytest.raises(CorruptBatch, match="do not rise"):
        _ = batch.columns


def test_columns_are_decoded_once() -> None:
    batch = build(THREE)

    assert batch.columns is batch.columns


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"magic": 1}, "format 1"),
        ({"records": 4}, "4 records in 3 offsets"),
        ({"records": -1}, "-1 records"),
        ({"last_offset_delta": -1, "records": 0}, None),
        ({"last_offset_delta": -2}, "3 records in -1 offsets"),
        ({"attributes": 5}, "unknown codec, 5"),
        ({"base_offset": -1}, "negative offset"),
    ],
)
def test_a_header_that_contradicts_itself_is_corrupt(fields: dict[str, int], message: str | None) -> None:
    damaged = altered(build(THREE), None, **fields)

    if message is None:
        assert parse(damaged.data).count == 0
        return
    with pytest.raises(CorruptBatch, match=message):
        parse(damaged.data)


@pytest.mark.parametrize("length", [-5, 0, 48])
def test_an_impossible_length_is_corrupt(length: int) -> None:
    data = build(THREE).data

    with pytest.raises(CorruptBatch, match="impossible length"):
        parse(data[:8] + length.to_bytes(4, "big", signed=True) + data[12:])


def test_a_batch_that_is_cut_off_is_corrupt() -> None:
    data = build(THREE).data

    with pytest.raises(CorruptBatch, match="1 bytes are missing"):
        parse(data[:-1])
    with pytest.raises(CorruptBatch, match="60 of 61 bytes"):
        parse(data[:60])


@given(st.integers(min_value=0, max_value=10_000), st.integers(min_value=1, max_value=255))
def test_any_flipped_byte_under_the_checksum_is_found(at: int, flip: int) -> None:
    data = bytearray(build(THREE).data)
    data[17 + at % (len(data) - 17)] ^= flip

    with pytest.raises(CorruptBatch):
        parse(bytes(data))


@given(st.binary(max_size=200))
def test_rubbish_is_corrupt(rubbish: bytes) -> None:
    with pytest.raises(CorruptBatch):
        parse(rubbish)


def test_more_records_than_are_let_in_are_refused_before_they_are_decoded() -> None:
    batch = altered(build(THREE), records=MAX_RECORDS + 1, last_offset_delta=MAX_RECORDS)

    with pytest.raises(DecompressionTooLarge, match="1,048,577 records"):
        _ = parse(batch.data).columns


def test_batches_are_compared_by_their_bytes_and_where_reading_begins() -> None:
    data = build(THREE).data

    assert parse(data) == parse(data)
    assert hash(parse(data)) == hash(parse(data))
    assert parse(data) != parse(data, from_offset=1)
    assert isinstance(parse(data), Batch)
    assert "value" not in repr(build([Record(None, b"value", 0)]))
