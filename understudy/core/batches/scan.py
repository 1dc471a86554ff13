"""Batches of a fetch response, with the bookkeeping that read_committed asks of a client."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.core.batches.batch import parse, read_header
from understudy.core.batches.build import is_abort
from understudy.core.batches.header import HEADER_BYTES, LENGTH_EXCLUDES_BYTES
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from understudy.core.batches.batch import Batch

MAX_BATCH_BYTES: Final = 100_000_000
"""A longer batch is taken for a corrupt length, lest it be waited for for ever: it exceeds the largest response that
the Kafka client receives."""


class AbortedTransaction(NamedTuple):
    """One entry of the list that a broker gives with read_committed records."""

    first_offset: int
    producer_id: int


class Scanned(NamedTuple):
    """batches: those with records to be read. next_offset: where to go on; also behind what was left out.

    leader_epoch: of the last batch, also where it was left out; -1 without batches.
    """

    batches: Sequence[Batch]
    next_offset: int
    leader_epoch: int = -1


def scan(buffer: bytes | memoryview, from_offset: int, aborted: Iterable[AbortedTransaction] = ()) -> Scanned:
    """What is to be read of a fetch response that was asked for from `from_offset` on.

    aborted: as the broker lists them; none for read_uncommitted. A truncated last batch is left out. Raises
    CorruptBatch.
    """
    return committed(batches_in(buffer), from_offset, aborted)


def batches_in(buffer: bytes | memoryview) -> Iterator[Batch]:
    """Every batch that is whole, control batches too. Raises CorruptBatch."""
    position = 0
    while position + HEADER_BYTES <= len(buffer):
        end = position + read_header(buffer, position).length + LENGTH_EXCLUDES_BYTES
        if end - position > MAX_BATCH_BYTES:
            raise CorruptBatch(f"A batch states an impossible length of {end - position:,} bytes.")
        if end > len(buffer):
            return
        yield parse(buffer, position)
        position = end


def committed(batches: Iterable[Batch], from_offset: int, aborted: Iterable[AbortedTransaction] = ()) -> Scanned:
    """Of consecutive batches those with records to be read, each knowing from where on its records count.

    Left out are control batches, aborted transactions (`aborted` names those that overlap the batches), and what lies
    below `from_offset`. Raises CorruptBatch.
    """
    pending = deque(sorted(aborted))
    skipped: set[int] = set()
    kept: list[Batch] = []
    next_offset, leader_epoch = from_offset, -1
    for batch in batches:
        while pending and pending[0].first_offset <= batch.last_offset:
            skipped.add(pending.popleft().producer_id)
        if batch.is_control:
            if is_abort(batch):
                skipped.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in skipped):
            kept += due(batch, from_offset)
        next_offset = max(next_offset, batch.next_offset)
        leader_epoch = batch.header.leader_epoch
    return Scanned(kept, next_offset, leader_epoch)


def due(batch: Batch, from_offset: int) -> Sequence[Batch]:
    """The batch as it is to be read from `from_offset` on; nothing where it has no records there.

    Only where compaction took records may a batch reach beyond `from_offset` and still have none there, so only then
    it is decoded.
    """
    if batch.count == 0 or batch.last_offset < from_offset:
        return ()
    if batch.base_offset >= from_offset:
        return (batch,)
    batch = replace(batch, from_offset=from_offset)
    return (batch,) if batch.is_contiguous or len(batch.columns) else ()
