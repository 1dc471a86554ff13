"""Follows a topic: the last records, all of them, or those to come."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from understudy.app.records.reading_rows import entry, times_ms
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from understudy.app.records.reading_rows import Entry, Source
    from understudy.core.batches import Batch
    from understudy.core.log.contract import Log, Reader

POLL_S: Final = 0.5
LAST: Final = 10
"""How many records are shown when nothing else is said."""
MARKERS: Final = 100
"""Offsets that may hold no records near the end: markers of transactions."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: from the beginning or the last ones; at most `limit`; and then those to come."""

    from_beginning: bool = False
    limit: int | None = None
    follow: bool = False

    @property
    def most(self) -> int:
        """How many of the last records, where it is them that are wanted."""
        return LAST if self.limit is None else self.limit


def tail(log: Log, source: Source, wanted: Wanted, stopped: Callable[[], bool]) -> Iterator[Entry]:
    """The records wanted, in order per partition. Raises UnknownTopic.

    Without from_beginning the last `limit` (default 10) that are there now come first.
    """
    start, end = _bounds(log, source.topic, wanted)
    with log.reader(start) as reader:
        there = _entries(source, reader, lambda: stopped() or _reached(reader, end))
        shown = 0
        for each in there if wanted.from_beginning else _newest(there, wanted.most):
            if shown == wanted.limit:
                return
            yield each
            shown += 1
        if wanted.follow:
            left = None if wanted.limit is None else wanted.limit - shown
            yield from islice(_entries(source, reader, stopped), left)


def _bounds(log: Log, topic: str, wanted: Wanted) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    with log.admin() as admin:
        described = admin.describe([topic])
        if topic not in described:
            raise UnknownTopic(f"The topic {topic} does not exist: run understudy topics, or name another.")
        partitions = [TopicPartition(topic, p) for p in range(described[topic].partitions)]
        first, end = admin.start_offsets(partitions), admin.end_offsets(partitions)
    if wanted.from_beginning:
        return first, end
    back = 2 * wanted.most + MARKERS
    return {at: max(first[at], end[at] - back) for at in partitions}, end


def _reached(reader: Reader, end: Mapping[TopicPartition, int]) -> bool:
    return all(reader.position(at) >= offset for at, offset in end.items())


def _entries(source: Source, reader: Reader, stopped: Callable[[], bool]) -> Iterator[Entry]:
    while not stopped():
        for at, batches in reader.poll(POLL_S).items():
            yield from _decoded(source, at, batches)


def _decoded(source: Source, at: TopicPartition, batches: Sequence[Batch]) -> Iterator[Entry]:
    for batch in batches:
        columns = batch.columns
        records = zip(columns.keys, columns.values, columns.headers, strict=True)
        for offset, timestamp_ms, record in zip(columns.offsets, times_ms(batch), records, strict=True):
            yield entry(source, at, offset, timestamp_ms, record)


def _newest(entries: Iterator[Entry], limit: int) -> list[Entry]:
    """The last records of all partitions, by time."""
    by_partition: dict[TopicPartition, deque[Entry]] = {}
    for each in entries:
        by_partition.setdefault(each.at, deque(maxlen=limit)).append(each)
    merged = sorted((each for part in by_partition.values() for each in part), key=lambda each: each.timestamp_ms)
    return merged[-limit:]
