"""The comparator's state of one partition: the join of the tracks that keep up, and those that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from comparator.backlog import Backlog
from comparator.doubles import Doubles
from comparator.examples import ExamplesTaken
from comparator.feeds import FEEDS
from comparator.flow import Flow
from comparator.join import Join
from comparator.judging import EXACT, Tolerances
from comparator.notes import Memo, TrackNote, memo_of, notes_of
from comparator.parking import Parking
from comparator.routed import RoutedFrame
from comparator.tally import Tally
from comparator.tracks import Track
from understudy.core.log.contract import Position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comparator.answers import Answer
    from comparator.feeds import Feed
    from comparator.reading import RowReader
    from understudy.core.batches import Batch


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
        self._begun: Final = {feed: positions[feed].offset for feed in FEEDS}
        self._read: Final = dict(self._begun)
        self._seen: Final = dict(memo.seen)
        self._memo: Final = memo
        examples = {track.lane: dict(note.examples) for track, note in memo.tracks.items() if note.examples}
        taken = ExamplesTaken(options.examples_per_kind, examples)
        self.tally: Final = Tally(options.block_s * 1_000, options.tolerances, taken)
        self._join: Final = Join(self.tally, _backlogs(memo), may_owe=self._parked_may_owe)
        self._flow: Final = Flow(options.max_lag_records)
        self._parking: Final = Parking(memo.parked, self._join, self._flow.room)
        self._doubles: Final = Doubles()
        self._canaries: Final = {track.source: track for track in memo.tracks if track.kind == "canary"}
        self._asked: Mapping[Feed, int] = {}
        self._resume_routes()

    # Taking rows

    def read_again(self, feed: Feed, batches: Sequence[Batch]) -> None:
        """Take a page of the past that `pages` asked for."""
        catch_up = self._parking.catch_up
        if catch_up is None or feed not in self._asked:
            return
        position = self._read[feed]
        page = [batch for batch in batches if batch.base_offset < position]
        catch_up.turn(feed, [(batch, self._reader.read(feed, batch)) for batch in page], position)

    def take(self, feed: Feed, batch: Batch, now_s: float) -> None:
        """Take the next batch of a topic. Raises ForeignRow; SchemaUnavailable."""
        rows = self._reader.read(feed, batch)
        if self._parking.catch_up is not None:
            self._parking.catch_up.follow(feed, batch, rows, self._read[feed])
        for track, row in rows:
            is_new = row.offset >= self._seen[feed]
            if isinstance(row, RoutedFrame):
                self._route(track, row, is_new)
            else:
                self._answer(feed, track, row, is_new)
                if self._canaries and track in self._canaries:
                    self._answer(feed, self._canaries[track], row, is_new)
        if batch.next_offset > self._seen[feed]:
            self._parking.anchor(feed, batch)
        self._flow.streams[feed].hear(batch, now_s)
        self._read[feed] = batch.next_offset
        self._seen[feed] = max(self._seen[feed], batch.next_offset)
        self._resume_routes()

    def _route(self, track: Track, frame: RoutedFrame, is_new: bool) -> None:
        if frame.excluded:
            if is_new:
                self.tally.ledger(track.lane, frame.revision, "excluded", frame.count)
            return
        if is_new:
            self._count_routed(track, frame)
        self._follow(track, frame, is_new)
        if track.kind == "answering":
            self._follow_canary(track, frame, is_new)
            self._join.take_answering(frame)

    def _follow(self, track: Track, frame: RoutedFrame, is_new: bool) -> None:
        """Rows that were counted before tell nothing new, and nothing at all of tracks that have ended since."""
        if backlog := self._join.backlogs.get(track):
            backlog.route(frame)
        elif is_new and track in self._parking.parked:
            self._parking.route(track, frame)
        elif is_new:
            self._begin(track, frame.base).route(frame)

    def _follow_canary(self, track: Track, frame: RoutedFrame, is_new: bool) -> None:
        """What a lane is sent as a canary is followed once more, as long as there is any of it to be compared."""
        canary = self._canaries.get(track)
        if canary is None:
            if not is_new or frame.part != "canary" or frame.closes:
                return
            canary = self._begin_canary(track, frame)
        self._follow(canary, frame, is_new)

    def _begin_canary(self, track: Track, frame: RoutedFrame) -> Track:
        canary = self._canaries[track] = Track(track.version, "canary")
        if track in self._parking.parked:
            again = {feed: self._begun[feed] for feed in FEEDS if self._is_reading_again(feed)}
            self._parking.begin(canary, frame, again)
        else:
            waiting = self._join.backlogs[track].answers  # they may be visible before their routes
            self._begin(canary, frame.base).answers.extend(each for each in waiting if each.after > frame.base)
        return canary

    def _count_routed(self, track: Track, frame: RoutedFrame) -> None:
        if frame.closes:
            return
        backlog = self._join.backlogs.get(track)
        first_time = frame.count_from(0 if backlog is None else backlog.routed_to)
        self.tally.ledger(track.lane, frame.revision, "routed", first_time)
        twice = frame.count - first_time
        if track.kind == "answering":
            twice += self._doubles.count(track, frame)
        if twice:
            self.tally.ledger(track.lane, frame.revision, "routed_twice", twice)

    def _answer(self, feed: Feed, track: Track, answer: Answer, is_new: bool) -> None:
        backlog = self._join.backlogs.get(track)
        if backlog is None:
            if not is_new:
                return
            if track in self._parking.parked:
                self._parking.hear(track, feed, answer)
                return
            backlog = self._begin(track, self._routes_to())
        if not backlog.answer(answer) and is_new and track.kind != "canary":
            self.tally.fact(backlog.lane, answer, "unexpected")

    def _begin(self, track: Track, base: int) -> Backlog:
        """Of a new track, whose lane was sent nothing before the source offset `base`."""
        backlog = self._join.backlogs[track] = Backlog(track, base)
        return backlog

    def _resume_routes(self) -> None:
        """Once the routes that were counted before were read again, all of them are known."""
        if not self._is_reading_again("routes"):
            self._join.routes_to = self._routes_to()

    def _is_reading_again(self, feed: Feed) -> bool:
        """Whether rows come that were counted before."""
        return self._read[feed] < self._seen[feed]

    # Settling

    def settle(self, now_s: float) -> None:
        """Settle what can be; park tracks that are late, and let those go on that have caught up."""
        self._join.settle()
        if any(self._is_reading_again(feed) for feed in FEEDS):
            return
        self._end_canaries()
        self._park_late(now_s)
        if self._parking.settle(self._read):
            self._join.settle()
        self._parking.choose(self._read)

    def _end_canaries(self) -> None:
        """Forget what was followed to be compared, once all of it was."""
        for source, canary in list(self._canaries.items()):
            backlog = self._join.backlogs.get(canary)
            if backlog is not None and not backlog.compared:
                del self._join.backlogs[canary], self._canaries[source]

    def _park_late(self, now_s: float) -> None:
        for track in self._flow.late(self._join, now_s):
            self._park(track)
        owed_to = self._parking.opinions_owed_to
        for backlog in self._join.candidates():
            needs = backlog.compares_from
            if needs is not None and needs < owed_to:
                self._park(backlog.track)

    def _park(self, track: Track) -> None:
        self._parking.park(track, self._seen)
        canary = self._canaries.get(track)
        if canary in self._join.backlogs:
            self._parking.park(canary, self._seen)

    def _parked_may_owe(self, at: int) -> bool:
        return self._parking.may_owe(at)

    # What to read, and what to commit

    def pages(self) -> Mapping[Feed, int]:
        """The offsets to read again from, behind the positions."""
        self._asked = self._parking.pages(self._read)
        return self._asked

    def paused(self, now_s: float) -> set[Feed]:
        """The topics to read on later."""
        return self._flow.paused(self._join, now_s)

    def positions(self) -> dict[Feed, Position]:
        """What to commit together with all that was counted since the last commit."""
        self._forget_ended()
        oldest = self._join.oldest()
        notes = notes_of(self._memo_now())
        return {
            feed: Position(min(self._read[feed], oldest.get(feed, self._read[feed])), notes[feed]) for feed in FEEDS
        }

    def _forget_ended(self) -> None:
        """Forget lanes that were closed and settled, and whose opinions nobody waits for: notes have little room."""
        if any(self._is_reading_again(feed) for feed in FEEDS):
            return
        floor = self._join.floor()
        for track, backlog in list(self._join.backlogs.items()):
            ended = backlog.closed and not backlog.frames and not backlog.answers
            if ended and (floor is None or backlog.opinions_to <= floor):
                del self._join.backlogs[track]
        followed = {track.lane for track in (*self._join.backlogs, *self._parking.parked)}
        for lane in self.tally.taken.counts.keys() - followed:
            del self.tally.taken.counts[lane]

    def _memo_now(self) -> Memo:
        examples = self.tally.taken.counts
        going = {
            track: TrackNote(max(each.frontier, each.counted_to), each.closed, examples.get(each.lane, {}))
            for track, each in self._join.backlogs.items()
        }
        parked = {
            track: TrackNote(each.frontier, examples=examples.get(track.lane, {}))
            for track, each in self._parking.parked.items()
        }
        return Memo(self._seen, self._routes_to(), self._floor(), going | parked, self._parking.parked)

    def _routes_to(self) -> int:
        return max(self._join.routes_to, self._memo.routes_to)

    def _floor(self) -> int | None:
        """While routes are still read again, a lane may yet turn out to wait for what the last owner's waited for."""
        floors = [self._join.floor(), self._memo.floor if self._is_reading_again("routes") else None]
        return min((floor for floor in floors if floor is not None), default=None)


def _backlogs(memo: Memo) -> dict[Track, Backlog]:
    """The tracks that are not parked. Lanes begin where an opinion of theirs may still be waited for."""
    backlogs: dict[Track, Backlog] = {}
    for track, note in memo.tracks.items():
        if track in memo.parked:
            continue
        again = memo.floor is not None and track.kind != "canary"
        frontier = min(note.frontier, memo.floor or 0) if again else note.frontier
        backlogs[track] = Backlog(track, frontier, note.frontier, note.frontier, note.frontier, note.closed)
    return backlogs
