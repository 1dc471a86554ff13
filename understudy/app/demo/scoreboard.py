"""Where a run of the demo stands: one frozen value for the screen, the summary and the JSON file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.app.demo.figures import Answers, Differing, Figures, Latest
    from understudy.app.status.counting import Counting
    from understudy.app.status.facts import Lane


@dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow: what its rows say, what the comparator counted, and its first differing answers."""

    lane: Lane
    answers: Answers
    differing: Sequence[Differing] = ()

    @property
    def pairs(self) -> int:
        return sum(self.lane.pairs.values())

    @property
    def agreeing(self) -> int:
        """Pairs that matched."""
        return self.lane.pairs.get("matched", 0)

    @property
    def differs(self) -> float | None:
        """The share of pairs that did not match; None while there is none."""
        return 1 - self.agreeing / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How it runs now. rate_per_s: answers a second; delay_ms: from writing an event to its visible answer."""

    rate_per_s: float = 0.0
    delay_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The run so far.

    events: that will be written; produced: that were. answered: of them, with a row that users can read; failed: of
    those, error rows. doubled: rows beyond the first for an event. touched: users' rows that another version than
    production answered.
    """

    elapsed_s: float
    events: int
    produced: int
    answered: int
    failed: int
    doubled: int
    touched: int
    pace: Pace
    production: Lane
    production_answers: Answers
    shadows: tuple[Shadow, ...]
    latest: Latest | None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return (self.production, *(shadow.lane for shadow in self.shadows))

    @property
    def pairs(self) -> int:
        """Answers of all shadows that were compared with production's."""
        return sum(shadow.pairs for shadow in self.shadows)

    @property
    def missing(self) -> int:
        """Events that were written and are not answered."""
        return self.produced - self.answered

    @property
    def owed(self) -> int:
        """Records that the router sent to any version."""
        return sum(lane.count("routed") for lane in self.lanes)

    @property
    def residual(self) -> int:
        return sum(lane.residual for lane in self.lanes)

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    @property
    def is_complete(self) -> bool:
        """Whether every event is answered, and accounted for in every lane."""
        compared = all(shadow.pairs == self.produced for shadow in self.shadows)
        return self.missing == 0 and compared and all(lane.accounted == self.produced for lane in self.lanes)

    @property
    def is_sound(self) -> bool:
        """Whether users got each answer exactly once and from production alone, and all that is owed adds up."""
        return self.is_complete and not (self.doubled or self.touched or self.failed or self.residual)


def scoreboard(figures: Figures, counting: Counting, elapsed_s: float, pace: Pace) -> Scoreboard:
    """Put together what was counted. Differing answers are the comparator's examples, as they came."""
    production = figures.answers[figures.production]
    return Scoreboard(
        elapsed_s=elapsed_s,
        events=len(figures.flights),
        produced=len(figures.produced_s),
        answered=len(figures.seen),
        failed=production.failed,
        doubled=figures.doubled,
        touched=figures.touched,
        pace=pace,
        production=counting.lane(figures.production, "answering", None),
        production_answers=production,
        shadows=tuple(
            Shadow(counting.lane(ref, "shadow", None), figures.answers[ref], tuple(figures.differing[ref]))
            for ref in figures.shadows
        ),
        latest=figures.latest,
    )
