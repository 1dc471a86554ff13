"""The textbook's table of release strategies, measured: what each costs, and what it risks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from understudy.app.demo.figures import right
from understudy.app.demo.pairs import beside
from understudy.app.demo.scenery import BROKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.app.demo.course import Change, Course
    from understudy.app.demo.figures import Answer
    from understudy.app.releasing.orders import Strategy

ORDER: Final[tuple[Strategy, ...]] = ("basic", "shadow", "canary")


@dataclass(frozen=True, slots=True)
class Strategic:
    """A strategy with a bad version, over the first flights under its plan.

    executions: rows that a model wrote for these flights, of users' and of others' topics. touched: users' answers by
    the bad version; wrong: of those, the ones that did not come true. harmed: of those, the ones that production had
    right; None where production did not answer.
    """

    strategy: Strategy
    share_ppm: int
    flights: int
    executions: int
    touched: int
    wrong: int
    harmed: int | None

    @property
    def executions_per_flight(self) -> float | None:
        return self.executions / self.flights if self.flights else None


def strategies(course: Course, limit: int) -> tuple[Strategic, ...]:
    """A row for each strategy, over the same number of flights: `limit`, or as many as every one has."""
    made = [change for strategy in ORDER for change in islice(course.made_by(BROKEN, strategy), 1)]
    flights = min([limit, *(course.figures.count_in(change.revision) for change in made)])
    return tuple(_measured(course, change, flights) for change in made)


def _measured(course: Course, change: Change, flights: int) -> Strategic:
    answers = list(islice(course.figures.answers_in(change.revision), flights))
    touched = [answer for answer in answers if answer.opinion.version == BROKEN]
    canary = change.plan.canary
    whole = change.plan.production == BROKEN
    return Strategic(
        strategy=change.command.strategy or "basic",
        share_ppm=canary.share_ppm if canary else 1_000_000,
        flights=len(answers),
        executions=sum(_executions(course, answer) for answer in answers),
        touched=len(touched),
        wrong=sum(answer.is_right is False for answer in touched),
        harmed=None if whole else _harmed(course, change.plan.production, touched),
    )


def _executions(course: Course, answer: Answer) -> int:
    opinions = course.figures.opinions.get(answer.sent.number, ())
    return 1 + sum(opinion.revision == answer.revision for opinion in opinions)


def _harmed(course: Course, production: str, touched: Sequence[Answer]) -> int:
    wrong = (answer for answer in touched if answer.is_right is False)
    others = ((answer.sent.flight, beside(course.figures, answer, production)) for answer in wrong)
    return sum(opinion is not None and right(opinion, flight) is True for flight, opinion in others)
