"""New headers for records that stay as they are: what a producer does before it sends, and a broker on append."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from understudy.core.batches.header import (
    APPEND_TIME_BIT,
    CODEC_BITS,
    HEADER,
    HEADER_BYTES,
    NOBODY,
    TRANSACTIONAL_BIT,
    seal,
    seal_header,
)

if TYPE_CHECKING:
    from understudy.core.batches.batch import Batch


@dataclass(frozen=True, slots=True)
class Restamped:
    """A batch under a new header: `head`, and behind it the records where they lie, not copied. len() is in bytes."""

    head: bytes
    body: memoryview

    def __len__(self) -> int:
        return len(self.head) + len(self.body)


def restamped(
    batch: Batch, *, producer_id: int, producer_epoch: int, base_sequence: int, transactional: bool
) -> Restamped:
    """The batch as this producer sends it: records untouched, base offset 0.

    Of the attributes only the codec is kept: a broker would take over an append-time bit, and readers would lose the
    create times. Raises ValueError for what is not forwardable (`rebuild` makes it so).
    """
    if not batch.is_forwardable:
        raise ValueError(f"The batch at offset {batch.base_offset} cannot be forwarded as it is: rebuild it first.")
    header = batch.header._replace(
        base_offset=0,
        leader_epoch=NOBODY,
        attributes=batch.header.attributes & CODEC_BITS | (TRANSACTIONAL_BIT if transactional else 0),
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
    )
    body = memoryview(batch.buffer)[HEADER_BYTES:]
    return Restamped(HEADER.pack(*seal_header(header, body)), body)


def restamp(batch: Batch, *, producer_id: int, producer_epoch: int, base_sequence: int, transactional: bool) -> bytes:
    """As `restamped`, in one piece."""
    stamped = restamped(
        batch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        transactional=transactional,
    )
    return b"".join((stamped.head, stamped.body))


def relocate(batch: Batch, base_offset: int, *, leader_epoch: int = 0, append_time_ms: int | None = None) -> Batch:
    """The batch as a broker stores it at `base_offset`.

    append_time_ms: what a topic with LogAppendTime puts into the header; records and base timestamp stay. The
    result is read from its beginning.
    """
    body = memoryview(batch.buffer)[HEADER_BYTES:]
    header = batch.header._replace(base_offset=base_offset, leader_epoch=leader_epoch)
    if append_time_ms is not None:
        attributes = header.attributes | APPEND_TIME_BIT
        header, data = seal(header._replace(attributes=attributes, max_timestamp_ms=append_time_ms), body)
    else:
        data = b"".join((HEADER.pack(*header), body))
    return replace(batch, buffer=data, from_offset=base_offset, header=header)
