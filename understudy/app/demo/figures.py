"""What the demo counts, from nothing but the rows that it reads back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


@dataclass
class Figures:
    """Counts of one run. truths: whether a flight was late, by event id; None where that is not known."""

    production: str
    shadows: Sequence[str]
    truths: Mapping[str, bool | None]
    produced_s: dict[str, float] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)
    doubled: int = 0
    touched: int = 0
    delays_ms: list[float] = field(default_factory=list)
    latest: dict[str, Any] | None = None
    differing: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = {version: Answers() for version in (self.production, *self.shadows)}
        self.differing = {version: [] for version in self.shadows}

    def produced(self, event_id: str, now_s: float) -> None:
        """An event is about to be written."""
        self.produced_s[event_id] = now_s

    def prediction(self, row: dict[str, Any], now_s: float) -> None:
        """A row became visible in the topic that users read."""
        at = row["source_partition"], row["source_offset"]
        self.doubled += at in self.seen
        self.seen.add(at)
        self.touched += row["answered_version"] != self.production
        self.answers[row["answered_version"]].add(row, self.truths.get(row["event_id"]))
        self.latest = row
        if (began_s := self.produced_s.get(row["event_id"])) is not None:
            self.delays_ms.append((now_s - began_s) * 1_000)

    def shadow_prediction(self, row: Mapping[str, Any]) -> None:
        """A row became visible in the topic of the shadows' answers."""
        self.answers[row["answered_version"]].add(row, self.truths.get(row["event_id"]))

    def comparison(self, row: Mapping[str, Any]) -> None:
        """A row of the comparator's became visible: keep the examples in it."""
        if row["slice"] is None and row["version"] in self.differing:
            self.differing[row["version"]] += [e for e in row["examples"] if e["kind"] == "mismatched"]


def quantile(values: Sequence[float], q: float) -> float | None:
    """The smallest value that at least a share q of all does not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
