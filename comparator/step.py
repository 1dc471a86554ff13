"""The comparator's step: reads routes, predictions and shadow-predictions together, and writes comparisons."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from comparator.feeds import FEEDS, topic_of
from comparator.partition import Options, Partition
from comparator.reading import RowReader
from comparator.rows import rows_of
from comparator.slices import SliceNames
from schemas.encodings import RowEncoder, SchemaUnavailable
from understudy.core.log.contract import Output, Position, TopicPartition
from understudy.core.outgoing import outputs
from understudy.core.run import Advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comparator.feeds import Feed
    from schemas.encodings import RowDecoder
    from understudy.core.batches import Batch
    from understudy.core.log.contract import Polled
    from understudy.core.topics import EndpointTopics

MAX_CELLS: Final = 2_000
"""So many groups and slices of one partition are written at once, without waiting for the interval to end."""

OUTAGE_WAIT_S: Final = 1.0
"""How long an unreachable schema registry is left in peace."""

NO_TIME_MS: Final = 0
"""Our topics stamp records on arrival."""

DEFAULT_OPTIONS: Final = Options()


@dataclass(slots=True)
class Served:
    """An owned partition. It is served once its positions in all three topics are known.

    waiting: batches that could not be taken yet; everything that came behind them waits with them. moved: something
    happened since `committed`, the positions of the last commit.
    """

    committed: dict[Feed, Position] = field(default_factory=dict)
    state: Partition | None = None
    waiting: deque[tuple[Feed, Batch]] = field(default_factory=deque)
    moved: bool = False

    def read_again(self, feed: Feed, batches: Sequence[Batch]) -> None:
        """Take a page of the past; one that cannot be decoded now is asked for again."""
        if self.state is None or self.waiting:
            return
        with suppress(SchemaUnavailable):
            self.state.read_again(feed, batches)
            self.moved = True

    def take(self, now_s: float) -> None:
        """Take the waiting batches, as far as they can be decoded."""
        if self.state is None:
            return
        with suppress(SchemaUnavailable):
            while self.waiting:
                self.state.take(*self.waiting[0], now_s)
                self.waiting.popleft()
                self.moved = True
        self.state.settle(now_s)


class ComparatorStep:
    """Counts what every lane was routed and answered, and compares the shadows' answers with production's.

    predictions: decodes the rows of predictions and shadow-predictions. What was counted is written to the
    comparisons topic together with the positions, at most once in `options.interval_s`. While a schema registry that
    is needed does not answer, nothing is read.

    `advance` raises BadNote, and ForeignRow for a record that is not one of our rows.
    """

    def __init__(self, topics: EndpointTopics, predictions: RowDecoder, options: Options = DEFAULT_OPTIONS) -> None:
        self._names: Final = {feed: topic_of(feed, topics) for feed in FEEDS}
        self._feeds: Final = {name: feed for feed, name in self._names.items()}
        self._comparisons: Final = topics.comparisons
        self._options: Final = options
        self._encode: Final = RowEncoder.of("avro", "comparison").encode
        self._reader: Final = RowReader(predictions, SliceNames(options.max_slice_values))
        self._served: Final[dict[int, Served]] = {}
        self._written_s = float("-inf")

    def advance(self, polled: Polled, now_s: float) -> Advance:
        """Take what was polled, count it, and commit what is due."""
        for at in polled.revoked:
            self._served.pop(at.partition, None)
        for at, position in polled.assigned.items():
            self._own(at, position)
        for at, page in polled.reread.items():
            if at.partition in self._served:
                self._served[at.partition].read_again(self._feeds[at.topic], page)
        for at, batches in sorted(polled.batches.items()):
            self._served[at.partition].waiting += [(self._feeds[at.topic], batch) for batch in batches]
        for served in self._served.values():
            served.take(now_s)
        sent, positions = self._due(now_s)
        reread = self._pages()
        return Advance(sent, positions, self._paused(now_s), reread, self._wait_s(now_s, reading=bool(reread)))

    def _own(self, at: TopicPartition, position: Position) -> None:
        """Begin anew where the partition was owned before: its state is stale."""
        served = self._served.setdefault(at.partition, Served())
        if served.state is not None:
            served = self._served[at.partition] = Served()
        served.committed[self._feeds[at.topic]] = position
        if len(served.committed) == len(FEEDS):
            served.state = Partition(served.committed, self._reader, self._options)

    def _due(self, now_s: float) -> tuple[list[Output], dict[TopicPartition, Position]]:
        """What to commit now."""
        is_time = now_s >= self._written_s + self._options.interval_s
        sent: list[Output] = []
        positions: dict[TopicPartition, Position] = {}
        for p, served in self._served.items():
            if served.state is not None and served.moved and (is_time or len(served.state.tally) >= MAX_CELLS):
                sent += self._comparison_rows(p, served.state)
                positions |= self._positions(p, served, served.state)
        if positions:
            self._written_s = now_s
        return sent, positions

    def _comparison_rows(self, partition: int, state: Partition) -> list[Output]:
        values = [self._encode(row) for row in rows_of(partition, state.tally)]
        state.tally.clear()
        at = TopicPartition(self._comparisons, partition)
        return outputs(at, [None] * len(values), values, [NO_TIME_MS] * len(values))

    def _positions(self, partition: int, served: Served, state: Partition) -> dict[TopicPartition, Position]:
        """All three positions, whose notes belong together, or none where nothing has changed."""
        served.moved = False
        positions = state.positions()
        if positions == served.committed:
            return {}
        served.committed = positions
        return {self._at(feed, partition): position for feed, position in positions.items()}

    def _paused(self, now_s: float) -> frozenset[TopicPartition]:
        """Topics that are ahead of the others; everything, where a partition cannot be served now."""
        paused: set[TopicPartition] = set()
        for p, served in self._served.items():
            feeds = FEEDS if served.state is None or served.waiting else served.state.paused(now_s)
            paused.update(self._at(feed, p) for feed in feeds)
        return frozenset(paused)

    def _pages(self) -> dict[TopicPartition, int]:
        """What to read again."""
        pages: dict[TopicPartition, int] = {}
        for p, served in self._served.items():
            if served.state is not None and not served.waiting:
                pages |= {self._at(feed, p): offset for feed, offset in served.state.pages().items()}
        return pages

    def _wait_s(self, now_s: float, *, reading: bool) -> float | None:
        """How long there is nothing to do, unless something comes."""
        if reading:
            return 0.0
        if any(served.waiting for served in self._served.values()):
            return OUTAGE_WAIT_S
        if any(served.moved for served in self._served.values()):
            return max(0.0, self._written_s + self._options.interval_s - now_s)
        return None

    def _at(self, feed: Feed, partition: int) -> TopicPartition:
        return TopicPartition(self._names[feed], partition)
