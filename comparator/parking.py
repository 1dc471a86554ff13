"""The tracks that fell behind: what they owe meanwhile, and their way back, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from comparator.catch_up import CatchUp, HeldUp
from comparator.feeds import answers_of, needed_by
from comparator.flow import answered_to
from comparator.parked import Parked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from comparator.answers import Answer
    from comparator.feeds import Feed
    from comparator.join import Join
    from comparator.routed import RoutedFrame
    from comparator.tracks import Track
    from understudy.core.batches import Batch

NEVER: Final = 1 << 62
"""Above every source offset: a track that is not known any more has settled all that it ever will."""


class Parking:
    """Parked tracks, and the one among them that is read again.

    join: the tracks that keep up. room: rows of a topic that may wait in memory for a track that is read again.
    """

    def __init__(self, parked: Mapping[Track, Parked], join: Join, room: int) -> None:
        self.parked: Final = dict(parked)
        self.catch_up: CatchUp | None = None
        self._join: Final = join
        self._room: Final = room
        self._held_up: Final[dict[Track, HeldUp]] = {}
        self._turns: Final[dict[Track, int]] = {}

    # What comes for parked tracks

    def route(self, track: Track, frame: RoutedFrame) -> None:
        """A parked track's lane was sent more."""
        parked = self.parked[track]
        if track.kind != "canary" or frame.part == "canary":
            parked.owed += frame.count
        parked.revision, parked.closed = frame.revision, frame.closes
        if track.kind != "canary" and frame.is_opinion and not frame.closes:
            parked.opinions_to = max(parked.opinions_to, frame.after)
            if parked.answered_to > frame.base:  # answers were visible before their route
                self._reach_back_to(parked)

    def hear(self, track: Track, feed: Feed, answer: Answer) -> None:
        """A parked track's lane has answered."""
        self.parked[track].hear(feed, answer)

    def anchor(self, feed: Feed, batch: Batch) -> None:
        """What is to be compared needs every answer that came since it was parked."""
        for track, parked in self.parked.items():
            if track.kind != "answering" and feed in needed_by(track.kind) and batch.columns.offsets:
                parked.anchors.setdefault(feed, batch.columns.offsets[0])

    # Parking

    def park(self, track: Track, seen: Mapping[Feed, int]) -> None:
        """A track does not keep up. seen: per topic, the offset below which every row was counted."""
        anchors = self._join.oldest_for(track)
        self._reach_back(track, anchors)
        backlog = self._join.backlogs.pop(track)
        self.parked[track] = Parked(
            frontier=max(backlog.frontier, backlog.counted_to),
            owed=backlog.owed,
            revision=backlog.frames[-1].revision,
            opinions_to=backlog.opinions_to if backlog.opinions_to > backlog.frontier else 0,
            counted_to=seen[answers_of(track.kind)],
            answered_to=backlog.answers[-1].after if backlog.answers else backlog.frontier,
            awake=bool(backlog.answers),
            closed=backlog.frames[-1].closes,
            anchors=anchors,
        )

    def _reach_back(self, track: Track, anchors: dict[Feed, int]) -> None:
        """Others that are parked may have heard answers that a newly parked track needs."""
        if track.kind == "answering":
            return
        for other, parked in self.parked.items():
            if other == track.source or parked.owes_opinions:
                _lower(anchors, parked)

    def _reach_back_to(self, giving: Parked) -> None:
        """What a track has heard turns out to be opinions, which others may need; who is on the way begins anew."""
        others = {
            track: each for track, each in self.parked.items() if track.kind != "answering" and each is not giving
        }
        lowered = {track for track, each in others.items() if _lower(each.anchors, giving)}
        if self.catch_up is not None and self.catch_up.track in lowered:
            self.catch_up = None

    def begin(self, canary: Track, frame: RoutedFrame, again: Mapping[Feed, int]) -> None:
        """A lane that is parked begins to be a canary: what it is sent as such is to be read later, too.

        again: of topics whose rows are read once more after a restart just now, the offset of the first of them.
        """
        anchors = self._join.oldest()
        anchors |= {feed: min(anchor, anchors.get(feed, anchor)) for feed, anchor in again.items()}
        self._reach_back(canary, anchors)
        anchors["routes"] = frame.offset
        self.parked[canary] = Parked(frame.base, 0, frame.revision, 0, 0, frame.base, awake=True, anchors=anchors)

    def may_owe(self, at: int) -> bool:
        """Whether a parked track may still show what production says to the record."""
        return any(parked.may_owe_opinion(at) for parked in self.parked.values())

    @property
    def opinions_owed_to(self) -> int:
        """The source offset below which opinions may be missing because their tracks are parked.

        What a track settles while it is read again is not kept for others, so those that need it are read again, too.
        """
        return max((each.opinions_to for each in self.parked.values() if each.owes_opinions), default=0)

    # The way back

    def settle(self, read: Mapping[Feed, int]) -> bool:
        """Settle what can be of the track that is read again; whether it goes on with the others from now on.

        read: how far each topic is read.
        """
        if self.catch_up is None:
            return False
        self.catch_up.settle(read, self._join.routes_to)
        if not self._may_go_on(self.catch_up, read):
            return False
        self._go_on(self.catch_up)
        return True

    def _may_go_on(self, catch_up: CatchUp, read: Mapping[Feed, int]) -> bool:
        """Not if it would be parked again at once: too many of its answers wait, or opinions are missing for long."""
        if catch_up.owes_nothing(read):
            return True
        if not catch_up.has_caught_up(read) or len(catch_up.backlog.answers) > self._room:
            return False
        needs = catch_up.backlog.compares_from
        return needs is None or needs >= self.opinions_owed_to

    def _go_on(self, catch_up: CatchUp) -> None:
        catch_up.backlog.closed = catch_up.parked.closed and not catch_up.backlog.frames
        self._join.backlogs[catch_up.track] = catch_up.backlog
        self._join.opinions.take_over(catch_up.join.opinions)
        del self.parked[catch_up.track]
        self.catch_up = None

    def choose(self, read: Mapping[Feed, int]) -> None:
        """Choose what is read again next: one that cannot go on makes way, and production's lanes come first."""
        if self.catch_up is not None:
            if self.pages(read):
                return
            if held_up := self.catch_up.held_up:
                self._held_up[self.catch_up.track] = held_up
        ready = [track for track in self.parked if self._is_ready(track)]
        if ready:
            track = min(ready, key=self._rank)
            self._turns[track] = max(self._turns.values(), default=0) + 1
            parked = self.parked[track]
            self.catch_up = CatchUp.of(track, parked, self._join.tally, self._room, self.frontier_of, read)

    def _rank(self, track: Track) -> tuple[bool, int]:
        parked = self.parked[track]
        return track.kind != "answering" and parked.frontier >= parked.opinions_to, self._turns.get(track, 0)

    def _is_ready(self, track: Track) -> bool:
        """Whether reading the track's past again would bring it on."""
        if not self.parked[track].awake or (self.catch_up is not None and self.catch_up.track == track):
            return False
        held_up = self._held_up.get(track)
        return held_up is None or self.frontier_of(held_up.by) > held_up.at

    def frontier_of(self, track: Track) -> int:
        """How far a track is settled."""
        if track in self.parked:
            return self.parked[track].frontier
        backlog = self._join.backlogs.get(track)
        return NEVER if backlog is None else backlog.frontier

    def pages(self, read: Mapping[Feed, int]) -> dict[Feed, int]:
        """The offsets to read again from, behind the positions."""
        if self.catch_up is None:
            return {}
        lag = answered_to(self._join) - self.catch_up.backlog.frontier
        near = self.catch_up.track.kind == "answering" or lag <= self._room
        return self.catch_up.pages(read, near=near)


def _lower(anchors: dict[Feed, int], parked: Parked) -> bool:
    """Reach as far back as a parked track does among answers; whether that is further than before."""
    lower: dict[Feed, int] = {
        feed: at for feed, at in parked.anchors.items() if feed != "routes" and at < anchors.get(feed, NEVER)
    }
    anchors |= lower
    return bool(lower)
