"""The memory log under test, in virtual time; read back by kafka-python's record classes."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, cast

from crc32c import crc32c
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from support.harness import Visible

from understudy.core.log.contract import EMPTY, NewTopic, TopicPartition
from understudy.core.log.memory import MemoryLog, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Output, Session, SessionSpec
    from understudy.core.log.memory import Faults
    from understudy.core.log.memory.session import MemorySession

STEP_S = 0.05
COMMIT_MARKER = 1
BASE_OFFSET, CRC, LAST_OFFSET_DELTA = slice(0, 8), slice(17, 21), slice(23, 27)


class MemoryTransaction:
    """An open transaction of another user."""

    def __init__(self, log: MemoryLog, transactional_id: str, outputs: Sequence[Output]) -> None:
        cluster = log._cluster
        self._cluster = cluster
        with cluster.turn() as now_s:
            self._identity = cluster.transactions.initialise(transactional_id, 60.0, now_s)
            for output in outputs:
                cluster.transactions.append(self._identity, output, now_s)

    def end(self, *, commit: bool) -> None:
        with self._cluster.turn() as now_s:
            self._cluster.transactions.end(self._identity, now_s, commit=commit)


class MemoryHarness:
    """Implements `LogHarness`."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.clock = VirtualClock()
        self._log = MemoryLog(self.clock, faults)
        self._admin = self._log.admin()
        self._sessions: list[MemorySession] = []
        self._writers = count(1)

    @property
    def log(self) -> MemoryLog:
        return self._log

    def name(self, stem: str) -> str:
        return stem

    def create_topic(self, stem: str, partitions: int = 1, config: Mapping[str, str] = EMPTY) -> str:
        self._admin.create([NewTopic(stem, partitions, config=config)])
        return stem

    def create_compacted(self, stem: str, batches: Sequence[Batch]) -> str:
        topic = self.create_topic(stem)
        for batch in batches:
            self.append(topic, 0, batch)
        at = TopicPartition(topic, 0)
        self._log.overwrite(at, compact(self._log.raw(at)))
        return topic

    def grow(self, topic: str, partitions: int) -> None:
        self._admin.grow(topic, partitions)

    def delete_topic(self, topic: str) -> None:
        self._admin.delete([topic])

    def recreate_topic(self, topic: str, partitions: int = 1) -> None:
        self.delete_topic(topic)
        self.create_topic(topic, partitions)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        self._log.delete_records(TopicPartition(topic, partition), before_offset)

    def append(self, topic: str, partition: int, *batches: Batch) -> int:
        first, *_ = [self._log.append(TopicPartition(topic, partition), batch) for batch in batches]
        return first

    def open_transaction(self, outputs: Sequence[Output]) -> MemoryTransaction:
        return MemoryTransaction(self._log, f"other-user-{next(self._writers)}", outputs)

    def read_committed(self, topic: str, partition: int = 0) -> Sequence[Visible]:
        return list(visible(self._log.raw(TopicPartition(topic, partition))))

    def session(self, spec: SessionSpec) -> MemorySession:
        session = self._log.session(spec)
        self._sessions.append(session)
        return session

    def kill(self, session: Session) -> None:
        cast("MemorySession", session).kill()

    def evict(self, session: Session) -> None:
        cast("MemorySession", session).evict()

    def stall(self, session: Session, duration_s: float) -> None:
        cast("MemorySession", session).fall_silent()
        self.clock.advance(duration_s)

    def now_ms(self) -> int:
        return round(self.clock.now_s() * 1000)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        deadline_s = self.clock.now_s() + timeout_s
        while not condition():
            assert self.clock.now_s() < deadline_s, f"not within {timeout_s:g} s: {what}"
            self.clock.advance(STEP_S)

    def close(self) -> None:
        for session in self._sessions:
            session.close()


def compact(raw: bytes) -> list[bytes]:
    """The stored batches with only the last record of each key, offsets kept."""
    batches = [list(batch) for batch in kafka_batches(raw)]
    last = {record.key: record.offset for batch in batches for record in batch}
    return [
        gapped(batch[0].offset, batch[-1].offset, kept)
        for batch in batches
        if (kept := [record for record in batch if last[record.key] == record.offset])
    ]


def gapped(base_offset: int, last_offset: int, records: Sequence[Any]) -> bytes:
    """A batch over a range of offsets of which only some are left."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    for record in records:
        builder.append(record.offset - base_offset, record.timestamp, record.key, record.value, record.headers)
    data = bytearray(builder.build())
    data[BASE_OFFSET] = base_offset.to_bytes(8)
    data[LAST_OFFSET_DELTA] = (last_offset - base_offset).to_bytes(4)
    data[CRC] = crc32c(bytes(data[CRC.stop :])).to_bytes(4)
    return bytes(data)


def visible(raw: bytes) -> Iterable[Visible]:
    """What a read_committed reader sees, worked out from the markers alone: two passes, no index of aborted ones."""
    batches = list(kafka_batches(raw))
    ended = [outcome(batch) for batch in batches if batch.is_control_batch]
    for batch in batches:
        if batch.is_control_batch:
            continue
        if batch.is_transactional:
            ends = [end for end in ended if end[0] == batch.producer_id and end[1] > batch.base_offset]
            if not ends:
                return
            if not ends[0][2]:
                continue
        for record in batch:
            yield Visible(record.offset, record.timestamp, record.key, record.value, tuple(record.headers))


def outcome(batch: Any) -> tuple[int, int, bool]:
    """Of a control batch: producer id, offset, and whether it commits."""
    (record,) = batch
    return batch.producer_id, record.offset, int.from_bytes(record.key[2:4]) == COMMIT_MARKER


def kafka_batches(raw: bytes) -> Iterable[Any]:
    """The batches, as kafka-python reads them; it checks every checksum."""
    records = MemoryRecords(raw)
    while (batch := records.next_batch()) is not None:
        assert batch.validate_crc()
        yield batch
