"""Where a memory log takes the time from: the system, or a test."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from threading import Condition

VIRTUAL_START_S: Final = 1_700_000_000.0


class Clock(Protocol):
    """Time, and waiting for it."""

    def now_s(self) -> float:
        """Seconds since the epoch; never goes back."""
        ...

    def wait(self, condition: Condition, timeout_s: float) -> None:
        """Wait until the condition, which the caller holds, is notified, or for `timeout_s`."""
        ...


class SystemClock:
    """Real time: the wall clock when the log was made, and the monotonic clock from there on."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()

    def now_s(self) -> float:
        return time.monotonic() + self._ahead_s

    def wait(self, condition: Condition, timeout_s: float) -> None:
        condition.wait(timeout_s)


class VirtualClock:
    """Time that passes only when somebody waits for it or advances it.

    For one thread that drives everything: nobody could notify it while it waits, so it never really waits.
    """

    def __init__(self, start_s: float = VIRTUAL_START_S) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        return self._now_s

    def advance(self, duration_s: float) -> None:
        """Let time pass."""
        self._now_s += max(0.0, duration_s)

    def wait(self, condition: Condition, timeout_s: float) -> None:  # noqa: ARG002 - nobody else could notify it
        self.advance(timeout_s)
