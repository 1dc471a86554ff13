from __future__ import annotations

from support.batch_oracle import DefaultRecordBatch

from understudy.core.batches.header import HEADER, Header, fresh, seal


def test_a_sealed_header_is_what_kafka_python_reads() -> None:
    header = fresh(base_offset=7, attributes=0x10, records=3, base_timestamp_ms=100, max_timestamp_ms=900)

    sealed, data = seal(header, b"body")

    theirs = DefaultRecordBatch(data)
    assert theirs.validate_crc()
    assert theirs.size_in_bytes == len(data)
    assert (theirs.base_offset, theirs.last_offset, theirs.records_count) == (7, 9, 3)
    assert (theirs.first_timestamp, theirs.max_timestamp) == (100, 900)
    assert (theirs.producer_id, theirs.producer_epoch, theirs.base_sequence) == (-1, -1, -1)
    assert theirs.is_transactional
    assert sealed == Header(*HEADER.unpack_from(data))
    assert data.endswith(b"body")


def test_the_checksum_covers_the_body() -> None:
    header = fresh(base_offset=0, attributes=0, records=1, base_timestamp_ms=0, max_timestamp_ms=0)

    assert seal(header, b"one")[0].crc != seal(header, b"two")[0].crc
