"""Reads a parked track's past again, for that track only, until it has reached the present."""

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
    from comparator.tracks import Track
    from understudy.core.batches import Batch

UNCOUNTED: Final = 1 << 63
"""Above every source offset: others are read again for production's opinions only, and not counted."""


class HeldUp(NamedTuple):
    """A track that production's opinions come from, and the record that it still owes."""

    by: Track
    at: int


@dataclass(slots=True)
class CatchUp:
    """The join of one parked track with what production said meanwhile.

    room: rows of a topic that may wait in memory; pages are asked for as they are needed. frontier_of: how far
    another track is settled at present, for what retention has removed.
    """

    track: Track
    parked: Parked
    room: int
    frontier_of: Callable[[Track], int]
    join: Join
    backlog: Backlog
    cursors: dict[Feed, Cursor]
    _source: Track
    _bridged: set[Track] = field(default_factory=set)
    _blind_below: int = 0

    @classmethod
    def of(
        cls,
        track: Track,
        parked: Parked,
        tally: Tally,
        room: int,
        frontier_of: Callable[[Track], int],
        read: Mapping[Feed, int],
    ) -> CatchUp:
        """Begin where the track was parked, or, in a topic that has brought nothing for it since, at the present.

        read: how far each topic is read at present.
        """
        backlog = Backlog(track, parked.frontier, parked.frontier, parked.frontier)
        anchors = {feed: parked.anchors.get(feed) for feed in needed_by(track.kind)}
        cursors = {feed: Cursor(at, read[feed] if at is None else at) for feed, at in anchors.items()}
        return cls(track, parked, room, frontier_of, Join(tally, {track: backlog}), backlog, cursors, track.source)

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
        for track, row in rows:
            if row.offset < since:
                continue
            backlog = self._backlog(track)
            if isinstance(row, RoutedFrame):
                self._route(track, backlog, row)
            elif backlog is not None:
                self._answer(feed, backlog, row)

    def _route(self, track: Track, backlog: Backlog | None, frame: RoutedFrame) -> None:
        if frame.excluded:
            return
        if backlog is self.backlog and self.cursors["routes"].lost and not self._blind_below:
            self._begin_at(frame.base)
        if backlog is not None:
            backlog.route(frame)
        if track.kind == "answering":
            self.join.take_answering(frame)

    def _begin_at(self, base: int) -> None:
        """Routes before this source offset are gone, and so nothing can be said about answers before it."""
        self._blind_below = max(1, base)
        self.backlog.frontier = max(self.backlog.frontier, base)
        while self.backlog.answers and self.backlog.answers[0].after <= base:
            self.backlog.answers.popleft()

    def _answer(self, feed: Feed, backlog: Backlog, answer: Answer) -> None:
        if answer.after <= self._blind_below:
            return
        if self.cursors[feed].lost and backlog.track not in self._bridged:
            self._bridge(backlog, answer.source_offset)
        is_new = backlog is self.backlog and answer.offset >= self.parked.counted_to
        if not backlog.answer(answer) and is_new and self.track.kind != "canary":
            self.join.tally.fact(backlog.lane, answer, "unexpected")

    def _backlog(self, track: Track) -> Backlog | None:
        """This track's, or that of a lane which may show what production says: a mirror's, and for shadows any."""
        if track == self._source:
            return self.backlog
        known = self.join.backlogs.get(track)
        if known is None and (self.track.kind == "shadow" or (self.track.kind, track.kind) == ("canary", "shadow")):
            known = self.join.backlogs[track] = Backlog(track, self.parked.frontier, UNCOUNTED)
        return known

    def _bridge(self, backlog: Backlog, to: int) -> None:
        """Retention has removed the lane's answers up to a source offset: whatever it was routed there is expired."""
        self._bridged.add(backlog.track)
        begin = backlog.frontier
        if to > begin:
            version, offset = backlog.lane.version, self.cursors[answers_of(backlog.track.kind)].anchor or 0
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
        for track, backlog in self.join.backlogs.items():
            feed = answers_of(track.kind)
            if self.cursors[feed].lost and track not in self._bridged and self.is_present(feed, read):
                self._bridge(backlog, self.parked.answered_to if track == self.track else self.frontier_of(track))

    def _expire_unknown(self, routes_to: int) -> None:
        """Records that are owed, but whose routes are gone, can only be counted."""
        if not self._blind_below:
            self._begin_at(routes_to)
        gone = self.parked.owed - self.backlog.owed
        self.cursors["routes"].lost = False
        if gone > 0:
            self.parked.owed -= gone
            self._count_expired(gone)

    def _count_expired(self, gone: int) -> None:
        tally, lane, revision = self.join.tally, self.backlog.lane, self.parked.revision
        if self.track.kind != "canary":
            tally.ledger(lane, revision, "expired", gone)
        if self.track.kind != "answering":
            tally.ledger(lane, revision, "unpaired_expired", gone)

    def _note(self, read: Mapping[Feed, int]) -> None:
        parked, own = self.parked, answers_of(self.track.kind)
        parked.frontier = self.backlog.frontier
        parked.counted_to = max(parked.counted_to, self.cursors[own].next)
        oldest = self.join.oldest()
        for feed, cursor in self.cursors.items():
            if cursor.anchor is not None:
                parked.anchors[feed] = min(cursor.anchor, oldest.get(feed, cursor.anchor))
        if parked.owed and self.is_present(own, read) and not self.backlog.answers:
            parked.awake = False

    def is_present(self, feed: Feed, read: Mapping[Feed, int]) -> bool:
        """Whether the topic was read again up to where it is read at present."""
        return self.cursors[feed].next >= read[feed]

    def owes_nothing(self, read: Mapping[Feed, int]) -> bool:
        """Whether all is settled that the track was sent, as far as is known at present."""
        return not self.parked.owed and self.is_present(answers_of(self.track.kind), read)

    def has_caught_up(self, read: Mapping[Feed, int]) -> bool:
        """Whether the track can go on with the others."""
        return all(self.is_present(feed, read) for feed in self.cursors)

    def pages(self, read: Mapping[Feed, int], *, near: bool) -> dict[Feed, int]:
        """The offsets to read again from. near: it is so near the present that it may go on with the others."""
        needs = self._needs()
        if not self.parked.owed:
            needs, near = {answers_of(self.track.kind)}, False
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
        owing = [other for other in self._others() if other.owes_opinion(at)]
        return {feed for other in owing for feed in self._lacks(other)} if owing else {"routes"}

    def _lacks(self, backlog: Backlog) -> set[Feed]:
        """What a lane needs, to know what became of the next record in the lane itself."""
        own, at = answers_of(backlog.track.kind), backlog.next_owed
        if at is None or not backlog.answers:
            lacks: set[Feed] = {"routes"} if at is None else set()
            return lacks if backlog.answers else {*lacks, own}
        if backlog.answers[0].source_offset <= at or backlog.is_passed(self.join.routes_to):
            return set()
        # Later answers show that the record is missing, once it is known that they have routes.
        return {"routes"} if backlog.answers[-1].source_offset >= self.join.routes_to else {own}

    @property
    def held_up(self) -> HeldUp | None:
        """The record for which the track waits because production has not answered it yet at all."""
        at = self.backlog.next_owed
        for other in self._others():
            if at is not None and other.owes_opinion(at) and self.frontier_of(other.track) <= at:
                return HeldUp(other.track, at)
        return None

    def _others(self) -> Iterable[Backlog]:
        return (backlog for backlog in self.join.backlogs.values() if backlog is not self.backlog)

    def _waiting(self, feed: Feed) -> int:
        """Rows of a topic that wait in memory."""
        backlogs = self.join.backlogs.values()
        if feed == "routes":
            return sum(len(backlog.frames) for backlog in backlogs)
        waiting = sum(len(backlog.answers) for backlog in backlogs if answers_of(backlog.track.kind) == feed)
        return waiting + self.join.opinions.count_of(feed)
