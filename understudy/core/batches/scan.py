"""Batches of a fetch response, with the bookkeeping that read_committed asks of a client."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.core.batches.batch import parse, read_header
from understudy.core.batches.build import is_abort
from understudy.core.batches.header import HEADER_BYTES, LENGTH_EXCLUDES_BYTES
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from understudy.core.batches.batch import Batch

MAX_BATCH_BYTES: Final = 100_000_000
"""A longer batch is taken for a corrupt length, lest it be waited for for ever. It is the largest response that the
Kafka client receives."""


class AbortedTransaction(NamedTuple):
    """One entry of the list that a broker gives with read_committed records."""

    first_offset: int
    producer_id: int


class Scanned(NamedTuple):
    """batches: those with records to be read. next_offset: where to go on; also behind what was left out."""

    batches: Sequence[Batch]
    next_offset: int


def scan(buffer: bytes | memoryview, from_offset: int, aborted: Iterable[AbortedTransaction] = ()) -> Scanned:
    """What is to be read of a fetch response that was asked for from `from_offset` on.

    A truncated last batch is left out. Raises CorruptBatch.
    """
    return committed(batches_in(buffer, from_offset), from_offset, aborted)


def batches_in(buffer: bytes | memoryview, from_offset: int = 0) -> Iterator[Batch]:
    """Every batch that is whole. Raises CorruptBatch."""
    position = 0
    while position + HEADER_BYTES <= len(buffer):
        length = read_header(buffer, position).length + LENGTH_EXCLUDES_BYTES
        if length > MAX_BATCH_BYTES:
            raise CorruptBatch(f"A batch states an impossible length of {length:,} bytes.")
        if position + length > len(buffer):
            return
        yield parse(buffer, position, from_offset)
        position += length


def committed(batches: Iterable[Batch], from_offset: int, aborted: Iterable[AbortedTransaction] = ()) -> Scanned:
    """Without control batches, records of aborted transactions, and what lies below `from_offset`.

    aborted: transactions that were aborted and overlap the batches; none for read_uncommitted.
    """
    pending = deque(sorted(aborted))
    skipped: set[int] = set()
    kept: list[Batch] = []
    for batch in batches:
        while pending and pending[0].first_offset <= batch.last_offset:
            skipped.add(pending.popleft().producer_id)
        if batch.is_control:
            if is_abort(batch):
                skipped.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in skipped) and is_due(batch, from_offset):
            kept.append(batch)
        from_offset = max(from_offset, batch.next_offset)
    return Scanned(kept, from_offset)


def is_due(batch: Batch, from_offset: int) -> bool:
    """Whether the batch has records (compaction can empty one) at or behind `from_offset`."""
    return batch.count > 0 and batch.last_offset >= from_offset
