"""Adds up comparison rows: the sum over all rows is the state of knowledge. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from understudy.app.status.facts import Lane, Times
from understudy.statistics.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.app.status.facts import LaneRole

LEDGER_KINDS: Final = frozenset(
    {"routed", "answered", "failed", "withdrawn", "expired", "missing", "unexpected", "unrouted"}
)
"""Counts of records by what became of them; all others are of pairs."""


@dataclass(slots=True)
class LaneSums:
    """What one lane's rows add up to."""

    counts: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    times: Sketch = field(default_factory=Sketch)
    production_times: Sketch = field(default_factory=Sketch)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row. Those of a slice repeat what others count."""
        if row["slice"] is not None:
            return
        for kind, count in row["counts"].items():
            (self.counts if kind in LEDGER_KINDS else self.pairs)[kind] += count
        self.times.merge(_buckets(row["model_time_candidate"]))
        self.production_times.merge(_buckets(row["model_time_production"]))


@dataclass(slots=True)
class Counting:
    """All lanes that rows told of."""

    lanes: dict[tuple[str, LaneRole], LaneSums] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a comparison row."""
        self.lanes.setdefault((row["version"], row["role"]), LaneSums()).add(row)

    def lane(self, version: str, role: LaneRole, latest_error: str | None) -> Lane:
        """What is known of a lane."""
        sums = self.lanes.get((version, role), LaneSums())
        return Lane(
            version,
            role,
            dict(sums.counts),
            dict(sums.pairs),
            quantiles(sums.times if role == "shadow" else self._production_times()),
            quantiles(sums.production_times),
            latest_error,
        )

    def _production_times(self) -> Sketch:
        """Production's, as they stand beside one shadow's: every shadow's rows repeat them."""
        beside = (sums.production_times for sums in self.lanes.values() if sums.production_times.count)
        return next(beside, Sketch())

    def others(self, known: Sequence[tuple[str, LaneRole]]) -> list[tuple[str, LaneRole]]:
        """Lanes that are not among those known: of earlier plans."""
        return [lane for lane in self.lanes if lane not in known]


def quantiles(sketch: Sketch) -> Times:
    """The quantiles that are shown, from a sketch of nanoseconds."""
    return Times(*(None if ns is None else round(ns / 1_000, 2) for ns in map(sketch.quantile, (0.5, 0.99))))


def _buckets(stored: Mapping[str, int] | None) -> dict[int, int]:
    return {} if stored is None else {int(bucket): count for bucket, count in stored.items()}
