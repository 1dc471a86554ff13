from __future__ import annotations

import pytest
from hypothesis import given
from support.batch_oracle import CODECS, RECORDS, DefaultRecordBatch, altered, expected, seen, written

from understudy.core.batches import Codec, Record, build, control_batch, parse, relocate, restamp, restamped
from understudy.core.batches.header import APPEND_TIME_BIT

THREE = [Record(b"a", b"1", 30), Record(None, b"2", 10), Record(b"c", None, 20)]


@given(RECORDS, CODECS)
def test_a_restamped_batch_has_the_producer_in_its_header_and_the_records_untouched(
    records: list[Record], codec: Codec
) -> None:
    source = relocate(parse(written(records, codec, producer_id=5)), 1_234, leader_epoch=6)

    data = restamp(source, producer_id=42, producer_epoch=3, base_sequence=17, transactional=True)

    theirs = DefaultRecordBatch(data)
    assert (theirs.producer_id, theirs.producer_epoch, theirs.base_sequence) == (42, 3, 17)
    assert (theirs.base_offset, theirs.leader_epoch, theirs.is_transactional) == (0, -1, True)
    assert seen(data) == expected(records)
    assert data[61:] == source.data[61:]


def test_a_batch_can_leave_a_transaction() -> None:
    source = parse(written(THREE, Codec.LZ4, producer_id=5, transactional=True))

    data = restamp(source, producer_id=1, producer_epoch=0, base_sequence=0, transactional=False)

    assert not parse(data).is_transactional
    assert parse(data).codec is Codec.LZ4


def test_of_the_attributes_only_codec_and_transaction_are_sent() -> None:
    source = altered(build(THREE, codec=Codec.GZIP), attributes=Codec.GZIP | 0x40)

    data = restamp(source, producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)

    assert parse(data).header.attributes == Codec.GZIP | 0x10


@pytest.mark.parametrize(
    "batch",
    [
        relocate(build(THREE), 9, append_time_ms=999),
        altered(build(THREE), last_offset_delta=5),
        altered(build(THREE), b"", records=0),
        parse(relocate(build(THREE), 9).data, from_offset=10),
        control_batch(commit=True, producer_id=1, producer_epoch=0, timestamp_ms=0, base_offset=9),
    ],
    ids=["append time", "gap", "empty", "mid-batch", "control"],
)
def test_what_cannot_be_forwarded_as_it_is_is_refused(batch: object) -> None:
    with pytest.raises(ValueError, match="rebuild it first"):
        restamp(batch, producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)  # type: ignore[arg-type]  # parametrized


def test_a_broker_gives_a_batch_its_place() -> None:
    stamped = parse(restamp(build(THREE), producer_id=1, producer_epoch=0, base_sequence=0, transactional=True))

    stored = relocate(stamped, 500, leader_epoch=3)

    assert parse(stored.data) == stored
    assert DefaultRecordBatch(stored.data).leader_epoch == 3
    assert seen(stored.data) == expected(THREE, base_offset=500)
    assert stored.data[16:] == stamped.data[16:]
    assert stored.is_transactional


@pytest.mark.parametrize("codec", Codec)
def test_an_append_time_goes_into_the_header_and_leaves_bytes_and_base_timestamp(codec: Codec) -> None:
    source = build(THREE, codec=codec)

    stored = relocate(source, 500, append_time_ms=999)

    assert parse(stored.data) == stored
    assert stored.header.attributes & APPEND_TIME_BIT
    assert (stored.append_time_ms, stored.base_timestamp_ms) == (999, 30)
    assert stored.data[61:] == source.data[61:]
    assert [row.timestamp_ms for row in seen(stored.data)] == [999, 999, 999]
    assert list(stored.columns.timestamps_ms) == [30, 10, 20]


def test_columns_decoded_before_do_not_outlive_the_move() -> None:
    source = build(THREE)
    assert list(source.columns.offsets) == [0, 1, 2]

    assert list(relocate(source, 500).columns.offsets) == [500, 501, 502]


def test_a_new_header_leaves_the_records_where_they_lie() -> None:
    source = build(THREE)
    stamp = {"producer_id": 1, "producer_epoch": 0, "base_sequence": 0}
    parts = restamped(source, **stamp, transactional=True)
    whole = restamp(source, **stamp, transactional=True)
    assert parts.head + bytes(parts.body) == whole
    assert len(parts) == len(whole)
    assert parts.body.obj is source.buffer
