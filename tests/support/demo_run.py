"""A small run of the demo, as rows that its roles could have written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from understudy.app.demo import scenery
from understudy.app.demo.figures import Figures
from understudy.app.demo.scoreboard import Pace, scoreboard
from understudy.app.status.counting import Counting
from understudy.statistics.sketch import bucket_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.app.demo.scoreboard import Scoreboard


@dataclass(frozen=True)
class Flight:
    """A flight and the truth about it."""

    number: int
    late: bool | None = False
    dep_delay: int = 0

    @property
    def event_id(self) -> str:
        return f"flight-{self.number}"

    @property
    def event(self) -> Mapping[str, Any]:
        return {
            "event_id": self.event_id,
            "flight_id": f"UA{self.number}",
            "origin": "EWR",
            "dest": "ORD",
            "dep_delay": self.dep_delay,
        }


def answer(*, late: bool, chance: float) -> dict[str, Any]:
    return {"label": late, "probabilities": [1 - chance, chance]}


def prediction(version: str, flight: Flight, *, late: bool, **more: Any) -> dict[str, Any]:
    """A row of predictions, or of shadow-predictions."""
    role = "answering" if version == scenery.PRODUCTION else "shadow"
    return {
        "outcome": "answered",
        "lane": role,
        "routed_version": version,
        "answered_version": version,
        "revision": 1,
        "share_ppm": 1_000_000,
        "source_partition": 0,
        "source_offset": flight.number,
        "model_time_ns": 1_000,
        "event_time": 0,
        "event_id": flight.event_id,
        **answer(late=late, chance=0.9 if late else 0.1),
        **more,
    }


def comparison(version: str, counts: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """A row of comparisons. against: the version that it was compared with; without, it is the ledger's."""
    against = more.get("against")
    return {
        "source_partition": 0,
        "version": version,
        "role": "answering" if version == scenery.PRODUCTION else "shadow",
        "against": None,
        "revision": 1,
        "block": None if against is None else 0,
        "slice": None,
        "counts": dict(counts),
        "fields": {},
        "model_time_production": None,
        "model_time_candidate": None,
        "examples": [],
        **more,
    }


def example(flight: Flight, *, production: float, shadow: float, kind: str = "mismatched") -> dict[str, Any]:
    """An example of a comparison; the numbers are the chances to be late."""
    return {
        "kind": kind,
        "source_offset": flight.number,
        "event_time": None,
        "event_id": flight.event_id,
        "production": json.dumps(answer(late=production > 0.5, chance=production)),
        "candidate": json.dumps(answer(late=shadow > 0.5, chance=shadow)),
    }


@dataclass
class DemoRun:
    """Flights that are all answered and compared: the broken version calls every second one late."""

    flights: Sequence[Flight] = field(default_factory=lambda: [Flight(n, late=n % 2 == 0) for n in range(10)])
    counting: Counting = field(default_factory=Counting)

    def __post_init__(self) -> None:
        by_id = {flight.event_id: flight for flight in self.flights}
        self.figures = Figures(scenery.PRODUCTION, scenery.SHADOWS, by_id)

    def produce(self) -> None:
        for flight in self.flights:
            self.figures.produced(flight.event_id, 10.0)

    def answer(self, delay_s: float = 0.5) -> None:
        """Production and the rewrite are right; the broken version calls all on time."""
        for flight in self.flights:
            late = bool(flight.late)
            self.figures.prediction(prediction(scenery.PRODUCTION, flight, late=late), 10.0 + delay_s)
            self.figures.shadow_prediction(prediction(scenery.REFACTOR, flight, late=late))
            self.figures.shadow_prediction(prediction(scenery.BROKEN, flight, late=False))

    def compare(self) -> None:
        """What the comparator writes of it."""
        total, late = len(self.flights), [flight for flight in self.flights if flight.late]
        for version in (scenery.PRODUCTION, *scenery.SHADOWS):
            self.add(comparison(version, {"routed": total, "answered": total}))
        times = {"model_time_production": _times(100, total), "model_time_candidate": _times(50, total)}
        self.add(comparison(scenery.REFACTOR, {"matched": total}, against=scenery.PRODUCTION, **times))
        counts = {"matched": total - len(late), "mismatched": len(late)}
        examples = [example(flight, production=0.9, shadow=0.1) for flight in late]
        self.add(comparison(scenery.BROKEN, counts, against=scenery.PRODUCTION, examples=examples, **times))

    def add(self, row: dict[str, Any]) -> None:
        self.counting.add(row)
        self.figures.comparison(row)

    def board(self, elapsed_s: float = 5.0) -> Scoreboard:
        return scoreboard(self.figures, self.counting, elapsed_s, Pace(1_500.0, 180.0))


def finished() -> DemoRun:
    """A run at its end."""
    run = DemoRun()
    run.produce()
    run.answer()
    run.compare()
    return run


def _times(microseconds: float, count: int) -> dict[str, int]:
    return {str(bucket_of(microseconds * 1_000)): count}
