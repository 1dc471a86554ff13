"""A log in this process: the same bytes and the same rules as on a broker, for tests and for trying things out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.core.batches import parse, restamp
from understudy.core.log.memory.admin import MemoryAdmin
from understudy.core.log.memory.clock import SystemClock
from understudy.core.log.memory.cluster import Cluster
from understudy.core.log.memory.faults import Faults
from understudy.core.log.memory.reader import MemoryReader
from understudy.core.log.memory.session import MemorySession
from understudy.core.log.memory.writer import MemoryWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.core.batches import Batch
    from understudy.core.log.contract import SessionSpec, TopicPartition
    from understudy.core.log.memory.clock import Clock


class MemoryLog:
    """Implements `Log`. Threads may share it; each session, reader, writer and admin belongs to one thread.

    clock: real time by default; a `VirtualClock` where one thread drives everything. faults: none by default.
    """

    def __init__(self, clock: Clock | None = None, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self._cluster = Cluster(clock or SystemClock(), self.faults)

    def session(self, spec: SessionSpec) -> MemorySession:
        return MemorySession(self._cluster, spec)

    def reader(self, start: Mapping[TopicPartition, int]) -> MemoryReader:
        return MemoryReader(self._cluster, start)

    def writer(self, transactional_id: str) -> MemoryWriter:
        return MemoryWriter(self._cluster, transactional_id)

    def admin(self) -> MemoryAdmin:
        return MemoryAdmin(self._cluster)

    def append(self, at: TopicPartition, batch: Batch) -> int:
        """Append as a producer without transactions does, and return the base offset.

        Raises UnknownTopic, OutputTooLarge; ValueError for a batch that is not forwardable.
        """
        data = restamp(batch, producer_id=-1, producer_epoch=-1, base_sequence=-1, transactional=False)
        with self._cluster.turn() as now_s:
            return self._cluster.topics.partition(at).append(parse(data), round(now_s * 1000))

    def delete_records(self, at: TopicPartition, before_offset: int) -> None:
        """Delete the records below an offset, as retention does. Raises UnknownTopic."""
        with self._cluster.turn():
            self._cluster.topics.partition(at).delete_before(before_offset)

    def raw(self, at: TopicPartition) -> bytes:
        """Every stored batch of a partition, markers and aborted records included. Raises UnknownTopic."""
        with self._cluster.look():
            return self._cluster.topics.partition(at).raw()

    def overwrite(self, at: TopicPartition, batches: list[bytes]) -> None:
        """Replace what a partition stores, as compaction or a failing disk does. Raises UnknownTopic."""
        with self._cluster.turn():
            self._cluster.topics.partition(at).overwrite(batches)
