from __future__ import annotations

import pytest
from hypothesis import given
from support.batch_oracle import CODECS, RECORDS, DefaultRecordBatch, altered, expected, ours, seen, written

from understudy.core.batches import (
    Codec,
    DecompressionTooLarge,
    Record,
    build,
    build_columns,
    control_batch,
    parse,
    relocate,
)
from understudy.core.batches.build import is_abort
from understudy.core.batches.records import MAX_RECORDS
from understudy.core.log.errors import CorruptBatch

THREE = [Record(b"a", b"1", 30), Record(None, b"2", 10, (("h", None),)), Record(b"c", None, 20)]


@given(RECORDS, CODECS)
def test_what_is_built_kafka_python_reads(records: list[Record], codec: Codec) -> None:
    batch = build(records, codec=codec, base_offset=50)

    assert seen(batch.data) == expected(records, base_offset=50)
    assert parse(batch.data) == batch
    assert parse(batch.data).columns == batch.columns


@given(RECORDS)
def test_uncompressed_batches_are_byte_for_byte_those_of_kafka_python_but_for_the_leader_epoch(
    records: list[Record],
) -> None:
    ours_, theirs = build(records).data, written(records)

    assert ours_[:12] == theirs[:12]
    assert (ours_[12:16], theirs[12:16]) == (b"\xff" * 4, bytes(4))
    assert ours_[16:] == altered(parse(theirs), base_sequence=-1, producer_epoch=-1).data[16:]


def test_columns_make_the_same_batch_as_rows() -> None:
    keys, values, times, headers = zip(*THREE, strict=True)

    assert build_columns(keys, values, times, headers) == build(THREE)
    assert build_columns(keys, values, times) == build([record._replace(headers=()) for record in THREE])


def test_the_header_says_what_the_records_span() -> None:
    batch = build(THREE, base_offset=7)

    assert (batch.base_offset, batch.last_offset, batch.count) == (7, 9, 3)
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms) == (30, 30)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (-1, -1, -1)
    assert batch.is_forwardable


def test_a_given_base_timestamp_is_kept() -> None:
    batch = build_columns([b"a"], [b"b"], [500], base_timestamp_ms=900)

    assert (batch.base_timestamp_ms, batch.max_timestamp_ms) == (900, 500)
    assert [row.timestamp_ms for row in seen(batch.data)] == [500]


def test_columns_of_different_lengths_or_none_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        build([])
    with pytest.raises(ValueError, match="at least"):
        build_columns([], [], [])
    for columns in (([b"a"], [], [1]), ([b"a"], [b"b"], [1, 2])):
        with pytest.raises(ValueError, match="one length"):
            build_columns(*columns)
    with pytest.raises(ValueError, match="one length"):
        build_columns([b"a"], [b"b"], [1], [(), ()])


def test_times_out_of_any_range_are_refused() -> None:
    with pytest.raises(ValueError, match="since 1970"):
        build([Record(None, None, 1 << 63)])


def test_what_could_not_be_read_again_is_not_built() -> None:
    many = [None] * (MAX_RECORDS + 1)

    with pytest.raises(DecompressionTooLarge, match="1,048,577 records"):
        build_columns(many, many, range(MAX_RECORDS + 1))
    with pytest.raises(DecompressionTooLarge, match="decompressed"):
        build([Record(None, bytes(1 << 24), 0)] * 3, codec=Codec.ZSTD)


@pytest.mark.parametrize("commit", [True, False])
def test_control_batches_are_those_that_brokers_write(commit: bool) -> None:
    batch = control_batch(commit=commit, producer_id=9, producer_epoch=4, timestamp_ms=123, base_offset=8)

    theirs = DefaultRecordBatch(batch.data)
    assert theirs.validate_crc()
    assert (theirs.is_control_batch, theirs.is_transactional) == (True, True)
    assert (theirs.producer_id, theirs.producer_epoch, theirs.base_offset) == (9, 4, 8)
    (record,) = theirs
    assert (record.commit, record.abort, record.timestamp) == (commit, not commit, 123)
    assert is_abort(batch) is not commit
    assert not batch.is_forwardable


def test_an_abort_marker_is_one_from_wherever_it_is_read() -> None:
    marker = relocate(control_batch(commit=False, producer_id=9, producer_epoch=4, timestamp_ms=123), 20)

    assert is_abort(parse(marker.data, from_offset=30))


def test_a_control_batch_without_a_marker_aborts_nothing() -> None:
    marker = control_batch(commit=False, producer_id=9, producer_epoch=4, timestamp_ms=123)

    assert not is_abort(altered(marker, b"", records=0))
    assert not is_abort(altered(marker, build([Record(b"\0", b"", 0)]).data[61:]))
    with pytest.raises(CorruptBatch):
        is_abort(altered(marker, b"rubbish"))


def test_headers_are_told_apart_from_none() -> None:
    assert [row.headers for row in ours(build(THREE))] == [(), (("h", None),), ()]
