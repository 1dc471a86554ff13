"""Partitions as lists of batches: what a step's outputs look like once a broker has them, without a log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from understudy.core.batches import Codec, Record, build, parse, relocate, restamp
from understudy.core.batches.build import sealed
from understudy.core.batches.compression import deflate
from understudy.core.batches.varints import encode_varint
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Output

APPENDED_AT_MS = 1_900_000_000_000


def stored(
    values: Sequence[bytes | None],
    base_offset: int,
    *,
    codec: Codec = Codec.NONE,
    keys: Sequence[bytes | None] | None = None,
    time_ms: int = 1_700_000_000_000,
) -> Batch:
    """An input batch as it is read: record i has key `k<i>` unless given, and a time one millisecond after the last."""
    keyed = keys if keys is not None else [f"k{base_offset + i}".encode() for i in range(len(values))]
    records = [Record(key, value, time_ms + i) for i, (key, value) in enumerate(zip(keyed, values, strict=True))]
    return relocate(build(records, codec=codec), base_offset)


def compacted(offsets: Sequence[int], *, codec: Codec = Codec.NONE, time_ms: int = 1_700_000_000_000) -> Batch:
    """A batch that lost records to compaction: those at `offsets`, each with its offset in key and value."""
    base = offsets[0]
    body = bytearray()
    for offset in offsets:
        key, value = b"k%d" % offset, b"v%d" % offset
        numbers = (offset - base, offset - base, len(key), len(value))
        time, delta, key_size, value_size = map(encode_varint, numbers)
        record = b"".join((b"\0", time, delta, key_size, key, value_size, value, b"\0"))
        body += encode_varint(len(record)) + record
    header = build([Record(None, None, time_ms + offset) for offset in offsets]).header
    header = header._replace(attributes=codec, last_offset_delta=offsets[-1] - base)
    return relocate(sealed(header, deflate(bytes(body), codec)), base)


class Pile:
    """Appends outputs as a broker with LogAppendTime does; a marker's offset follows every transaction."""

    def __init__(self) -> None:
        self._ends: defaultdict[TopicPartition, int] = defaultdict(int)
        self._batches: defaultdict[TopicPartition, list[Batch]] = defaultdict(list)

    def commit(self, outputs: Iterable[Output]) -> None:
        """One transaction."""
        touched = set()
        for output in outputs:
            at = TopicPartition(output.topic, output.partition)
            data = restamp(output.batch, producer_id=7, producer_epoch=0, base_sequence=0, transactional=True)
            batch = relocate(parse(data), self._ends[at], append_time_ms=APPENDED_AT_MS)
            self._batches[at].append(batch)
            self._ends[at] = batch.next_offset
            touched.add(at)
        for at in touched:
            self._ends[at] += 1

    def partitions(self, topic: str) -> list[int]:
        return sorted(at.partition for at in self._batches if at.topic == topic)

    def batches(self, topic: str, partition: int, from_offset: int = 0) -> list[Batch]:
        """What a reader gets from an offset on; the first batch may have to be read from its middle."""
        return [
            parse(batch.data, 0, from_offset)
            for batch in self._batches[TopicPartition(topic, partition)]
            if batch.last_offset >= from_offset
        ]

    def records(self, topic: str, partition: int) -> list[Record]:
        return [
            Record(*row)
            for batch in self.batches(topic, partition)
            for row in zip(
                batch.columns.keys,
                batch.columns.values,
                batch.columns.timestamps_ms,
                batch.columns.headers,
                strict=True,
            )
        ]
