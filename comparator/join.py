"""The merge join of one partition: every candidate's records beside what production says to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from comparator.answers import absent
from comparator.feeds import answers_of
from comparator.opinions import Opinions
from comparator.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from comparator.answers import Answer, Outcome
    from comparator.backlog import Backlog, Take
    from comparator.feeds import Feed
    from comparator.routed import RoutedFrame
    from comparator.tally import Tally
    from comparator.tracks import Kind, Track
    from understudy.deployments.plan import Lane

NOBODY: Final = ""
"""Stands for the version whose opinion there should be."""

NOTHING_KEPT: Final = 1 << 62
"""Above every source offset: of what is kept for others, nothing is needed."""


def nobody_parked(_: int) -> bool:
    """No track is parked that production's opinions come from."""
    return False


@dataclass(slots=True)
class Join:
    """Settles the records of tracks, in each lane's order, and counts what became of them.

    Topics become visible at different times, in any order: an answer may come before its route and a candidate's
    answer before production's. Nothing is concluded from absence, only from what later rows of an ordered topic
    show. For that, all route rows of one router's transaction, which are one batch, are taken before `settle`.

    opinions: what production says, by its answering lane and, where a canary is mirrored, by its shadow lane; those
    wait for nobody. shares: what canaries were sent. routes_to: every route row below this source offset has been
    taken. may_owe: whether a track that is not among the backlogs may still show what production says to the record.
    """

    tally: Tally
    backlogs: dict[Track, Backlog] = field(default_factory=dict)
    opinions: Opinions = field(default_factory=Opinions)
    shares: Shares = field(default_factory=Shares)
    routes_to: int = 0
    may_owe: Callable[[int], bool] = nobody_parked
    _keeps: bool = False

    def take_answering(self, frame: RoutedFrame) -> None:
        """Take note of what an answering lane was sent, whether or not the lane's track is here."""
        self.routes_to = max(self.routes_to, frame.after)
        if frame.part == "canary" and not frame.closes:
            self.shares.add(frame)

    def settle(self) -> None:
        """Settle what can be, and forget what nobody waits for any more."""
        others = self.candidates()
        self._keeps = any(backlog.compared for backlog in others)
        for backlog in self.answering():
            backlog.settle(self.routes_to, self._settle_lane, self._unexpected)
        while self._settle_others(others):
            pass
        floor = self.floor()
        self.opinions.drop_to(floor)
        self.shares.drop_to(floor)

    def _settle_others(self, others: Collection[Backlog]) -> bool:
        """Whether there are new opinions by a mirror, for which one of them may have waited."""
        known = len(self.opinions)
        takes: Mapping[Kind, Take] = {"shadow": self._settle_shadow, "canary": self._settle_canary}
        for backlog in others:
            backlog.settle(self.routes_to, takes[backlog.track.kind], self._unexpected)
        return len(self.opinions) > known

    def answering(self) -> list[Backlog]:
        """The answering lanes' backlogs."""
        return [backlog for backlog in self.backlogs.values() if backlog.track.kind == "answering"]

    def candidates(self) -> list[Backlog]:
        """The others: what is to be compared, and mirrors."""
        return [backlog for backlog in self.backlogs.values() if backlog.track.kind != "answering"]

    def floor(self) -> int | None:
        """The first source offset to which an opinion is waited for; None where none is."""
        needs = (backlog.compares_from for backlog in self.backlogs.values())
        return min((at for at in needs if at is not None), default=None)

    def oldest(self) -> dict[Feed, int]:
        """Per topic, the offset of the first row that is still needed; topics of which none is are left out."""
        return self._oldest(self.backlogs.values(), 0)

    def oldest_for(self, track: Track) -> dict[Feed, int]:
        """The same for what one of the tracks needs, or a row before it."""
        backlog = self.backlogs[track]
        if track.kind == "answering":
            return self._oldest([backlog], NOTHING_KEPT)
        return self._oldest(self.backlogs.values(), backlog.frontier)

    def _oldest(self, backlogs: Collection[Backlog], floor: int) -> dict[Feed, int]:
        rows: list[tuple[Feed, int]] = [("routes", each.frames[0].offset) for each in backlogs if each.frames]
        rows += [(answers_of(each.track.kind), each.answers[0].offset) for each in backlogs if each.answers]
        rows += self.opinions.oldest_rows(floor)
        rows += [("routes", offset) for offset in self.shares.oldest_rows(floor)]
        oldest: dict[Feed, int] = {}
        for feed, offset in rows:
            oldest[feed] = min(offset, oldest.get(feed, offset))
        return oldest

    def _settle_lane(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> bool:
        """A record that waits for nobody: of an answering lane, or of a mirror."""
        found = _missing(backlog, frame, at) if answer is None else answer
        if at >= backlog.counted_to:
            self._count(backlog.lane, frame.revision, found)
        if self._keeps and frame.is_opinion:
            self.opinions.put(backlog.track, frame, at, found)
        return True

    def _settle_shadow(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> bool:
        if frame.part == "mirror":
            return self._settle_lane(backlog, frame, at, answer)
        opinion = self._opinion(backlog, frame, at)
        if opinion is None:
            return False
        found = _found(backlog, frame, at, answer)
        self._count(backlog.lane, frame.revision, found)
        self.tally.pair(backlog.lane, frame.revision, opinion, found)
        return True

    def _settle_canary(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> bool:
        """A canary's record, whose lane has it in its ledger already. Without a mirror there is nothing to compare."""
        opinion = self._opinion(backlog, frame, at)
        if opinion is None:
            return False
        if opinion.outcome != "canary":
            self.tally.pair(backlog.lane, frame.revision, opinion, _found(backlog, frame, at, answer))
        return True

    def _opinion(self, backlog: Backlog, frame: RoutedFrame, at: int) -> Answer | None:
        """What production says to a record, or that it never will; None while it may."""
        opinion = self.opinions.get(at)
        if opinion is not None or self._may_come(at):
            return opinion
        why: Outcome = "canary" if self.shares.has(at) else "unrouted"
        opinion = absent(at, why, NOBODY, frame.revision, frame.offset)
        if why == "unrouted":
            self.tally.fact(backlog.lane, opinion, "unrouted")
        return opinion

    def _may_come(self, at: int) -> bool:
        """Whether production was, or may have been, sent the record, and its answer was not read yet."""
        if at >= self.routes_to or self.may_owe(at):
            return True
        return any(backlog.owes_opinion(at) for backlog in self.backlogs.values())

    def _count(self, lane: Lane, revision: int, found: Answer) -> None:
        if found.outcome == "missing":
            self.tally.fact(lane, found, "missing")
            return
        self.tally.ledger(lane, revision, found.outcome)
        if found.reclaimed and found.outcome == "answered":
            self.tally.ledger(lane, revision, "reclaimed")

    def _unexpected(self, backlog: Backlog, answer: Answer) -> None:
        if answer.source_offset >= backlog.counted_to and backlog.track.kind != "canary":
            self.tally.fact(backlog.lane, answer, "unexpected")


def _found(backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None) -> Answer:
    """What became of one record, also where a row tells of several."""
    if answer is None:
        return _missing(backlog, frame, at)
    return answer if answer.source_offset == at else answer._replace(source_offset=at)


def _missing(backlog: Backlog, frame: RoutedFrame, at: int) -> Answer:
    """A record that a later answer, the backlog's first, has passed."""
    return absent(at, "missing", backlog.lane.version, frame.revision, backlog.answers[0].offset)
