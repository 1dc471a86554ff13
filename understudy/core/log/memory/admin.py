"""The administration of a memory log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from understudy.core.log.contract import GroupMember
from understudy.core.log.errors import GroupIsLive
from understudy.core.log.memory.session import check_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from understudy.core.log.contract import NewTopic, Position, TopicInfo, TopicPartition
    from understudy.core.log.memory.cluster import Cluster


EVICTED_TIMEOUT_S: Final = 5.0


class MemoryAdmin:
    """Implements `Admin`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def describe(self, topics: Iterable[str]) -> Mapping[str, TopicInfo]:
        with self._cluster.look():
            found = ((name, self._cluster.topics.find(name)) for name in topics)
            return {name: topic.info() for name, topic in found if topic is not None}

    def create(self, topics: Iterable[NewTopic]) -> None:
        with self._cluster.turn():
            for topic in topics:
                self._cluster.topics.create(topic)

    def grow(self, topic: str, partitions: int) -> None:
        with self._cluster.turn():
            self._cluster.topics.named(topic).grow(partitions)

    def delete(self, topics: Iterable[str]) -> None:
        with self._cluster.turn():
            for topic in topics:
                self._cluster.topics.delete(topic)
                self._cluster.groups.forget(topic)

    def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self._cluster.look():
            return {at: self._cluster.topics.partition(at).start_offset for at in partitions}

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self._cluster.look():
            return {at: self._cluster.topics.partition(at).end_offset for at in partitions}

    def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> Mapping[TopicPartition, int]:
        with self._cluster.look():
            return {at: self._cluster.topics.partition(at).offset_at(timestamp_ms) for at in partitions}

    def positions(self, group: str) -> Mapping[TopicPartition, Position]:
        with self._cluster.look():
            return dict(self._cluster.groups.named(group).positions)

    def set_positions(self, group: str, positions: Mapping[TopicPartition, Position]) -> None:
        check_notes(positions)
        with self._cluster.turn():
            state = self._cluster.groups.named(group)
            if state.members:
                raise GroupIsLive(
                    f"The group {group} has live members ({', '.join(sorted(state.members))}), which own its "
                    "positions: stop them first."
                )
            for at in positions:
                self._cluster.topics.partition(at)
            state.positions.update(positions)

    def members(self, group: str) -> Sequence[GroupMember]:
        with self._cluster.look():
            members = self._cluster.groups.named(group).members.values()
            return [GroupMember(member.slot, member.partitions) for member in members]

    def evict(self, group: str, slots: Iterable[str]) -> None:
        with self._cluster.turn() as now_s:
            for slot in slots:
                self._cluster.transactions.initialise(slot, EVICTED_TIMEOUT_S, now_s)
                self._cluster.groups.named(group).remove(slot)

    def close(self) -> None:
        """There is nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
