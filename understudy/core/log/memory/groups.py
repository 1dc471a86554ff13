"""Consumer groups: static members, generations, assignment by range, and committed positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import Fenced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from understudy.core.log.contract import Position
    from understudy.core.log.memory.topics import Topics

Partitions = frozenset[TopicPartition]


@dataclass(slots=True)
class Member:
    """One instance in a group. silent_since_s: when it was last alive, if it stopped being so."""

    slot: str
    member_id: int
    topics: tuple[str, ...]
    session_timeout_s: float
    partitions: Partitions = frozenset()
    silent_since_s: float | None = None

    def expires_s(self) -> float | None:
        return None if self.silent_since_s is None else self.silent_since_s + self.session_timeout_s


@dataclass(slots=True)
class Group:
    """The state of one group.

    pending: positions in open transactions, counted: their partitions wait. owned_since: the generation from which
    on each partition has had the same owner.
    """

    name: str
    topics: Topics
    generation: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    positions: dict[TopicPartition, Position] = field(default_factory=dict)
    pending: dict[TopicPartition, int] = field(default_factory=dict)
    owned_since: dict[TopicPartition, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _member_ids: count[int] = field(default_factory=lambda: count(1))

    def join(self, slot: str, topics: tuple[str, ...], session_timeout_s: float) -> int:
        """Take the slot, and its partitions where it has any, from whoever held it. Returns the member's id."""
        member_id = next(self._member_ids)
        former = self.members.get(slot)
        self.members[slot] = Member(slot, member_id, topics, session_timeout_s)
        if former is not None and former.topics == topics:
            self.members[slot].partitions = former.partitions
        else:
            self.rebalance()
        return member_id

    def member(self, slot: str, member_id: int) -> Member | None:
        """The member, or None when it was taken out of the group. Raises Fenced."""
        member = self.members.get(slot)
        if member is not None and member.member_id != member_id:
            raise Fenced(
                f"A newer instance of the slot {slot} took over in the group {self.name}: stop this one, or give it a "
                "slot of its own."
            )
        return member

    def remove(self, slot: str) -> None:
        """Take a slot out of the group and hand its partitions over."""
        if self.members.pop(slot, None) is not None:
            self.rebalance()

    def expire(self, now_s: float) -> None:
        """Take out members that were silent for longer than their session time-out."""
        for member in list(self.members.values()):
            expires_s = member.expires_s()
            if expires_s is not None and expires_s <= now_s:
                self.remove(member.slot)

    def follow_growth(self) -> None:
        """Assign anew when partition counts are not what they were."""
        if self._counts != self.topics.counts(self._counts):
            self.rebalance()

    def rebalance(self) -> None:
        """Begin the next generation."""
        self.generation += 1
        subscribed = sorted({topic for member in self.members.values() for topic in member.topics})
        self._counts = self.topics.counts(subscribed)
        owners = {at: member.slot for member in self.members.values() for at in member.partitions}
        assignment = assign(self._counts, {slot: member.topics for slot, member in self.members.items()})
        for slot, partitions in assignment.items():
            self.members[slot].partitions = partitions
        owned = {at: slot for slot, partitions in assignment.items() for at in partitions}
        self.owned_since = {
            at: self.owned_since[at] if owners.get(at) == slot else self.generation for at, slot in owned.items()
        }

    def is_new_partition(self, at: TopicPartition, seen: int) -> bool:
        """Whether the topic grew by this partition after the group had begun with it.

        seen: how many partitions it had when the session that asks began.
        """
        known = [other.partition for other in self.positions if other.topic == at.topic]
        return bool(known) and (max(known) < at.partition or seen <= at.partition)

    def hold(self, partitions: Iterable[TopicPartition]) -> None:
        """An open transaction will move these positions, or not."""
        for at in partitions:
            self.pending[at] = self.pending.get(at, 0) + 1

    def release(self, positions: Mapping[TopicPartition, Position], *, commit: bool) -> None:
        """The transaction that held these positions has ended."""
        for at, position in positions.items():
            self.pending[at] -= 1
            if not self.pending[at]:
                del self.pending[at]
            if commit and self.topics.find(at.topic) is not None:
                self.positions[at] = position

    def forget(self, topic: str) -> None:
        """Drop the positions of a topic that was deleted."""
        self.positions = {at: position for at, position in self.positions.items() if at.topic != topic}


class Groups:
    """All groups, by name; one that nobody has used is empty."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._groups: dict[str, Group] = {}

    def named(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(name, self._topics)
        return self._groups[name]

    def expire(self, now_s: float) -> None:
        """Take out members that are gone."""
        for group in self._groups.values():
            group.expire(now_s)

    def due_s(self) -> Sequence[float]:
        """When members that fell silent will be taken out."""
        members = (member for group in self._groups.values() for member in group.members.values())
        return [due_s for member in members if (due_s := member.expires_s()) is not None]

    def forget(self, topic: str) -> None:
        """Drop every group's positions of a topic that was deleted."""
        for group in self._groups.values():
            group.forget(topic)


def assign(counts: Mapping[str, int], members: Mapping[str, Sequence[str]]) -> dict[str, Partitions]:
    """Assignment by range: of each topic, every member gets a run of partitions, in the order of the slots.

    counts: partitions by topic. members: subscriptions by slot. Topics with equal counts are thereby co-partitioned.
    """
    assigned: dict[str, set[TopicPartition]] = {slot: set() for slot in members}
    for topic, partitions in counts.items():
        slots = sorted(slot for slot, topics in members.items() if topic in topics)
        each, extra = divmod(partitions, max(1, len(slots)))
        first = 0
        for i, slot in enumerate(slots):
            after = first + each + (i < extra)
            assigned[slot].update(TopicPartition(topic, number) for number in range(first, after))
            first = after
    return {slot: frozenset(partitions) for slot, partitions in assigned.items()}
