"""What the contract suite needs of a log besides the contract itself: other users, faults, time, and an outside view.

One harness is made per test. Its names are unique, so that tests may share one broker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from understudy.core.log.contract import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Log, Output, Phase, Session, SessionSpec


class Killed(Exception):
    """A process died here. A session lets it through and neither aborts nor leaves."""


class Visible(NamedTuple):
    """One record as the independent reader sees it. timestamp_ms: the append time where the topic has it."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class OpenTransaction(Protocol):
    """Another user's transaction, whose records are appended but neither committed nor aborted."""

    def end(self, *, commit: bool) -> None:
        """Write the markers, and wait until they are there."""
        ...


class LogHarness(Protocol):
    """One log under test."""

    @property
    def log(self) -> Log:
        """The backend under test."""
        ...

    def name(self, stem: str) -> str:
        """The stem, made unique to this test: for groups, slots, transactional ids. Equal stems give equal names."""
        ...

    # Topics; what the administrator of the log would do, not through `Log.admin`.

    def create_topic(self, stem: str, partitions: int = 1, config: Mapping[str, str] = EMPTY) -> str:
        """Make a topic and wait until it can be written. Returns its name, `name(stem)`."""
        ...

    def create_compacted(self, stem: str, batches: Sequence[Batch]) -> str:
        """Make a topic of one partition that held the batches until compaction kept the last record of each key."""
        ...

    def grow(self, topic: str, partitions: int) -> None:
        """Raise the partition count, and wait until every partition can be written."""
        ...

    def delete_topic(self, topic: str) -> None:
        """Delete a topic, and wait until it is gone."""
        ...

    def recreate_topic(self, topic: str, partitions: int = 1) -> None:
        """Delete a topic and make it again under the same name."""
        ...

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        """Delete all records below an offset, as retention does."""
        ...

    # Other users of the log.

    def append(self, topic: str, partition: int, *batches: Batch) -> int:
        """Append batches outside any transaction, each stored as one batch. Returns the first one's base offset."""
        ...

    def open_transaction(self, outputs: Sequence[Output]) -> OpenTransaction:
        """Append batches in a transaction that stays open."""
        ...

    def read_committed(self, topic: str, partition: int = 0) -> Sequence[Visible]:
        """All that a read_committed reader sees now from the beginning, by a reader independent of the backend."""
        ...

    # Sessions and their faults.

    def session(self, spec: SessionSpec) -> Session:
        """`log.session`; closed, if it still lives, when the test is over."""
        ...

    def kill(self, session: Session) -> None:
        """End a session as kill -9 does: connections break; it neither aborts nor leaves."""
        ...

    def evict(self, session: Session) -> None:
        """Take a session's member out of its group behind its back, so that its generation is over."""
        ...

    def stall(self, session: Session, duration_s: float) -> None:
        """Let time pass in which this session is not polled, as while its process is paused."""
        ...

    # Time.

    def now_ms(self) -> int:
        """The log's wall clock, by which it stamps append times."""
        ...

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Evaluate the condition again and again until it holds; fail with `what` when it does not in time.

        With virtual time, the clock moves on between two looks.
        """
        ...

    def close(self) -> None:
        """Close what is left open."""
        ...


def crash_at(phase: Phase, *, nth: int = 1) -> Callable[[Phase], None]:
    """A session's probe that raises `Killed` when it comes to the phase for the nth time, and from then on."""
    seen = 0

    def probe(reached: Phase) -> None:
        nonlocal seen
        seen += reached == phase
        if seen >= nth:
            raise Killed(phase)

    return probe
