"""When a worker that died is launched again, and when not any more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
HEALTHY_S: Final = 60.0
"""A worker that lived this long begins its waits anew."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """A worker's deaths so far. wait_s: before the next launch."""

    deaths_s: tuple[float, ...] = ()
    wait_s: float = 0.0

    def died(self, now_s: float, lived_s: float) -> Self:
        """After one more death."""
        wait_s = FIRST_WAIT_S if lived_s >= HEALTHY_S else min(max(2 * self.wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        return type(self)((*self.deaths_s, now_s), wait_s)

    def within(self, window_s: float, now_s: float) -> int:
        """How many deaths lie no longer back than `window_s`."""
        return sum(1 for death_s in self.deaths_s if death_s >= now_s - window_s)
