"""The only port between Understudy and a log: sessions, readers, writers, and the administration of topics.

Two backends implement it, `understudy.core.log.kafka` and `understudy.core.log.memory`; the suite in
`tests/contract` runs against both. No other module calls a Kafka client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch

MAX_NOTE_BYTES: Final = 4_000
"""A note is committed as an offset's metadata, which a broker bounds at 4,096 bytes by default."""

EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset to read, and the note committed atomically with it (at most `MAX_NOTE_BYTES` of UTF-8)."""

    offset: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A batch to append to a partition. Outputs of one partition are appended in the order given."""

    topic: str
    partition: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought.

    `assigned` and `revoked` apply before `batches`: state of revoked partitions is dropped, state of assigned
    partitions is (re)built from their committed positions. A partition may be in `assigned` although it was
    owned before: its state is then stale (a commit was lost) and is rebuilt.
    """

    batches: Mapping[TopicPartition, Sequence[Batch]] = field(default_factory=dict)
    assigned: Mapping[TopicPartition, Position] = field(default_factory=dict)
    revoked: frozenset[TopicPartition] = frozenset()
    reread: Mapping[TopicPartition, Sequence[Batch]] = field(default_factory=dict)


Phase = Literal["polled", "begun", "produced", "positioned", "ending", "ended"]
"""Named points of a session's transaction, in order: after poll, before the first output is sent, after all
outputs were acknowledged, after the positions were acknowledged, when the end of the transaction was sent but not
answered, after it was answered."""


def no_probe(_: Phase) -> None:
    """The probe of a session that nobody tests."""


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a session subscribes to and who it is.

    group: consumer group. topics: the subscription, the same for every member of the group. slot: the stable name
    of this instance, used as group.instance.id and as transactional.id. poll_bytes: about how much one poll
    returns per partition. probe: called at each named phase, for fault tests.
    """

    group: str
    topics: tuple[str, ...]
    slot: str
    poll_bytes: int = 1 << 20
    min_bytes: int = 1
    session_timeout_s: float = 10.0
    transaction_timeout_s: float = 5.0
    metadata_age_s: float = 30.0
    probe: Callable[[Phase], None] = no_probe


class Session(Protocol):
    """Polls, writes outputs and positions atomically, and answers whether it committed.

    A batch is delivered once per ownership. Partition p is served only while p is owned in every topic of the
    subscription.
    """

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """Wait up to `timeout_s` for batches of the owned partitions that are not paused.

        Batches are read_committed, whole and in order per partition; records before the position are not counted
        (`Batch.from_offset`). `reread` names offsets of owned partitions that are already behind the position:
        about a `poll_bytes` of batches from there come back in `Polled.reread`, ending at the position. What retention
        has removed is left out; no batches say that nothing is left, and no entry that it is to be asked for again.

        A partition begins at its committed position, once no open transaction can still move that. A partition
        without one begins at 0 where the topic has grown: the group has positions in it, all of them in lower
        partitions, or the session began when the partition was not there yet. Otherwise MissingPosition.

        Raises Fenced, MissingPosition, PositionExpired, UnknownTopic, TopicRecreated, CorruptBatch; the same again
        at the next poll as long as the reason stands.
        """
        ...

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """Append the outputs and move the positions in one transaction.

        positions: default all that was polled, each with its last note. One that stands behind all that was polled is
        stored behind what follows and is not visible (markers, aborted records), which retention deletes like records:
        a position before it would have expired although nothing is owed. Returns True when the transaction is known
        to be committed; with nothing to write, without one. False: it was not (or is not known to be); the session
        goes on from its committed positions, and the next poll lists every owned partition in `assigned`.

        Raises Fenced (or answers False, and the next call raises it); NoteTooLong and, where one output topic is the
        reason, OutputRefused: OutputTooLarge, OutputMissing (within about a second of the topic's deletion, and within
        seconds where only the partition is missing) or OutputUnavailable. With these nothing is committed, and the
        session goes on as after False.
        """
        ...

    def close(self) -> None:
        """Leave in an orderly way: abort what is open and hand the partitions over at once."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Reader(Protocol):
    """Reads partitions that were named explicitly, read_committed, without a group."""

    def poll(self, timeout_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
        """Batches from the current positions on.

        At once when there are some, and as soon as some are committed. Empty after `timeout_s`, or when positions
        moved over what is not visible. A log that does not answer is waited for: that, too, is an empty answer. Raises
        UnknownTopic, PositionExpired, CorruptBatch.
        """
        ...

    def position(self, at: TopicPartition) -> int:
        """The next offset to be read; moves over control batches and aborted records too."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Writer(Protocol):
    """Appends outputs in transactions of their own, outside any group."""

    def take(self) -> bool:
        """Take the transactional id now, and not with the first commit.

        What an older writer left open is aborted, and it can commit nothing more: what is read from now on holds all
        that it ever wrote. False: not known to be taken; try again. Raises Fenced.
        """
        ...

    def commit(self, outputs: Iterable[Output]) -> bool:
        """Append all or nothing. False: not known to be committed. Raises Fenced, OutputRefused."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as the log has it. topic_id changes when a topic is deleted and made again."""

    name: str
    topic_id: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to create."""

    name: str
    partitions: int
    replication_factor: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A live member of a group; slot is its group.instance.id ('' for a dynamic member)."""

    slot: str
    partitions: frozenset[TopicPartition]


class Admin(Protocol):
    """Topics, offsets and groups."""

    def describe(self, topics: Iterable[str]) -> Mapping[str, TopicInfo]:
        """The topics that exist, of those named."""
        ...

    def create(self, topics: Iterable[NewTopic]) -> None:
        """Create topics and wait until every partition has a leader. Raises TopicExists."""
        ...

    def grow(self, topic: str, partitions: int) -> None:
        """Raise a topic's partition count to `partitions` and wait until every partition has a leader."""
        ...

    def delete(self, topics: Iterable[str]) -> None:
        """Delete topics, with their records and committed positions."""
        ...

    def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offset that is still there."""
        ...

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The READ_UNCOMMITTED end: whoever has read up to it has seen all that was there at the call."""
        ...

    def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> Mapping[TopicPartition, int]:
        """The first offset whose timestamp is at or after `timestamp_ms`; the end where there is none."""
        ...

    def positions(self, group: str) -> Mapping[TopicPartition, Position]:
        """All positions that the group has committed."""
        ...

    def set_positions(self, group: str, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit positions for a group that has no live member. Raises GroupIsLive."""
        ...

    def members(self, group: str) -> Sequence[GroupMember]:
        """Live members; empty for a group that does not exist."""
        ...

    def evict(self, group: str, slots: Iterable[str]) -> None:
        """Take these members out of a group for good.

        Each slot's transactional id is taken: what it left open is aborted at once, and whoever still runs under it is
        Fenced as soon as it commits, or else learns that the group has forgotten it; it does not join again. Its
        partitions go to the members that are left. A slot without a member is fenced, too.
        """
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Log(Protocol):
    """Makes the above for one cluster."""

    def session(self, spec: SessionSpec) -> Session:
        """Join the group. Returns at once; partitions arrive in later polls. Raises LogUnavailable."""
        ...

    def reader(self, start: Mapping[TopicPartition, int]) -> Reader: ...
    def writer(self, transactional_id: str) -> Writer: ...
    def admin(self) -> Admin: ...
