"""What goes wrong in a memory log: at random by a seed, or next when asked."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Fate = Literal["commits", "lost before", "lost after", "evicted"]
"""Of a transaction. lost before: its end never reaches the log. lost after: it took effect, but the answer never
comes. evicted: its member is taken out of the group between poll and commit."""

COMMITS: Final[Fate] = "commits"


class Faults:
    """A source of faults; without arguments, nothing goes wrong.

    chances: the probability of each fate but "commits". marker_delay_s: the markers of a transaction appear in each
    of its topics at random within so many seconds, so that its topics become visible at different times.
    """

    def __init__(self, seed: int = 0, chances: Mapping[Fate, float] | None = None, marker_delay_s: float = 0.0) -> None:
        self._random = Random(seed)  # noqa: S311 - faults are repeated by their seed; nothing here is secret
        self._chances = dict(chances or {})
        self._marker_delay_s = marker_delay_s
        self._delays_s: dict[str, float] = {}
        self._next: deque[Fate] = deque()

    def befall(self, *fates: Fate) -> None:
        """Fix the fates of the next transactions, before chance has its say again."""
        self._next.extend(fates)

    def delay_markers(self, topic: str, delay_s: float) -> None:
        """From now on, a transaction's marker appears in this topic so much later than the transaction ends."""
        self._delays_s[topic] = delay_s

    def fate(self) -> Fate:
        """What happens to the next transaction."""
        if self._next:
            return self._next.popleft()
        if not self._chances:
            return COMMITS
        drawn = self._random.random()
        for fate, chance in self._chances.items():
            if drawn < chance:
                return fate
            drawn -= chance
        return COMMITS

    def marker_delay_s(self, topic: str) -> float:
        """How long after a transaction's end its marker appears in the topic."""
        if topic in self._delays_s:
            return self._delays_s[topic]
        return self._random.uniform(0.0, self._marker_delay_s) if self._marker_delay_s else 0.0
