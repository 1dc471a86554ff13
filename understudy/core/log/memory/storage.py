"""One partition: record batches as a broker stores them, and who may see what of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.core.batches import AbortedTransaction, committed, control_batch, parse, relocate
from understudy.core.batches.batch import read_header
from understudy.core.log.errors import OutputTooLarge

if TYPE_CHECKING:
    from understudy.core.batches import Batch, Scanned
    from understudy.core.log.contract import TopicPartition

MAX_MESSAGE_BYTES: Final = 1_048_588
"""A topic's default max.message.bytes."""


class Aborted(NamedTuple):
    """Where an aborted transaction lies: from its first record to its marker."""

    first_offset: int
    last_offset: int
    producer_id: int


class PartitionLog:
    """The batches of one partition, by offset, and its transactions."""

    def __init__(self, at: TopicPartition, *, max_message_bytes: int, append_time: bool) -> None:
        self.at: Final = at
        self.start_offset = 0
        self.end_offset = 0
        self._max_message_bytes = max_message_bytes
        self._append_time = append_time
        self._stored: list[bytes] = []
        self._last_offsets: list[int] = []
        self._open: dict[int, int] = {}
        self._aborted: list[Aborted] = []

    @property
    def stable_offset(self) -> int:
        """Below this, every transaction has ended."""
        return min(self._open.values(), default=self.end_offset)

    def append(self, batch: Batch, now_ms: int) -> int:
        """Store a batch and return its base offset. Raises OutputTooLarge."""
        if batch.size_bytes > self._max_message_bytes:
            raise OutputTooLarge(
                f"A batch of {batch.size_bytes:,} bytes is too large for {self.at}, which takes "
                f"{self._max_message_bytes:,}: raise the topic's max.message.bytes or write smaller batches.",
                topic=self.at.topic,
            )
        base_offset = self.end_offset
        if batch.is_transactional:
            self._open.setdefault(batch.producer_id, base_offset)
        self._store(relocate(batch, base_offset, append_time_ms=now_ms if self._append_time else None))
        return base_offset

    def end_transaction(self, producer_id: int, producer_epoch: int, now_ms: int, *, commit: bool) -> None:
        """Append a transaction's marker, where the transaction has records here."""
        first_offset = self._open.pop(producer_id, None)
        if first_offset is None:
            return
        if not commit:
            self._aborted.append(Aborted(first_offset, self.end_offset, producer_id))
        self._store(
            control_batch(
                commit=commit,
                producer_id=producer_id,
                producer_epoch=producer_epoch,
                timestamp_ms=now_ms,
                base_offset=self.end_offset,
            )
        )

    def read(self, from_offset: int, max_bytes: int, below: int | None = None) -> Scanned:
        """About `max_bytes` of committed batches, at least one if there is one, from below the stable offset.

        below: take only batches that end before this offset. The reading goes on over what is not visible until it
        finds something. Raises CorruptBatch.
        """
        limit = self.stable_offset if below is None else min(below, self.stable_offset)
        while True:
            scanned = self._read_once(from_offset, max_bytes, limit)
            if scanned.batches or scanned.next_offset == from_offset:
                return scanned
            from_offset = scanned.next_offset

    def _read_once(self, from_offset: int, max_bytes: int, limit: int) -> Scanned:
        first = last = bisect_left(self._last_offsets, from_offset)
        size_bytes = 0
        while last < len(self._stored) and self._last_offsets[last] < limit and size_bytes < max_bytes:
            size_bytes += len(self._stored[last])
            last += 1
        until = self._last_offsets[last - 1] if last > first else from_offset
        aborted = [
            AbortedTransaction(each.first_offset, each.producer_id)
            for each in self._aborted
            if each.first_offset <= until and each.last_offset >= from_offset
        ]
        return committed((parse(data, 0, from_offset) for data in self._stored[first:last]), from_offset, aborted)

    def offset_at(self, timestamp_ms: int) -> int:
        """The first offset whose timestamp is at or after this; the end where there is none."""
        for data in self._stored:
            batch = parse(data, 0, self.start_offset)
            if batch.max_timestamp_ms < timestamp_ms:
                continue
            if batch.append_time_ms is not None:
                return batch.from_offset
            columns = batch.columns
            for offset, time_ms in zip(columns.offsets, columns.timestamps_ms, strict=True):
                if time_ms >= timestamp_ms:
                    return offset
        return self.end_offset

    def delete_before(self, offset: int) -> None:
        """Forget the records below an offset, as retention does."""
        self.start_offset = max(self.start_offset, min(offset, self.end_offset))
        kept = bisect_left(self._last_offsets, self.start_offset)
        del self._stored[:kept], self._last_offsets[:kept]

    def raw(self) -> bytes:
        """All stored batches, markers and aborted records included, one after the other."""
        return b"".join(self._stored)

    def overwrite(self, batches: list[bytes]) -> None:
        """Replace what is stored, as compaction or a failing disk does; the end stays where it is."""
        self._stored = list(batches)
        headers = [read_header(data, 0) for data in batches]
        self._last_offsets = [header.base_offset + header.last_offset_delta for header in headers]

    def _store(self, batch: Batch) -> None:
        self._stored.append(batch.data)
        self._last_offsets.append(batch.last_offset)
        self.end_offset = batch.next_offset
