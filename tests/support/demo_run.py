"""A small run of the demo, as rows that its roles could have written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from understudy.app.demo.audience import Compared
from understudy.app.demo.course import Change, Course, asked
from understudy.app.demo.figures import Figures
from understudy.app.demo.orders import deploy, promote, rollback
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.demo.figures import Sent
    from understudy.app.demo.orders import Command

DELAY_S = 0.5
HALF = 500_000


@dataclass(frozen=True)
class Flight:
    """A flight and the truth about it: every second one is late."""

    number: int
    dep_delay: int = 0

    @property
    def late(self) -> bool | None:
        return self.number % 2 == 0

    @property
    def key(self) -> bytes:
        return b"N%d" % self.number

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


def told(*, late: bool, chance: float) -> dict[str, Any]:
    return {"label": late, "probabilities": [1 - chance, chance]}


def prediction(version: str, flight: Flight, *, late: bool, revision: int = 1, **more: Any) -> dict[str, Any]:
    """A row of predictions, or of shadow-predictions."""
    return {
        "outcome": "answered",
        "lane": "answering",
        "routed_version": version,
        "answered_version": version,
        "revision": revision,
        "share_ppm": 1_000_000,
        "source_partition": 0,
        "source_offset": flight.number,
        "model_time_ns": 1_000,
        "event_time": 0,
        "event_id": flight.event_id,
        **told(late=late, chance=0.9 if late else 0.1),
        **more,
    }


def comparison(version: str, counts: Mapping[str, int], **more: Any) -> dict[str, Any]:
    """A row of comparisons. against: the version that it was compared with; without, it is the ledger's."""
    against = more.get("against")
    return {
        "source_partition": 0,
        "version": version,
        "role": "answering",
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


def example(flight: Flight, *, production: float, candidate: float, kind: str = "mismatched") -> dict[str, Any]:
    """An example of a comparison; the numbers are the chances to be late."""
    return {
        "kind": kind,
        "source_offset": flight.number,
        "event_time": None,
        "event_id": flight.event_id,
        "production": json.dumps(told(late=production > 0.5, chance=production)),
        "candidate": json.dumps(told(late=candidate > 0.5, chance=candidate)),
    }


def adopted(plan: Plan, base_offset: int) -> dict[str, Any]:
    """A row of routes."""
    return {"kind": "adopted", "source_partition": 0, "base_offset": base_offset, "plan": plan.to_json()}


@dataclass
class DemoRun:
    """A run that is made step by step: the broken version calls every flight on time, the others are right."""

    course: Course = field(default_factory=lambda: Course(Figures(), Compared()))
    now_s: float = 10.0

    @property
    def figures(self) -> Figures:
        return self.course.figures

    def change(self, command: Command, plan: Plan) -> Change:
        """A command takes effect."""
        written = len(self.figures.sent)
        change = Change(command, plan, self.course.plan, self.now_s, self.now_s + 1.0, 0.1, written)
        self.course.changes.append(change)
        self.figures.route(adopted(plan, written))
        self.now_s += 1.0
        return change

    def send(self, count: int = 1) -> list[Flight]:
        """Flights are written."""
        flights = [Flight(len(self.figures.sent) + n) for n in range(count)]
        for flight in flights:
            self.figures.produced(flight, self.now_s)
        return flights

    def fly(self, count: int) -> None:
        """Flights are written, answered as the plan says, and compared."""
        plan = self.course.now.plan
        for flight in self.send(count):
            sent = self.figures.sent[flight.event_id]
            canary = asked(plan, sent, 0, flight.number)
            self.answer(flight, canary or plan.production)
            for other in (*plan.shadows, *([plan.production] if canary else [])):
                self.overhear(flight, other)
            for candidate in (*plan.shadows, *([canary] if canary else [])):
                self.compare(flight, candidate, plan)
        self.now_s += 1.0
        self.course.settled = len(self.figures.sent)

    def answer(self, flight: Flight, version: str, **more: Any) -> None:
        """A row becomes visible to users, and is counted."""
        row = prediction(version, flight, **self.opinion(flight, version), **more)
        self.figures.prediction(row, self.now_s + DELAY_S)
        self.figures.visible(self.now_s + DELAY_S)
        self.add(comparison(row["routed_version"], {"routed": 1, "answered": 1}))

    def overhear(self, flight: Flight, version: str) -> None:
        """A row becomes visible that users do not read, and is counted."""
        self.figures.shadow_prediction(prediction(version, flight, **self.opinion(flight, version)))
        self.add(comparison(version, {"routed": 1, "answered": 1}, role="shadow"))

    def compare(self, flight: Flight, candidate: str, plan: Plan) -> None:
        """The comparator says how a candidate compares with production on a flight."""
        differs = BROKEN in {candidate, plan.production} and flight.late is True
        self.add(
            comparison(
                candidate,
                {"mismatched" if differs else "matched": 1},
                against=plan.production,
                revision=plan.revision,
                examples=[example(flight, production=0.9, candidate=0.1)] if differs else [],
            )
        )

    def opinion(self, flight: Flight, version: str) -> dict[str, Any]:
        late = bool(flight.late) and version != BROKEN
        return {"late": late, "revision": self.course.now.revision if self.course.changes else 1}

    def add(self, row: dict[str, Any]) -> None:
        self.course.compared.add(row)
        self.figures.comparison(row)

    def sent(self, flight: Flight) -> Sent:
        return self.figures.sent[flight.event_id]


def begun() -> DemoRun:
    """The first version is in production, and has answered ten flights."""
    run = DemoRun()
    run.change(deploy(FIRST, "basic"), Plan(1, FIRST))
    run.fly(10)
    return run


def finished() -> DemoRun:
    """A run at its end: twenty flights under each plan, and canaries that get half of the keys."""
    run = begun()
    for command, plan in (
        (deploy(REFACTOR, "shadow"), Plan(2, FIRST, (REFACTOR,))),
        (promote(REFACTOR), Plan(3, REFACTOR)),
        (deploy(BROKEN, "shadow"), Plan(4, REFACTOR, (BROKEN,))),
        (rollback(BROKEN), Plan(5, REFACTOR)),
        (deploy(BETTER, "canary", "50"), Plan(6, REFACTOR, (), Canary(BETTER, HALF), 7)),
        (promote(BETTER), Plan(7, BETTER)),
        (deploy(BROKEN, "canary", "50"), Plan(8, BETTER, (), Canary(BROKEN, HALF), 7)),
        (rollback(BROKEN), Plan(9, BETTER)),
        (deploy(BROKEN, "basic"), Plan(10, BROKEN)),
        (rollback(BROKEN), Plan(11, BETTER)),
    ):
        run.change(command, plan)
        run.fly(20)
    return run
