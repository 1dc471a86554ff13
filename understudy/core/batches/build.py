"""Batches from records."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from understudy.core.batches.batch import Batch, check_count
from understudy.core.batches.compression import Codec, deflate
from understudy.core.batches.header import CONTROL_BIT, TRANSACTIONAL_BIT, fresh, seal
from understudy.core.batches.records import encode_records, times_fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from understudy.core.batches.header import Header
    from understudy.core.batches.records import Headers, Record

CONTROL_KEY: Final = struct.Struct(">hh")
CONTROL_VALUE: Final = struct.Struct(">hi")
ABORT: Final = 0
COMMIT: Final = 1


def build(records: Iterable[Record], *, codec: Codec = Codec.NONE, base_offset: int = 0) -> Batch:
    """A batch of the records, with contiguous offsets. Raises ValueError without records; MissingCodec."""
    rows = list(records)
    if not rows:
        raise ValueError("A batch has at least one record.")
    keys, values, timestamps_ms, headers = zip(*rows, strict=True)
    return build_columns(keys, values, timestamps_ms, headers, codec=codec, base_offset=base_offset)


def build_columns(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    timestamps_ms: Sequence[int],
    headers: Sequence[Headers] | None = None,
    *,
    codec: Codec = Codec.NONE,
    base_offset: int = 0,
    base_timestamp_ms: int | None = None,
) -> Batch:
    """A batch of columns of one length, at least 1, with contiguous offsets.

    headers: None where no record has any. base_timestamp_ms: default the first record's. Raises ValueError when the
    lengths differ or are 0, or a time is out of any range; DecompressionTooLarge when nobody here would read the batch
    again; MissingCodec.
    """
    count = len(keys)
    if not count or {len(values), len(timestamps_ms), count if headers is None else len(headers)} != {count}:
        raise ValueError("A batch's columns have one length, which is at least 1.")
    check_count(count)
    if base_timestamp_ms is None:
        base_timestamp_ms = timestamps_ms[0]
    if not times_fit(base_timestamp_ms, timestamps_ms):
        raise ValueError("Timestamps are milliseconds since 1970.")
    if headers is not None and not any(headers):
        headers = None
    body = encode_records(keys, values, [time - base_timestamp_ms for time in timestamps_ms], headers)
    header = fresh(
        base_offset=base_offset,
        attributes=codec,
        records=count,
        base_timestamp_ms=base_timestamp_ms,
        max_timestamp_ms=max(timestamps_ms),
    )
    return sealed(header, deflate(body, codec))


def control_batch(
    *, commit: bool, producer_id: int, producer_epoch: int, timestamp_ms: int, base_offset: int = 0
) -> Batch:
    """The marker that a broker appends where a producer's transaction ends."""
    key, value = CONTROL_KEY.pack(0, COMMIT if commit else ABORT), CONTROL_VALUE.pack(0, 0)
    body = encode_records([key], [value], [0], None)
    header = fresh(
        base_offset=base_offset,
        attributes=TRANSACTIONAL_BIT | CONTROL_BIT,
        records=1,
        base_timestamp_ms=timestamp_ms,
        max_timestamp_ms=timestamp_ms,
    )
    return sealed(header._replace(producer_id=producer_id, producer_epoch=producer_epoch), body)


def is_abort(batch: Batch) -> bool:
    """Whether a control batch, read from wherever, says that its transaction was aborted. Raises CorruptBatch."""
    key = next(iter(replace(batch, from_offset=batch.base_offset).columns.keys), None)
    return key is not None and len(key) >= CONTROL_KEY.size and CONTROL_KEY.unpack_from(key)[1] == ABORT


def sealed(header: Header, body: bytes | memoryview) -> Batch:
    """A batch of a header, whose length and checksum are set here, and a body."""
    header, data = seal(header, body)
    return Batch(data, header.base_offset, header)
