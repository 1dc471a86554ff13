"""Where a run of the demo stands: one frozen value for the screen, the summary and the JSON file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.app.demo.figures import quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.app.demo.figures import Answers, Figures
    from understudy.app.status.counting import Counting
    from understudy.app.status.facts import Lane


@dataclass(frozen=True, slots=True)
class Shadow:
    """One shadow: what its rows say, what the comparator counted, and its first differing answers."""

    lane: Lane
    answers: Answers
    differing: Sequence[Mapping[str, Any]] = ()

    @property
    def pairs(self) -> int:
        return sum(self.lane.pairs.values())

    @property
    def differs(self) -> float | None:
        """The share of pairs that did not match; None while there is none."""
        return 1 - self.lane.pairs.get("matched", 0) / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The run so far.

    produced: events written. answered: of them, with a row that users can read; failed: of those, error rows.
    doubled: rows beyond the first for an event. touched: users' rows that another version than production answered.
    """

    elapsed_s: float
    produced: int
    answered: int
    failed: int
    doubled: int
    touched: int
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    production: Lane
    production_answers: Answers
    shadows: tuple[Shadow, ...]
    latest: Mapping[str, Any] | None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return (self.production, *(shadow.lane for shadow in self.shadows))

    @property
    def missing(self) -> int:
        """Events that were written and are not answered."""
        return self.produced - self.answered

    @property
    def residual(self) -> int:
        return sum(lane.residual for lane in self.lanes)

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    @property
    def rate_per_s(self) -> float:
        return self.answered / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every event is answered, and accounted for in every lane."""
        compared = all(shadow.pairs == self.produced for shadow in self.shadows)
        return self.missing == 0 and compared and all(lane.accounted == self.produced for lane in self.lanes)


def scoreboard(figures: Figures, counting: Counting, elapsed_s: float) -> Scoreboard:
    """Put together what was counted. differing examples are the comparator's, in the order of the stream."""
    production = figures.answers[figures.production]
    return Scoreboard(
        elapsed_s=elapsed_s,
        produced=len(figures.produced_s),
        answered=len(figures.seen),
        failed=production.failed,
        doubled=figures.doubled,
        touched=figures.touched,
        delay_p50_ms=quantile(figures.delays_ms, 0.5),
        delay_p99_ms=quantile(figures.delays_ms, 0.99),
        production=counting.lane(figures.production, "answering", None),
        production_answers=production,
        shadows=tuple(
            Shadow(counting.lane(ref, "shadow", None), figures.answers[ref], tuple(figures.differing[ref]))
            for ref in figures.shadows
        ),
        latest=figures.latest,
    )
