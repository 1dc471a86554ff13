"""The transaction coordinator: producer ids and epochs, open transactions, their ends and markers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.core.batches import parse, restamp
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import Fenced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.core.log.contract import Output, Position
    from understudy.core.log.memory.faults import Faults
    from understudy.core.log.memory.groups import Groups
    from understudy.core.log.memory.storage import PartitionLog
    from understudy.core.log.memory.topics import Topics

LAST_EPOCH: Final = 32_766
"""An epoch is an int16: after this one a producer gets a new id."""


class ProducerIdentity(NamedTuple):
    """Who writes; an older epoch of the same transactional id is fenced."""

    transactional_id: str
    producer_id: int
    epoch: int


class Marker(NamedTuple):
    """The end of a transaction in one partition, to be written when it is due."""

    due_s: float
    partition: PartitionLog
    identity: ProducerIdentity
    commit: bool


@dataclass(slots=True)
class Transaction:
    """What an open transaction has touched. next_sequence: by partition. positions: by group."""

    began_s: float
    partitions: dict[TopicPartition, PartitionLog] = field(default_factory=dict)
    next_sequence: dict[TopicPartition, int] = field(default_factory=dict)
    positions: dict[str, dict[TopicPartition, Position]] = field(default_factory=dict)


@dataclass(slots=True)
class ProducerState:
    """What the coordinator knows of one transactional id."""

    identity: ProducerIdentity
    timeout_s: float
    open: Transaction | None = None
    markers: list[Marker] = field(default_factory=list)

    def expires_s(self) -> float | None:
        return None if self.open is None else self.open.began_s + self.timeout_s


class Transactions:
    """All producers, by transactional id."""

    def __init__(self, topics: Topics, groups: Groups, faults: Faults) -> None:
        self._topics = topics
        self._groups = groups
        self._faults = faults
        self._producers: dict[str, ProducerState] = {}
        self._producer_ids = count(1)

    def initialise(
        self, transactional_id: str, timeout_s: float, now_s: float, current: ProducerIdentity | None = None
    ) -> ProducerIdentity:
        """Abort what the id left open and fence whoever wrote under it.

        current: given by a producer that goes on after a failure, so that it is itself fenced if it was replaced.
        Raises Fenced.
        """
        if current is not None:
            self._state(current)
        state = self._producers.get(transactional_id)
        if state is None:
            state = ProducerState(ProducerIdentity(transactional_id, next(self._producer_ids), 0), timeout_s)
            self._producers[transactional_id] = state
            return state.identity
        state.timeout_s = timeout_s
        self._end(state, now_s, commit=False)
        state.identity = self._successor(state.identity)
        return state.identity

    def append(self, identity: ProducerIdentity, output: Output, now_s: float) -> None:
        """Append a batch in the producer's transaction. Raises Fenced, OutputRefused, ValueError."""
        transaction = self._transaction(identity, now_s)
        at = TopicPartition(output.topic, output.partition)
        partition = self._topics.output(at)
        sequence = transaction.next_sequence.get(at, 0)
        data = restamp(
            output.batch,
            producer_id=identity.producer_id,
            producer_epoch=identity.epoch,
            base_sequence=sequence,
            transactional=True,
        )
        partition.append(parse(data), round(now_s * 1000))
        transaction.partitions[at] = partition
        transaction.next_sequence[at] = sequence + output.batch.count

    def move(
        self, identity: ProducerIdentity, group: str, positions: Mapping[TopicPartition, Position], now_s: float
    ) -> None:
        """Let the transaction carry a group's positions. Raises Fenced."""
        held = self._transaction(identity, now_s).positions.setdefault(group, {})
        self._groups.named(group).hold(at for at in positions if at not in held)
        held.update(positions)

    def end(self, identity: ProducerIdentity, now_s: float, *, commit: bool) -> ProducerIdentity:
        """End the producer's transaction, if there is one; it goes on under the next epoch. Raises Fenced."""
        state = self._state(identity)
        if state.open is not None:
            self._end(state, now_s, commit=commit)
            state.identity = self._successor(identity)
        return state.identity

    def is_settled(self, identity: ProducerIdentity) -> bool:
        """Whether all markers of the producer's last transaction are written, so that the next may begin."""
        return not self._producers[identity.transactional_id].markers

    def expire(self, now_s: float) -> None:
        """Abort transactions that are open for too long, fencing their producers, and write markers that are due."""
        for state in self._producers.values():
            expires_s = state.expires_s()
            if expires_s is not None and expires_s <= now_s:
                self._end(state, now_s, commit=False)
                state.identity = self._successor(state.identity)
            if state.markers:
                self._write_markers(state, now_s)

    def due_s(self) -> Sequence[float]:
        """When something will expire or become visible."""
        states = self._producers.values()
        expiries = (state.expires_s() for state in states)
        return [
            *(due_s for due_s in expiries if due_s is not None),
            *(marker.due_s for state in states for marker in state.markers),
        ]

    def _state(self, identity: ProducerIdentity) -> ProducerState:
        state = self._producers[identity.transactional_id]
        if state.identity != identity:
            raise Fenced(
                f"A newer instance of {identity.transactional_id} took over, or its transaction was open for more than "
                f"{state.timeout_s:g} s: stop this instance; a restart under the same name goes on where it left off."
            )
        return state

    def _transaction(self, identity: ProducerIdentity, now_s: float) -> Transaction:
        state = self._state(identity)
        if state.open is None:
            state.open = Transaction(began_s=now_s)
        return state.open

    def _end(self, state: ProducerState, now_s: float, *, commit: bool) -> None:
        transaction, state.open = state.open, None
        if transaction is None:
            return
        for at, partition in transaction.partitions.items():
            due_s = now_s + self._faults.marker_delay_s(at.topic)
            state.markers.append(Marker(due_s, partition, state.identity, commit))
        for group, positions in transaction.positions.items():
            self._groups.named(group).release(positions, commit=commit)
        self._write_markers(state, now_s)

    def _write_markers(self, state: ProducerState, now_s: float) -> None:
        for marker in state.markers:
            if marker.due_s <= now_s:
                identity = marker.identity
                marker.partition.end_transaction(
                    identity.producer_id, identity.epoch, round(now_s * 1000), commit=marker.commit
                )
        state.markers = [marker for marker in state.markers if marker.due_s > now_s]

    def _successor(self, identity: ProducerIdentity) -> ProducerIdentity:
        if identity.epoch < LAST_EPOCH:
            return identity._replace(epoch=identity.epoch + 1)
        return identity._replace(producer_id=next(self._producer_ids), epoch=0)
