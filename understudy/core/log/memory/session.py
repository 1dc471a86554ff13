"""A session of a memory log: a static member of a group that reads, and writes in transactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from understudy.core.log.contract import EMPTY, MAX_NOTE_BYTES, Polled, Position, TopicPartition
from understudy.core.log.errors import (
    WAYS_ON,
    LogError,
    LogUnavailable,
    MissingPosition,
    NoteTooLong,
    OutputRefused,
    PositionExpired,
    TopicRecreated,
)
from understudy.core.log.memory.producer import Moves, Producer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Output, SessionSpec
    from understudy.core.log.memory.cluster import Cluster
    from understudy.core.log.memory.groups import Group, Member, Partitions
    from understudy.core.log.memory.storage import PartitionLog


@dataclass(slots=True)
class Reading:
    """A partition that is being served.

    next_offset: where to read on. handed_to: the end of what was handed out; what lies between is not visible.
    committed: the position from which a new owner would begin, as whoever committed it named it.
    """

    next_offset: int
    handed_to: int
    committed: Position


class MemorySession:
    """Implements `Session`."""

    def __init__(self, cluster: Cluster, spec: SessionSpec) -> None:
        self._cluster = cluster
        self._spec = spec
        self._readings: dict[TopicPartition, Reading] = {}
        self._told: Partitions = frozenset()
        self._topic_ids: dict[str, str] = {}
        self._first_seen: dict[str, int] = {}
        self._generation = 0
        self._stale = True
        self._closed = False
        self._producer = Producer(cluster, spec.slot, spec.transaction_timeout_s, spec.probe)
        with cluster.turn() as now_s:
            self._metadata_due_s = now_s + spec.metadata_age_s
            self._member_id = self._join()

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        self._check_open()
        try:
            polled = self._wait(timeout_s, frozenset(paused), reread)
        except LogError:
            self._lose()
            raise
        self._stale = False
        self._spec.probe("polled")
        return polled

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        self._check_open()
        outputs = list(outputs)
        positions = self._polled() if positions is None else dict(positions)
        if not outputs and not positions:
            return True
        if self._stale or not positions.keys() <= self._readings.keys():
            self._lose()
            return False
        try:
            check_notes(positions)
            committed = self._producer.commit(outputs, self._moves(positions))
        except (OutputRefused, NoteTooLong):
            self._lose()
            raise
        if not committed:
            self._lose()
            return False
        for at, position in positions.items():
            self._readings[at].committed = position
        return True

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._producer.close()
        with self._cluster.turn():
            if self._holds_slot():
                self._group().remove(self._spec.slot)

    def kill(self) -> None:
        """End as kill -9 does: nothing is aborted, and the group finds out when the session has timed out."""
        self.fall_silent()
        self._closed = True

    def fall_silent(self) -> None:
        """Send no heartbeats from now on until the next poll."""
        with self._cluster.turn() as now_s:
            if self._holds_slot():
                self._group().members[self._spec.slot].silent_since_s = now_s

    def evict(self) -> None:
        """Take the member out of its group, as an administrator may."""
        with self._cluster.turn():
            if self._holds_slot():
                self._group().remove(self._spec.slot)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, timeout_s: float, paused: Partitions, reread: Mapping[TopicPartition, int]) -> Polled:
        with self._cluster.look() as began_s:
            now_s, deadline_s = began_s, began_s + timeout_s
            polled = self._look(now_s, paused, reread, at_least_bytes=self._spec.min_bytes)
            while polled is None:
                if now_s >= deadline_s:
                    return self._look(now_s, paused, reread, at_least_bytes=0) or Polled()
                now_s = self._cluster.wait(deadline_s)
                polled = self._look(now_s, paused, reread, at_least_bytes=self._spec.min_bytes)
            return polled

    def _look(
        self, now_s: float, paused: Partitions, reread: Mapping[TopicPartition, int], *, at_least_bytes: int
    ) -> Polled | None:
        """What there is to tell, or None."""
        member = self._stay_member()
        self._follow_topics(now_s)
        served = self._served(member)
        self._hand_over(served)
        assigned = self._take_over(served)
        revoked = self._told - self._readings.keys()
        batches = self._read(paused, 0 if assigned or revoked else at_least_bytes)
        again = self._read_again(reread)
        if not (assigned or revoked or batches or again):
            return None
        self._told = frozenset(self._readings)
        return Polled(batches, assigned, revoked, again)

    def _lose(self) -> None:
        """Forget what was handed out: the next poll begins again from the committed positions."""
        self._readings.clear()
        self._stale = True

    def _stay_member(self) -> Member:
        member = self._group().member(self._spec.slot, self._member_id)
        if member is None:
            self._producer.abort()  # whoever was evicted is fenced by this, and does not come back
            with self._cluster.turn():
                self._member_id = self._join()
            member = self._group().members[self._spec.slot]
        member.silent_since_s = None
        return member

    def _follow_topics(self, now_s: float) -> None:
        """See to it that the topics are the same ones, and, now and then, whether they have grown."""
        for name in self._spec.topics:
            topic = self._cluster.topics.named(name)
            known = self._topic_ids.setdefault(name, topic.topic_id)
            self._first_seen.setdefault(name, len(topic.partitions))
            if known != topic.topic_id:
                raise TopicRecreated(f"The topic {name} was deleted and made again. {WAYS_ON}")
        if now_s >= self._metadata_due_s:
            self._metadata_due_s = now_s + self._spec.metadata_age_s
            with self._cluster.turn():
                self._group().follow_growth()

    def _served(self, member: Member) -> Partitions:
        """The partitions that this session owns in every topic of the subscription."""
        return frozenset(
            at
            for at in member.partitions
            if all(TopicPartition(topic, at.partition) in member.partitions for topic in self._spec.topics)
        )

    def _hand_over(self, served: Partitions) -> None:
        """Stop reading what somebody else owns now, or has owned in the meantime."""
        group = self._group()
        for at in list(self._readings):
            if at not in served or group.owned_since[at] > self._generation:
                del self._readings[at]
        self._generation = group.generation

    def _take_over(self, served: Partitions) -> dict[TopicPartition, Position]:
        """Begin with partitions whose positions no open transaction holds."""
        group = self._group()
        held = {at.partition for at in group.pending if at.topic in self._spec.topics}
        fresh = sorted(at for at in served - self._readings.keys() if at.partition not in held)
        assigned = {at: self._start(group, at) for at in fresh}
        self._readings.update(
            {at: Reading(position.offset, position.offset, position) for at, position in assigned.items()}
        )
        return assigned

    def _start(self, group: Group, at: TopicPartition) -> Position:
        if at in group.positions:
            return group.positions[at]
        if group.is_new_partition(at, self._first_seen[at.topic]):
            return Position(0)
        raise MissingPosition(
            f"The group {group.name} has no committed position in {at}, so where to start is not known: record a start "
            "(`understudy topics`)."
        )

    def _read(self, paused: Partitions, at_least_bytes: int) -> dict[TopicPartition, Sequence[Batch]]:
        scans = {
            at: self._partition(at, reading.next_offset).read(reading.next_offset, self._spec.poll_bytes)
            for at, reading in self._readings.items()
            if at not in paused
        }
        found = {at: scanned.batches for at, scanned in scans.items() if scanned.batches}
        if sum(batch.size_bytes for batches in found.values() for batch in batches) < at_least_bytes:
            return {}
        for at, scanned in scans.items():
            self._readings[at].next_offset = scanned.next_offset
        for at, batches in found.items():
            self._readings[at].handed_to = batches[-1].next_offset
        return found

    def _read_again(self, reread: Mapping[TopicPartition, int]) -> dict[TopicPartition, Sequence[Batch]]:
        found: dict[TopicPartition, Sequence[Batch]] = {}
        for at, offset in reread.items():
            reading = self._readings.get(at)
            if reading is not None and offset < reading.next_offset:
                partition = self._cluster.topics.partition(at)
                first = max(offset, partition.start_offset)
                found[at] = partition.read(first, self._spec.poll_bytes, below=reading.next_offset).batches
        return found

    def _partition(self, at: TopicPartition, offset: int) -> PartitionLog:
        partition = self._cluster.topics.partition(at)
        if partition.start_offset <= offset <= partition.end_offset:
            return partition
        raise PositionExpired(
            f"The group {self._spec.group} would go on in {at} from offset {offset}, but records "
            f"{partition.start_offset} to {partition.end_offset} are what is left: restore its positions "
            "(`understudy positions restore`)."
        )

    def _polled(self) -> dict[TopicPartition, Position]:
        return {
            at: Position(reading.handed_to, reading.committed.note)
            for at, reading in self._readings.items()
            if reading.handed_to != reading.committed.offset
        }

    def _moves(self, positions: Mapping[TopicPartition, Position]) -> Moves | None:
        if not positions:
            return None
        stored = {at: self._stored(at, position) for at, position in positions.items()}
        return Moves(self._spec.group, self._spec.slot, self._member_id, self._generation, stored)

    def _stored(self, at: TopicPartition, position: Position) -> Position:
        """Behind all that was handed out, a position stands behind what follows and is not visible, too."""
        reading = self._readings[at]
        return replace(position, offset=reading.next_offset) if position.offset == reading.handed_to else position

    def _join(self) -> int:
        return self._group().join(self._spec.slot, self._spec.topics, self._spec.session_timeout_s)

    def _group(self) -> Group:
        return self._cluster.groups.named(self._spec.group)

    def _holds_slot(self) -> bool:
        member = self._group().members.get(self._spec.slot)
        return member is not None and member.member_id == self._member_id

    def _check_open(self) -> None:
        if self._closed:
            raise LogUnavailable(f"The session of {self._spec.slot} is closed: open another.")


def check_notes(positions: Mapping[TopicPartition, Position]) -> None:
    """Raises NoteTooLong."""
    for at, position in positions.items():
        size_bytes = len(position.note.encode())
        if size_bytes > MAX_NOTE_BYTES:
            raise NoteTooLong(
                f"The note for {at} at offset {position.offset} has {size_bytes:,} bytes; a position carries at most "
                f"{MAX_NOTE_BYTES:,}: write the facts to a topic and note where they are."
            )
