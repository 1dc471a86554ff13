"""The run loop: poll, step, commit. One poll is one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from understudy.core.log.errors import OutputRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.log.contract import Output, Polled, Position, Session, TopicPartition


@dataclass(frozen=True, slots=True)
class Advance:
    """What a step made of a poll.

    outputs and positions are committed together (nothing is committed when both are empty). paused and reread are
    handed to the next poll. wake_s: how long the next poll may wait at most; None leaves it to the loop.
    """

    outputs: Sequence[Output] = ()
    positions: Mapping[TopicPartition, Position] = field(default_factory=dict)
    paused: frozenset[TopicPartition] = frozenset()
    reread: Mapping[TopicPartition, int] = field(default_factory=dict)
    wake_s: float | None = None


class Step(Protocol):
    """A role's logic: pure, but for the clock reading that it is given and (a worker's) model."""

    def advance(self, polled: Polled, now_s: float) -> Advance:
        """Take what one poll brought. now_s is a monotonic clock's reading.

        Called again with every owned partition in `polled.assigned` after a commit was lost: state of those
        partitions is then rebuilt from the positions given.
        """
        ...


@runtime_checkable
class SparingStep(Step, Protocol):
    """A step that may do without a topic that refuses its commits."""

    def refuse(self, error: OutputRefused) -> bool:
        """Whether it goes on without `error.topic`. Nothing was committed; what follows is as after a lost commit."""
        ...


def run(
    session: Session,
    step: Step,
    *,
    stopped: Callable[[], bool],
    interval_s: float = 0.025,
    idle_s: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Poll, step and commit until `stopped` answers True. The session is closed by whoever made it.

    interval_s: transactions begin at least this far apart, so that small batches gather; 0 for the least latency.
    idle_s: how long a poll waits when nothing comes. Errors of the session and the step are the caller's, but for an
    OutputRefused that a `SparingStep` goes on without.
    """
    advance = Advance()
    began = clock() - interval_s
    while not stopped():
        pace(began + interval_s - clock(), pause)
        began = clock()
        wait_s = idle_s if advance.wake_s is None else min(idle_s, advance.wake_s)
        polled = session.poll(wait_s, advance.paused, advance.reread)
        advance = step.advance(polled, clock())
        if (advance.outputs or advance.positions) and not committed(session, step, advance):
            advance = Advance()


def committed(session: Session, step: Step, advance: Advance) -> bool:
    """Commit what a step made. A topic that refuses it is an error only where the step cannot do without it."""
    try:
        return session.commit(advance.outputs, advance.positions)
    except OutputRefused as refused:
        if not (isinstance(step, SparingStep) and step.refuse(refused)):
            raise
        return False


def pace(wait_s: float, pause: Callable[[float], None]) -> None:
    """Wait for what is left of the interval."""
    if wait_s > 0:
        pause(wait_s)
