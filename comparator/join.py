"""The merge join of one partition: every shadow lane's records beside what production answered to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from comparator.answers import absent
from comparator.feeds import answers_of
from comparator.production import Production

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from comparator.answers import Answer
    from comparator.backlog import Backlog
    from comparator.feeds import Feed
    from comparator.routed import RoutedFrame
    from comparator.tally import Tally
    from understudy.deployments.plan import Lane

NOBODY: Final = ""
"""Stands for the version of an answering lane that there should be."""

NOTHING_KEPT: Final = 1 << 62
"""Above every source offset: of what is kept for shadow lanes, nothing is needed."""


def nobody_parked(_: int) -> bool:
    """No answering lane is parked."""
    return False


@dataclass(slots=True)
class Join:
    """Settles the records of lanes, in each lane's order, and counts what became of them.

    Topics become visible at different times, in any order: an answer may come before its route and a shadow's
    answer before production's. Nothing is concluded from absence, only from what later rows of an ordered topic
    show. For that, all route rows of one router's transaction, which are one batch, are taken before `settle`.

    routes_to: every route row below this source offset has been taken. may_owe: whether an answering lane that is
    not among the backlogs may still answer the record.
    """

    tally: Tally
    backlogs: dict[Lane, Backlog] = field(default_factory=dict)
    production: Production = field(default_factory=Production)
    routes_to: int = 0
    may_owe: Callable[[int], bool] = nobody_parked
    _keeps: bool = False

    def settle(self) -> None:
        """Settle what can be, and forget what nobody waits for any more."""
        shadows = [backlog for backlog in self.backlogs.values() if backlog.lane.role == "shadow"]
        self._keeps = any(backlog.frames for backlog in shadows)
        for backlog in self.answering():
            backlog.settle(self.routes_to, self._settle_answering, self._unexpected)
        for backlog in shadows:
            backlog.settle(self.routes_to, self._settle_shadow, self._unexpected)
        self.production.drop_to(self.floor())

    def answering(self) -> Iterable[Backlog]:
        """The answering lanes' backlogs."""
        return [backlog for backlog in self.backlogs.values() if backlog.lane.role == "answering"]

    def floor(self) -> int | None:
        """The first source offset whose answer a shadow lane waits for; None where no lane does."""
        needs = (backlog.needs_from for backlog in self.backlogs.values() if backlog.lane.role == "shadow")
        return min((at for at in needs if at is not None), default=None)

    def oldest(self) -> dict[Feed, int]:
        """Per topic, the offset of the first row that is still needed; topics of which none is are left out."""
        return self._oldest(self.backlogs.values(), 0)

    def oldest_for(self, lane: Lane) -> dict[Feed, int]:
        """The same for what one of the lanes needs."""
        backlog = self.backlogs[lane]
        if lane.role == "answering":
            return self._oldest([backlog], NOTHING_KEPT)
        return self._oldest([backlog, *self.answering()], backlog.frontier)

    def _oldest(self, backlogs: Collection[Backlog], floor: int) -> dict[Feed, int]:
        rows: list[tuple[Feed, int | None]] = [("routes", each.frames[0].offset) for each in backlogs if each.frames]
        rows += [(answers_of(each.lane.role), each.answers[0].offset) for each in backlogs if each.answers]
        rows += [("routes", self.production.oldest_route(floor)), ("predictions", self.production.oldest_answer(floor))]
        oldest: dict[Feed, int] = {}
        for feed, offset in rows:
            if offset is not None:
                oldest[feed] = min(offset, oldest.get(feed, offset))
        return oldest

    def _settle_answering(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> bool:
        found = _missing(backlog, frame, at) if answer is None else answer
        if at >= backlog.counted_to:
            self._count(backlog.lane, frame.revision, found)
        if self._keeps:
            self.production.put(frame, at, found)
        return True

    def _settle_shadow(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> bool:
        production = self.production.get(at)
        if production is None:
            if not self._is_unrouted(at):
                return False
            production = absent(at, "unrouted", NOBODY, frame.revision, frame.offset)
            self.tally.fact(backlog.lane, production, "unrouted")
        found = _missing(backlog, frame, at) if answer is None else answer
        if found.source_offset != at:
            found = found._replace(source_offset=at)
        self._count(backlog.lane, frame.revision, found)
        self.tally.pair(backlog.lane, frame.revision, production, found)
        return True

    def _count(self, lane: Lane, revision: int, found: Answer) -> None:
        if found.outcome == "missing":
            self.tally.fact(lane, found, "missing")
        else:
            self.tally.ledger(lane, revision, found.outcome)

    def _is_unrouted(self, at: int) -> bool:
        """Whether it is known that no answering lane was, or will be, sent the record."""
        if at >= self.routes_to or self.may_owe(at):
            return False
        return not any(backlog.owes(at) for backlog in self.answering())

    def _unexpected(self, backlog: Backlog, answer: Answer) -> None:
        if answer.source_offset >= backlog.counted_to:
            self.tally.fact(backlog.lane, answer, "unexpected")


def _missing(backlog: Backlog, frame: RoutedFrame, at: int) -> Answer:
    """A record that a later answer, the backlog's first, has passed."""
    return absent(at, "missing", backlog.lane.version, frame.revision, backlog.answers[0].offset)
