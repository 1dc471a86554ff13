"""A reader of a memory log: named partitions, no group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from understudy.core.log.errors import PositionExpired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import TopicPartition
    from understudy.core.log.memory.cluster import Cluster

READ_BYTES: Final = 1 << 20


class MemoryReader:
    """Implements `Reader`."""

    def __init__(self, cluster: Cluster, start: Mapping[TopicPartition, int]) -> None:
        self._cluster = cluster
        self._offsets = dict(start)

    def poll(self, timeout_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
        with self._cluster.look() as began_s:
            now_s, deadline_s = began_s, began_s + timeout_s
            while True:
                before = dict(self._offsets)
                found = self._read()
                if found or self._offsets != before or now_s >= deadline_s:
                    return found
                now_s = self._cluster.wait(deadline_s)

    def position(self, at: TopicPartition) -> int:
        return self._offsets[at]

    def close(self) -> None:
        """There is nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> dict[TopicPartition, Sequence[Batch]]:
        found = {}
        for at, offset in self._offsets.items():
            partition = self._cluster.topics.partition(at)
            if not partition.start_offset <= offset <= partition.end_offset:
                raise PositionExpired(
                    f"{at} is to be read from offset {offset}, but records {partition.start_offset} to "
                    f"{partition.end_offset} are what is left: start from one of these."
                )
            scanned = partition.read(offset, READ_BYTES)
            self._offsets[at] = scanned.next_offset
            if scanned.batches:
                found[at] = scanned.batches
        return found
