"""The comparator's state of one partition: the join of the lanes that keep up, and the lanes that do not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from comparator.backlog import Backlog
from comparator.catch_up import CatchUp, HeldUp
from comparator.examples import ExamplesTaken
from comparator.feeds import FEEDS, answers_of, needed_by
from comparator.flow import Flow, answered_to, shadows_of
from comparator.join import Join
from comparator.judging import EXACT, Tolerances
from comparator.notes import LaneNote, Memo, memo_of, notes_of
from comparator.parked import Parked
from comparator.routed import RoutedFrame
from comparator.tally import Tally
from understudy.core.log.contract import Position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comparator.answers import Answer
    from comparator.feeds import Feed
    from comparator.reading import RowReader
    from understudy.core.batches import Batch
    from understudy.deployments.plan import Lane

REMEMBERED_FRAMES: Final = 64
"""Among so many of the last answering frames, records that were routed to two answering lanes are looked for."""

NEVER: Final = 1 << 62
"""Above every source offset: a lane that is not known any more has settled all that it ever will."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparator compares.

    block_s: length of a block of event time. max_lag_records: a lane further behind is parked, and read again when
    it answers; so many rows per topic, partition and lane may wait in memory. examples_per_kind: per partition, lane
    and kind. max_slice_values: values of a slice field with statistics of their own. interval_s: what was counted is
    written at least this far apart.
    """

    block_s: int = 86_400
    tolerances: Tolerances = EXACT
    max_lag_records: int = 20_000
    examples_per_kind: int = 5
    max_slice_values: int = 50
    interval_s: float = 1.0


class Partition:
    """Takes batches of the three topics and says what to commit.

    Nothing in it is lost with it: from the committed positions and notes it is rebuilt as it was, so that whatever
    was not committed is counted again, and nothing else is.
    """

    def __init__(self, positions: Mapping[Feed, Position], reader: RowReader, options: Options) -> None:
        memo = memo_of(positions)
        self._reader: Final = reader
        self._read: Final = {feed: positions[feed].offset for feed in FEEDS}
        self._seen: Final = dict(memo.seen)
        self._parked: Final = dict(memo.parked)
        self._memo: Final = memo
        taken = ExamplesTaken(
            options.examples_per_kind, {lane: dict(note.examples) for lane, note in memo.lanes.items()}
        )
        self.tally: Final = Tally(options.block_s * 1_000, options.tolerances, taken)
        self._join: Final = Join(self.tally, _backlogs(memo), may_owe=self._parked_may_owe)
        self._flow: Final = Flow(options.max_lag_records)
        self._answering_frames: Final[deque[tuple[Lane, RoutedFrame]]] = deque(maxlen=REMEMBERED_FRAMES)
        self._catch_up: CatchUp | None = None
        self._asked: Mapping[Feed, int] = {}
        self._held_up: dict[Lane, HeldUp] = {}
        self._turns: dict[Lane, int] = {}
        self._resume_routes()

    # Taking rows

    def read_again(self, feed: Feed, batches: Sequence[Batch]) -> None:
        """Take a page of the past that `pages` asked for."""
        if self._catch_up is None or feed not in self._asked:
            return
        position = self._read[feed]
        page = [batch for batch in batches if batch.base_offset < position]
        self._catch_up.turn(feed, [(batch, self._reader.read(feed, batch)) for batch in page], position)

    def take(self, feed: Feed, batch: Batch, now_s: float) -> None:
        """Take the next batch of a topic. Raises ForeignRow; SchemaUnavailable."""
        rows = self._reader.read(feed, batch)
        if self._catch_up is not None:
            self._catch_up.follow(feed, batch, rows, self._read[feed])
        for lane, row in rows:
            is_new = row.offset >= self._seen[feed]
            if isinstance(row, RoutedFrame):
                self._route(lane, row, is_new)
            else:
                self._answer(feed, lane, row, is_new)
        self._anchor_parked(feed, batch)
        self._flow.streams[feed].hear(batch, now_s)
        self._read[feed] = batch.next_offset
        self._seen[feed] = max(self._seen[feed], batch.next_offset)
        self._resume_routes()

    def _route(self, lane: Lane, frame: RoutedFrame, is_new: bool) -> None:
        parked = self._parked.get(lane)
        backlog = None if parked else self._backlog(lane, is_new)
        if is_new:
            self._count_routed(lane, frame, 0 if backlog is None else backlog.routed_to)
        if parked is not None and is_new:
            parked.owed += frame.count
            parked.revision = frame.revision
        if backlog is not None:
            backlog.route(frame)
        if lane.role == "answering":
            self._join.routes_to = max(self._join.routes_to, frame.after)

    def _count_routed(self, lane: Lane, frame: RoutedFrame, routed_to: int) -> None:
        if frame.closes:
            return
        first_time = frame.count_from(routed_to)
        self.tally.ledger(lane, frame.revision, "routed", first_time)
        twice = frame.count - first_time
        if lane.role == "answering":
            twice += sum(frame.shared_with(each) for other, each in self._answering_frames if other != lane)
            self._answering_frames.append((lane, frame))
        if twice:
            self.tally.ledger(lane, frame.revision, "routed_twice", twice)

    def _answer(self, feed: Feed, lane: Lane, answer: Answer, is_new: bool) -> None:
        parked = self._parked.get(lane)
        if parked is not None:
            if is_new:
                parked.hear(feed, answer)
            return
        backlog = self._backlog(lane, is_new)
        if backlog is not None and not backlog.answer(answer) and is_new:
            self.tally.fact(lane, answer, "unexpected")

    def _backlog(self, lane: Lane, is_new: bool) -> Backlog | None:
        """Rows that were counted before tell nothing of lanes that have ended since."""
        backlog = self._join.backlogs.get(lane)
        if backlog is None and is_new:
            backlog = self._join.backlogs[lane] = Backlog(lane)
        return backlog

    def _anchor_parked(self, feed: Feed, batch: Batch) -> None:
        """Production's answers for a parked lane begin with the first row that came since."""
        if feed != "predictions" or batch.next_offset <= self._seen[feed]:
            return
        for lane, parked in self._parked.items():
            if lane.role == "shadow" and batch.columns.offsets:
                parked.anchors.setdefault(feed, batch.columns.offsets[0])

    def _resume_routes(self) -> None:
        """Once the routes that were counted before were read again, all of them are known."""
        if not self._is_reading_again("routes"):
            self._join.routes_to = self._routes_to()

    def _is_reading_again(self, feed: Feed) -> bool:
        """Whether rows come that were counted before."""
        return self._read[feed] < self._seen[feed]

    # Settling

    def settle(self, now_s: float) -> None:
        """Settle what can be; park lanes that are late, and let those go on that have caught up."""
        self._join.settle()
        if any(self._is_reading_again(feed) for feed in FEEDS):
            return
        if self._catch_up is not None:
            self._catch_up.settle(self._read, self._join.routes_to)
            if self._may_go_on(self._catch_up):
                self._go_on(self._catch_up)
        self._park_late(now_s)
        self._choose_catch_up()

    def _park_late(self, now_s: float) -> None:
        for lane in self._flow.late(self._join, now_s):
            self._park(lane)
        if self._answering_is_parked():
            # What an answering lane settles while it catches up is not kept for others, so they catch up, too.
            for backlog in shadows_of(self._join):
                if backlog.frames:
                    self._park(backlog.lane)

    def _park(self, lane: Lane) -> None:
        own = answers_of(lane.role)
        anchors = self._join.oldest_for(lane)
        backlog = self._join.backlogs.pop(lane)
        self._parked[lane] = Parked(
            frontier=max(backlog.frontier, backlog.counted_to),
            owed=backlog.owed,
            revision=backlog.frames[-1].revision,
            counted_to=self._seen[own],
            answered_to=backlog.answers[-1].after if backlog.answers else backlog.frontier,
            awake=bool(backlog.answers),
            anchors=anchors,
        )

    def _may_go_on(self, catch_up: CatchUp) -> bool:
        held_back = catch_up.lane.role == "shadow" and self._answering_is_parked()
        return catch_up.has_caught_up(self._read) and not held_back

    def _go_on(self, catch_up: CatchUp) -> None:
        """From now on the lane is one of those that keep up."""
        self._join.backlogs[catch_up.lane] = catch_up.backlog
        self._join.production.take_over(catch_up.join.production)
        del self._parked[catch_up.lane]
        self._catch_up = None
        self._join.settle()

    def _choose_catch_up(self) -> None:
        """One lane catches up at a time; one that cannot go on makes way."""
        if self._catch_up is not None:
            if self._pages(self._catch_up):
                return
            if held_up := self._catch_up.held_up:
                self._held_up[self._catch_up.lane] = held_up
        ready = [lane for lane in self._parked if self._is_ready(lane)]
        if ready:
            lane = min(ready, key=lambda each: (each.role, self._turns.get(each, 0)))
            self._turns[lane] = max(self._turns.values(), default=0) + 1
            self._catch_up = CatchUp.of(lane, self._parked[lane], self.tally, self._flow.room, self._frontier_of)

    def _is_ready(self, lane: Lane) -> bool:
        """Whether reading the lane's past again would bring it on."""
        parked, held_up = self._parked[lane], self._held_up.get(lane)
        if not parked.awake or (self._catch_up is not None and self._catch_up.lane == lane):
            return False
        has_rows = all(feed in parked.anchors for feed in needed_by(lane.role))
        return has_rows and (held_up is None or self._frontier_of(held_up.by) > held_up.at)

    def _frontier_of(self, lane: Lane) -> int:
        """How far an answering lane is settled."""
        if lane in self._parked:
            return self._parked[lane].frontier
        backlog = self._join.backlogs.get(lane)
        return NEVER if backlog is None else backlog.frontier

    def _answering_is_parked(self) -> bool:
        return any(lane.role == "answering" for lane in self._parked)

    def _parked_may_owe(self, at: int) -> bool:
        return any(lane.role == "answering" and parked.frontier <= at for lane, parked in self._parked.items())

    # What to read, and what to commit

    def pages(self) -> Mapping[Feed, int]:
        """The offsets to read again from, behind the positions."""
        self._asked = {} if self._catch_up is None else self._pages(self._catch_up)
        return self._asked

    def _pages(self, catch_up: CatchUp) -> dict[Feed, int]:
        lag = answered_to(self._join) - catch_up.backlog.frontier
        near = catch_up.lane.role == "answering" or lag <= self._flow.room
        return catch_up.pages(self._read, near=near)

    def paused(self, now_s: float) -> set[Feed]:
        """The topics to read on later."""
        return self._flow.paused(self._join, now_s)

    def positions(self) -> dict[Feed, Position]:
        """What to commit together with all that was counted since the last commit."""
        oldest = self._join.oldest()
        self._forget_ended(oldest)
        notes = notes_of(self._memo_now())
        return {
            feed: Position(min(self._read[feed], oldest.get(feed, self._read[feed])), notes[feed]) for feed in FEEDS
        }

    def _forget_ended(self, oldest: Mapping[Feed, int]) -> None:
        """Forget lanes that were closed and settled, as soon as none of their rows can be read again."""
        for lane, backlog in list(self._join.backlogs.items()):
            ended = backlog.closed and not backlog.frames and not backlog.answers
            if ended and not {"routes", answers_of(lane.role)} & oldest.keys():
                del self._join.backlogs[lane]
                self.tally.taken.counts.pop(lane, None)

    def _memo_now(self) -> Memo:
        examples = self.tally.taken.counts
        going = {
            lane: LaneNote(max(backlog.frontier, backlog.counted_to), backlog.closed, examples.get(lane, {}))
            for lane, backlog in self._join.backlogs.items()
        }
        parked = {lane: LaneNote(each.frontier, examples=examples.get(lane, {})) for lane, each in self._parked.items()}
        return Memo(self._seen, self._routes_to(), self._floor(), going | parked, self._parked)

    def _routes_to(self) -> int:
        return max(self._join.routes_to, self._memo.routes_to)

    def _floor(self) -> int | None:
        """While routes are still read again, a lane may yet turn out to wait for what the last owner's waited for."""
        floors = [self._join.floor(), self._memo.floor if self._is_reading_again("routes") else None]
        return min((floor for floor in floors if floor is not None), default=None)


def _backlogs(memo: Memo) -> dict[Lane, Backlog]:
    """The lanes that are not parked. Answering lanes begin where a shadow lane still waits for their answers."""
    backlogs: dict[Lane, Backlog] = {}
    for lane, note in memo.lanes.items():
        if lane in memo.parked:
            continue
        again = lane.role == "answering" and memo.floor is not None
        frontier = min(note.frontier, memo.floor) if again and memo.floor is not None else note.frontier
        backlogs[lane] = Backlog(lane, frontier, note.frontier, note.frontier, note.closed)
    return backlogs
