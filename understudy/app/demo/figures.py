"""What the demo counts, from nothing but the rows that it reads back."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RECENT_ANSWERS: Final = 1_000
"""So many of the latest answers tell how long an answer takes now."""
RATE_WINDOW_S: Final = 3.0


@dataclass(slots=True)
class Answers:
    """One version's answers. judged: those whose truth is known; right: those of them that were right."""

    answered: int = 0
    failed: int = 0
    judged: int = 0
    right: int = 0

    def add(self, row: Mapping[str, Any], truth: bool | None) -> None:
        """Count one row."""
        if row["outcome"] != "answered":
            self.failed += 1
            return
        self.answered += 1
        if truth is not None:
            self.judged += 1
            self.right += bool(row["label"]) == truth

    @property
    def accuracy(self) -> float | None:
        return self.right / self.judged if self.judged else None


class Flight(Protocol):
    """What the demo needs of examples.flights.events.Flight."""

    @property
    def event(self) -> Mapping[str, Any]:
        """The fields of the event."""

    @property
    def late(self) -> bool | None:
        """The truth: whether it arrived 15 minutes late or more; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Latest:
    """Production's newest answer: the flight, and the prediction's row."""

    flight: Flight
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Differing:
    """A flight that production and a shadow answered differently; production and shadow: the answers as JSON."""

    flight: Flight
    production: str
    shadow: str


@dataclass
class Figures:
    """Counts of one run. flights: all that are replayed, by event id."""

    production: str
    shadows: Sequence[str]
    flights: Mapping[str, Flight]
    produced_s: dict[str, float] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)
    doubled: int = 0
    touched: int = 0
    delays_ms: list[float] = field(default_factory=list)
    latest: Latest | None = None
    differing: dict[str, list[Differing]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = {version: Answers() for version in (self.production, *self.shadows)}
        self.differing = {version: [] for version in self.shadows}

    def produced(self, event_id: str, now_s: float) -> None:
        """An event is about to be written."""
        self.produced_s[event_id] = now_s

    def prediction(self, row: Mapping[str, Any], now_s: float) -> None:
        """A row became visible in the topic that users read."""
        at = row["source_partition"], row["source_offset"]
        self.doubled += at in self.seen
        self.seen.add(at)
        self.touched += row["answered_version"] != self.production
        if (flight := self._answered(row)) is not None:
            self.latest = Latest(flight, row)
        if (began_s := self.produced_s.get(row["event_id"])) is not None:
            self.delays_ms.append((now_s - began_s) * 1_000)

    def shadow_prediction(self, row: Mapping[str, Any]) -> None:
        """A row became visible in the topic of the shadows' answers."""
        self._answered(row)

    def comparison(self, row: Mapping[str, Any]) -> None:
        """A row of the comparator's became visible: keep the examples in it."""
        if row["slice"] is None and row["version"] in self.differing:
            self.differing[row["version"]] += [
                Differing(self.flights[example["event_id"]], example["production"], example["candidate"])
                for example in row["examples"]
                if example["kind"] == "mismatched" and example["event_id"] in self.flights
            ]

    def recent_delay_ms(self) -> float | None:
        """The median delay of the latest answers."""
        return quantile(self.delays_ms[-RECENT_ANSWERS:], 0.5)

    def _answered(self, row: Mapping[str, Any]) -> Flight | None:
        flight = self.flights.get(row["event_id"])
        self.answers[row["answered_version"]].add(row, None if flight is None else flight.late)
        return flight


@dataclass(slots=True)
class Meter:
    """How fast a count grows, over the last seconds."""

    window_s: float = RATE_WINDOW_S
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def rate_per_s(self, count: int, now_s: float) -> float:
        """Take the count as it is now, and say how fast it has grown since the beginning of the window."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > self.window_s:
            self._samples.popleft()
        first_s, first = self._samples[0]
        return (count - first) / (now_s - first_s) if now_s > first_s else 0.0


def quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value that at least a share q of all does not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
