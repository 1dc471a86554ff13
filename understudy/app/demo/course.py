"""What has happened so far in a run of the demo: the changes that were made, and what was read back since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy.app.demo.pairs import Pairs, paired
from understudy.deployments.routing import bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.app.demo.audience import Compared
    from understudy.app.demo.figures import Answer, Figures, Sent
    from understudy.app.demo.orders import Command
    from understudy.deployments.plan import Plan


@dataclass(frozen=True, slots=True)
class Change:
    """A command that was carried out, and the plan that it made.

    before: the plan until then. began_s, done_s: when it was given, and when it was in force everywhere. adopted_s:
    of that, from the event that changed the plan on. first: the number of flights written when it was given.
    """

    command: Command
    plan: Plan
    before: Plan | None
    began_s: float
    done_s: float
    adopted_s: float
    first: int

    @property
    def planned_s(self) -> float:
        """When the event was written that changed the plan."""
        return self.done_s - self.adopted_s

    @property
    def revision(self) -> int:
        return self.plan.revision


@dataclass
class Course:
    """A run so far.

    settled: flights that were written first, so many are all answered: evidence is told of these, since the rest would
    count fast versions for more than slow ones.
    """

    figures: Figures
    compared: Compared
    changes: list[Change] = field(default_factory=list)
    settled: int = 0

    @property
    def now(self) -> Change:
        """The latest change."""
        return self.changes[-1]

    @property
    def plan(self) -> Plan | None:
        return self.now.plan if self.changes else None

    def plan_of(self, revision: int) -> Plan:
        """The plan with a revision. Raises KeyError where no command made one."""
        return {change.revision: change.plan for change in self.changes}[revision]

    def pairs(self, change: Change, candidate: str) -> Pairs:
        """What a candidate and production said of the same flights, under the plan of a change."""
        production = change.plan.production
        return paired(self.figures, change.revision, candidate, production)

    def answers(self, change: Change) -> list[Answer]:
        """Users' answers under the plan of a change, to settled flights."""
        return [answer for answer in self.figures.answers_in(change.revision) if answer.sent.number < self.settled]

    def waiting_for_canary(self) -> list[Sent]:
        """Flights that the canary has to answer, and has not."""
        return [
            sent for sent in self.figures.waiting.values() if self.plan and asked(self.plan, sent, 0, 0) is not None
        ]

    def reclaimed(self, revision: int) -> list[Answer]:
        """Answers that another version gave than the one that was asked."""
        return [answer for answer in self.figures.answers_in(revision) if answer.is_reclaimed]

    def made_by(self, version: str, strategy: str) -> Iterator[Change]:
        """The changes that deployed a version in a way."""
        return (each for each in self.changes if (each.command.version, each.command.strategy) == (version, strategy))


def asked(plan: Plan, sent: Sent, partition: int, offset: int) -> str | None:
    """The canary, where the routing function gives it this flight; else None."""
    canary = plan.canary
    if canary is None or bucket(sent.flight.key, plan.salt, partition, offset) >= canary.share_ppm:
        return None
    return canary.version
