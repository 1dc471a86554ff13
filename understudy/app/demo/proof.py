"""Checks of a whole run, by an independent reader: who should have answered what, recomputed. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.demo.course import asked
from understudy.app.demo.figures import quantile

if TYPE_CHECKING:
    from understudy.app.demo.course import Course
    from understudy.app.demo.figures import Adopted, Answer


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    flights: that were written. unanswered, doubled, failed, strangers: flights without an answer, rows beyond the
    first, error rows, rows of no flight. misrouted: flights that another version was asked about than the routing
    function says. misplaced: those with another revision than the router's own rows have at their offset.
    usurped: answers by a version that was neither asked nor in production after the asked one was withdrawn.
    reclaimed: those by production for a version that was withdrawn. routed, in_flight, residual: of the ledger, over
    all lanes. delays: of answers that were not reclaimed, from writing to being visible.
    """

    flights: int
    unanswered: int
    doubled: int
    failed: int
    strangers: int
    misrouted: int
    misplaced: int
    usurped: int
    reclaimed: int
    lanes: int
    routed: int
    in_flight: int
    residual: int
    delay_p50_ms: float | None
    delay_p99_ms: float | None

    @property
    def is_exactly_once(self) -> bool:
        """Whether every flight has one answer."""
        return not (self.unanswered or self.doubled or self.failed or self.strangers)

    @property
    def is_by_the_right_version(self) -> bool:
        """Whether each has it from whom the plan and the routing function say."""
        return not (self.misrouted or self.misplaced or self.usurped)

    @property
    def adds_up(self) -> bool:
        """Whether the ledger does."""
        return not (self.in_flight or self.residual)

    @property
    def is_sound(self) -> bool:
        return self.flights > 0 and self.is_exactly_once and self.is_by_the_right_version and self.adds_up


def proof(course: Course) -> Proof:
    """Look at everything that was read back."""
    figures, compared = course.figures, course.compared
    answers = list(figures.answers.values())
    in_force = InForce(figures.adopted)
    plain = [answer.delay_ms for answer in answers if not answer.is_reclaimed]
    return Proof(
        flights=len(figures.sent),
        unanswered=len(figures.waiting),
        doubled=figures.doubled,
        failed=figures.failed,
        strangers=figures.strangers,
        misrouted=sum(answer.routed != _expected(course, answer) for answer in answers),
        misplaced=sum(answer.revision != in_force.at(answer.partition, answer.offset) for answer in answers),
        usurped=sum(answer.is_reclaimed and not _may_reclaim(course, answer) for answer in answers),
        reclaimed=sum(answer.is_reclaimed for answer in answers),
        lanes=compared.lanes,
        routed=compared.total("routed"),
        in_flight=compared.total("in_flight"),
        residual=compared.total("residual"),
        delay_p50_ms=quantile(plain, 0.5),
        delay_p99_ms=quantile(plain, 0.99),
    )


def moved_back(course: Course, version: str) -> tuple[int, int]:
    """How many planes a version answered under a plan, and did not under a later one that it was in; and of how many.

    Only while its share grows, up to its promotion.
    """
    had: set[bytes] = set()
    lost: set[bytes] = set()
    for change in course.changes:
        if change.command.version == version:
            for answer in course.figures.answers_in(change.revision):
                key = answer.sent.flight.key
                if answer.routed == version:
                    had.add(key)
                elif key in had:
                    lost.add(key)
    return len(lost), len(had)


class InForce:
    """Which plan held at which input offset, by the router's rows."""

    def __init__(self, adopted: list[Adopted]) -> None:
        self._from: dict[int, list[tuple[int, int]]] = {}
        for each in sorted(adopted, key=lambda each: (each.partition, each.base_offset, each.plan.revision)):
            self._from.setdefault(each.partition, []).append((each.base_offset, each.plan.revision))

    def at(self, partition: int, offset: int) -> int | None:
        """The revision; None before the first."""
        changes = self._from.get(partition, [])
        index = bisect_right(changes, offset, key=lambda change: change[0]) - 1
        return changes[index][1] if index >= 0 else None


def _expected(course: Course, answer: Answer) -> str | None:
    """Whom the plan and the routing function ask; None where there is no such plan."""
    plan = next((change.plan for change in course.changes if change.revision == answer.revision), None)
    if plan is None:
        return None
    return asked(plan, answer.sent, answer.partition, answer.offset) or plan.production


def _may_reclaim(course: Course, answer: Answer) -> bool:
    """Whether the version that answered was production once the one that was asked had been taken back."""
    return any(
        change.revision > answer.revision
        and answer.routed not in change.plan.versions
        and change.plan.production == answer.opinion.version
        for change in course.changes
    )
