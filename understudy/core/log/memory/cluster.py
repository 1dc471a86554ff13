"""The state that all parts of one memory log share, and whose turn it is to touch it."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

from understudy.core.log.memory.groups import Groups
from understudy.core.log.memory.topics import Topics
from understudy.core.log.memory.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.core.log.memory.clock import Clock
    from understudy.core.log.memory.faults import Faults


class Cluster:
    """Topics, groups and transactions under one lock. Touch them only within a `turn` or a `look`."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self.clock = clock
        self.faults = faults
        self.topics = Topics()
        self.groups = Groups(self.topics)
        self.transactions = Transactions(self.topics, self.groups, faults)
        self._changed = Condition()

    @contextmanager
    def turn(self) -> Iterator[float]:
        """Change something: gives the time, and wakes all who wait. Whatever is over by now has ended before."""
        with self._changed:
            yield self._expire()
            self._changed.notify_all()

    @contextmanager
    def look(self) -> Iterator[float]:
        """Read something, or wait for it: gives the time. Whatever is over by now has ended before."""
        with self._changed:
            yield self._expire()

    def wait(self, deadline_s: float) -> float:
        """Within a `look` or `turn`: wait until something changes or falls due, or the deadline. Gives the time."""
        due_s = min([deadline_s, *self.groups.due_s(), *self.transactions.due_s()])
        self.clock.wait(self._changed, max(0.0, due_s - self.clock.now_s()))
        return self._expire()

    def _expire(self) -> float:
        now_s = self.clock.now_s()
        self.groups.expire(now_s)
        self.transactions.expire(now_s)
        return now_s
