"""Drives sessions as roles do, and makes what they read and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.core.batches import Codec, Record, build, rebuild
from understudy.core.log.contract import EMPTY, Output, Polled, Position, SessionSpec, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from support.harness import LogHarness

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Session

CREATED_MS = 1_600_000_000_000
PATIENCE_S = 30.0
POLL_S = 0.05


def batch(*values: str, codec: Codec = Codec.NONE, created_ms: int = CREATED_MS) -> Batch:
    """A batch of records whose key is their value's first character, created a millisecond apart."""
    return build(
        (Record(value[:1].encode(), value.encode(), created_ms + i) for i, value in enumerate(values)), codec=codec
    )


def values_of(batches: Iterable[Batch]) -> list[str]:
    """The values of all records that count."""
    return [(value or b"").decode() for each in batches for value in each.columns.values]


def at(topic: str, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic, partition)


def seen(harness: LogHarness, topic: str, partition: int = 0) -> list[str]:
    """What an independent reader sees of a partition."""
    return [(record.value or b"").decode() for record in harness.read_committed(topic, partition)]


def begin_at(harness: LogHarness, group: str, positions: Mapping[TopicPartition, Position]) -> None:
    """Commit a group's positions before it has members."""
    with harness.log.admin() as admin:
        admin.set_positions(harness.name(group), positions)


def position_of(harness: LogHarness, group: str, partition: TopicPartition) -> Position | None:
    """A committed position."""
    with harness.log.admin() as admin:
        return admin.positions(harness.name(group)).get(partition)


def end_of(harness: LogHarness, partition: TopicPartition) -> int:
    with harness.log.admin() as admin:
        return admin.end_offsets([partition])[partition]


class Driver:
    """One session, and what it was given and has not committed yet.

    owned: served partitions with the position from which each was last (re)built. held: their batches since.
    """

    def __init__(
        self, harness: LogHarness, topics: Sequence[str], slot: str = "a", group: str = "group", **spec: Any
    ) -> None:
        self.harness = harness
        self.session: Session = harness.session(
            SessionSpec(harness.name(group), tuple(topics), harness.name(f"{group}.{slot}"), **spec)
        )
        self.owned: dict[TopicPartition, Position] = {}
        self.held: dict[TopicPartition, list[Batch]] = {}

    def poll(
        self,
        timeout_s: float = POLL_S,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """Poll once and keep what came."""
        polled = self.session.poll(timeout_s, paused, reread)
        for partition in polled.revoked:
            self.owned.pop(partition, None)
            self.held.pop(partition, None)
        for partition, position in polled.assigned.items():
            self.owned[partition] = position
            self.held[partition] = []
        for partition, batches in polled.batches.items():
            self.held[partition].extend(batches)
        return polled

    def until(
        self,
        condition: Callable[[], bool],
        what: str,
        timeout_s: float = PATIENCE_S,
        paused: Collection[TopicPartition] = (),
    ) -> None:
        """Poll until the condition holds."""

        def polled() -> bool:
            if not condition():
                self.poll(paused=paused)
            return condition()

        self.harness.wait_until(polled, timeout_s, what)

    def until_holds(self, *values: str, timeout_s: float = PATIENCE_S) -> None:
        """Poll until it holds so many records, and assert that they are these, whatever their partitions."""
        self.until(lambda: len(self.values()) >= len(values), f"{len(values)} records", timeout_s)
        assert sorted(self.values()) == sorted(values)

    def until_owns(self, *partitions: TopicPartition, timeout_s: float = PATIENCE_S) -> None:
        """Poll until exactly these partitions are served."""
        self.until(lambda: self.owned.keys() == set(partitions), f"owning {sorted(map(str, partitions))}", timeout_s)

    def until_rebuilt(self, *partitions: TopicPartition, timeout_s: float = PATIENCE_S) -> None:
        """Poll until these partitions are assigned anew, as after a commit that was lost."""
        missing = set(partitions)

        def rebuilt() -> bool:
            missing.difference_update(self.poll().assigned)
            return not missing

        self.harness.wait_until(rebuilt, timeout_s, f"rebuilding {sorted(map(str, partitions))}")

    def values(self, partition: TopicPartition | None = None) -> list[str]:
        """Values that it holds: of one partition, or of all."""
        held = self.held if partition is None else {partition: self.held.get(partition, [])}
        return [value for batches in held.values() for value in values_of(batches)]

    def copies(self, target: str) -> Iterator[Output]:
        """What it holds, for the same partitions of another topic."""
        for partition, batches in self.held.items():
            for each in batches:
                yield Output(target, partition.partition, each if each.is_forwardable else rebuild(each))

    def commit(
        self, outputs: Iterable[Output] = (), positions: Mapping[TopicPartition, Position] | None = None
    ) -> bool:
        """Commit, and let go of what was committed."""
        committed = self.session.commit(outputs, positions)
        if committed:
            for batches in self.held.values():
                batches.clear()
        return committed

    def copy(self, target: str) -> bool:
        """Commit copies of what it holds, with the positions behind them."""
        return self.commit(list(self.copies(target)))

    def copy_until(self, target: str, condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Poll and copy, as a role's loop does, until the condition holds."""

        def copied() -> bool:
            self.poll()
            self.copy(target)
            return condition()

        self.harness.wait_until(copied, timeout_s, what)
