"""Reads a parked lane's past again, for that lane only, until it has reached the present."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from comparator.answers import Answer
from comparator.backlog import Backlog
from comparator.cursor import Cursor
from comparator.feeds import answers_of, needed_by
from comparator.join import Join
from comparator.routed import RoutedFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from comparator.feeds import Feed
    from comparator.parked import Parked
    from comparator.reading import Rows
    from comparator.tally import Tally
    from understudy.core.batches import Batch
    from understudy.deployments.plan import Lane

UNCOUNTED: Final = 1 << 63
"""Above every source offset: answering lanes are read again for their answers only, and not counted."""


class HeldUp(NamedTuple):
    """An answering lane, and the record that it still owes."""

    by: Lane
    at: int


@dataclass(slots=True)
class CatchUp:
    """The join of one parked lane with what the answering lanes said meanwhile.

    room: rows of a topic that may wait in memory; pages are asked for as they are needed. frontier_of: how far an
    answering lane is settled at present, for what retention has removed.
    """

    lane: Lane
    parked: Parked
    room: int
    frontier_of: Callable[[Lane], int]
    join: Join
    backlog: Backlog
    cursors: dict[Feed, Cursor]
    _bridged: set[Lane] = field(default_factory=set)
    _blind_below: int = 0

    @classmethod
    def of(cls, lane: Lane, parked: Parked, tally: Tally, room: int, frontier_of: Callable[[Lane], int]) -> CatchUp:
        """Begin where the lane was parked. Every topic that it needs has an anchor."""
        backlog = Backlog(lane, parked.frontier, parked.frontier, parked.frontier)
        cursors = {feed: Cursor(parked.anchors[feed], parked.anchors[feed]) for feed in needed_by(lane.role)}
        return cls(lane, parked, room, frontier_of, Join(tally, {lane: backlog}), backlog, cursors)

    def turn(self, feed: Feed, page: Sequence[tuple[Batch, Rows]], position: int) -> None:
        """Take what was asked for. position: where the topic is read at present, and where the page ends at latest."""
        cursor = self.cursors[feed]
        since = cursor.next
        cursor.turn([batch for batch, _ in page], position)
        for _, rows in page:
            self._take(feed, rows, since)

    def follow(self, feed: Feed, batch: Batch, rows: Rows, position: int) -> None:
        """Take a batch of the present, which begins at `position`, if the past was read and there is room."""
        cursor = self.cursors.get(feed)
        if cursor is not None and cursor.next >= position and self._waiting(feed) < self.room:
            self._take(feed, rows, cursor.next)
            cursor.follow(batch)

    def _take(self, feed: Feed, rows: Rows, since: int) -> None:
        for lane, row in rows:
            backlog = self._backlog(lane)
            if backlog is None or row.offset < since:
                continue
            if isinstance(row, RoutedFrame):
                self._route(backlog, row)
            else:
                self._answer(feed, backlog, row)

    def _route(self, backlog: Backlog, frame: RoutedFrame) -> None:
        if backlog is self.backlog and self.cursors["routes"].lost and not self._blind_below:
            self._begin_at(frame.base)
        backlog.route(frame)
        if backlog.lane.role == "answering":
            self.join.routes_to = max(self.join.routes_to, frame.after)

    def _begin_at(self, base: int) -> None:
        """Routes before this source offset are gone, and so nothing can be said about answers before it."""
        self._blind_below = max(1, base)
        self.backlog.frontier = max(self.backlog.frontier, base)
        while self.backlog.answers and self.backlog.answers[0].after <= base:
            self.backlog.answers.popleft()

    def _answer(self, feed: Feed, backlog: Backlog, answer: Answer) -> None:
        if answer.after <= self._blind_below:
            return
        if self.cursors[feed].lost and backlog.lane not in self._bridged:
            self._bridge(backlog, answer.source_offset)
        is_new = backlog is self.backlog and answer.offset >= self.parked.counted_to
        if not backlog.answer(answer) and is_new:
            self.join.tally.fact(backlog.lane, answer, "unexpected")

    def _backlog(self, lane: Lane) -> Backlog | None:
        """This lane's, or, for a shadow, that of an answering lane, whose answers it is compared with."""
        known = self.join.backlogs.get(lane)
        if known is None and lane.role == "answering" and self.lane.role == "shadow":
            known = self.join.backlogs[lane] = Backlog(lane, self.parked.frontier, UNCOUNTED)
        return known

    def _bridge(self, backlog: Backlog, to: int) -> None:
        """Retention has removed the lane's answers up to a source offset: whatever it was routed there is expired."""
        self._bridged.add(backlog.lane)
        begin = backlog.frontier
        if to > begin:
            version, offset = backlog.lane.version, self.cursors[answers_of(backlog.lane.role)].anchor
            backlog.answer(Answer(begin, to, offset, "expired", version, self.parked.revision, None))

    def settle(self, read: Mapping[Feed, int], routes_to: int) -> None:
        """Settle what can be, and note where the lane stands.

        read: how far each topic is read at present. routes_to: how far routes are known at present.
        """
        if self.cursors["routes"].lost and self.is_present("routes", read):
            self._expire_unknown(routes_to)
        self._bridge_what_is_gone(read)
        self.join.settle()
        self.parked.owed -= self.backlog.settled
        self.backlog.settled = 0
        self._note(read)

    def _bridge_what_is_gone(self, read: Mapping[Feed, int]) -> None:
        for lane, backlog in self.join.backlogs.items():
            feed = answers_of(lane.role)
            if self.cursors[feed].lost and lane not in self._bridged and self.is_present(feed, read):
                self._bridge(backlog, self.parked.answered_to if lane == self.lane else self.frontier_of(lane))

    def _expire_unknown(self, routes_to: int) -> None:
        """Records that are owed, but whose routes are gone, can only be counted."""
        if not self._blind_below:
            self._begin_at(routes_to)
        gone = self.parked.owed - self.backlog.owed
        self.cursors["routes"].lost = False
        if gone > 0:
            self.parked.owed -= gone
            tally, revision = self.join.tally, self.parked.revision
            tally.ledger(self.lane, revision, "expired", gone)
            if self.lane.role == "shadow":
                tally.ledger(self.lane, revision, "unpaired_expired", gone)

    def _note(self, read: Mapping[Feed, int]) -> None:
        parked, own = self.parked, answers_of(self.lane.role)
        parked.frontier = self.backlog.frontier
        parked.counted_to = max(parked.counted_to, self.cursors[own].next)
        oldest = self.join.oldest()
        for feed, cursor in self.cursors.items():
            parked.anchors[feed] = min(cursor.anchor, oldest.get(feed, cursor.anchor))
        if self.is_present(own, read) and not self.backlog.answers:
            parked.awake = False

    def is_present(self, feed: Feed, read: Mapping[Feed, int]) -> bool:
        """Whether the topic was read again up to where it is read at present."""
        return self.cursors[feed].next >= read[feed]

    def has_caught_up(self, read: Mapping[Feed, int]) -> bool:
        """Whether the lane can go on with the others."""
        return all(self.is_present(feed, read) for feed in self.cursors)

    def pages(self, read: Mapping[Feed, int], *, near: bool) -> dict[Feed, int]:
        """The offsets to read again from. near: the lane is so near the present that it may go on with the others."""
        needs = self._needs()
        return {
            feed: cursor.page
            for feed, cursor in self.cursors.items()
            if not self.is_present(feed, read) and (feed in needs or (near and self._waiting(feed) < self.room))
        }

    def _needs(self) -> set[Feed]:
        """The topics without which nothing more can be settled."""
        needs = self._lacks(self.backlog)
        at = self.backlog.next_owed
        if needs or at is None or self.held_up:
            return needs
        owing = [other for other in self._others() if other.owes(at)]
        return {feed for other in owing for feed in self._lacks(other)} if owing else {"routes"}

    def _lacks(self, backlog: Backlog) -> set[Feed]:
        """What a lane needs, to know what became of the next record in the lane itself."""
        own, at = answers_of(backlog.lane.role), backlog.next_owed
        if at is None or not backlog.answers:
            lacks: set[Feed] = {"routes"} if at is None else set()
            return lacks if backlog.answers else {*lacks, own}
        if backlog.answers[0].source_offset <= at or backlog.is_passed(self.join.routes_to):
            return set()
        # Later answers show that the record is missing, once it is known that they have routes.
        return {"routes"} if backlog.answers[-1].source_offset >= self.join.routes_to else {own}

    @property
    def held_up(self) -> HeldUp | None:
        """The record for which the lane waits because the answering lane has not answered it yet at all."""
        at = self.backlog.next_owed
        for other in self._others():
            if at is not None and other.owes(at) and self.frontier_of(other.lane) <= at:
                return HeldUp(other.lane, at)
        return None

    def _others(self) -> Iterable[Backlog]:
        return (backlog for backlog in self.join.backlogs.values() if backlog is not self.backlog)

    def _waiting(self, feed: Feed) -> int:
        """Rows of a topic that wait in memory."""
        backlogs = self.join.backlogs.values()
        if feed == "routes":
            return sum(len(backlog.frames) for backlog in backlogs)
        waiting = sum(len(backlog.answers) for backlog in backlogs if answers_of(backlog.lane.role) == feed)
        return waiting + len(self.join.production) if feed == "predictions" else waiting
