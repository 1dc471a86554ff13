"""An endpoint's three topics as lists of batches, and a session on them that loses commits and dies on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from comparator.step import ComparatorStep
from schemas.encodings import RowDecoder, RowEncoder
from understudy.core.batches import Batch, build_columns, parse, relocate
from understudy.core.frames import bitmap_of
from understudy.core.log.contract import MAX_NOTE_BYTES, Polled, Position, TopicPartition
from understudy.core.run import Advance
from understudy.core.topics import EndpointTopics
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comparator.partition import Options, Partition
    from schemas.encodings import RowEncoding
    from understudy.deployments.plan import Part, Role

TOPICS = EndpointTopics("delay")
NAMES = (TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions)
PRODUCTION = Lane("m:production", "answering")
ROUTES = RowEncoder.of("avro", "route")
COMPARISONS = RowDecoder.of("avro", "comparison")
DAY_MS = 86_400_000


def shadow(name: str) -> Lane:
    return Lane(f"m:{name}", "shadow")


def route(
    lane: Lane, offsets: Sequence[int], *, revision: int = 1, kind: str = "frame", part: Part | None = None
) -> dict[str, Any]:
    """A route row of some source offsets. part: None as in rows of the first version of the schema."""
    base, span = offsets[0], offsets[-1] + 1 - offsets[0]
    whole = len(offsets) == span
    return {
        "kind": kind,
        "role": lane.role,
        "version": lane.version,
        "revision": revision,
        "source_partition": 0,
        "base_offset": base,
        "span": 0 if kind == "end" else span,
        "count": 0 if kind == "end" else len(offsets),
        "share_ppm": 1_000_000,
        "bitmap": None if whole else bitmap_of(offsets, base),
        "part": part,
    }


def answer(lane: Lane, source_offset: int, **fields: Any) -> dict[str, Any]:
    """A row of predictions or shadow-predictions; by default an answer with the label 0."""
    row = {
        "outcome": "answered",
        "lane": lane.role,
        "routed_version": lane.version,
        "answered_version": lane.version,
        "revision": 1,
        "share_ppm": 1_000_000,
        "source_partition": 0,
        "model_time_ns": 1_000,
        "source_offset": source_offset,
        "event_time": source_offset * 1_000,
        "event_id": f"e{source_offset}",
        "label": None if fields.get("outcome", "answered") != "answered" or "number" in fields else 0,
    }
    return row | fields


def failure(lane: Lane, source_offset: int) -> dict[str, Any]:
    return answer(lane, source_offset, outcome="failed", error_kind="model_raised", error="no")


def withdrawn(lane: Lane, source_offset: int, span: int) -> dict[str, Any]:
    return answer(lane, source_offset, outcome="withdrawn", span=span, model_time_ns=0)


@dataclass
class Topic:
    """Batches, of which only the first few are visible yet."""

    batches: list[Batch] = field(default_factory=list)
    visible: int = 0
    start: int = 0
    end: int = 0

    def append(self, values: Sequence[bytes], *, stored_ms: int | None = None) -> None:
        """A transaction's batch and its marker. stored_ms: the broker's time."""
        batch = build_columns([None] * len(values), values, [0] * len(values), base_offset=self.end)
        if stored_ms is not None:
            batch = stored_at(batch, stored_ms)
        self.batches.append(batch)
        self.end = batch.next_offset + 1

    def between(self, offset: int, until: int | None, most: int) -> list[Batch]:
        """Up to so many visible batches from an offset on."""
        found = [batch for batch in self.batches[: self.visible] if batch.next_offset > max(offset, self.start)]
        if until is not None:
            found = [batch for batch in found if batch.base_offset < until]
        return [parse(batch.data, 0, offset) for batch in found[:most]]


def stored_at(batch: Batch, time_ms: int) -> Batch:
    """The batch as a broker that stamps records on arrival has it."""
    return relocate(batch, batch.base_offset, append_time_ms=time_ms)


@dataclass
class World:
    """One partition of an endpoint, and a comparator on it."""

    options: Options
    encoding: RowEncoding = "avro"
    decoder: RowDecoder | None = None
    topics: dict[str, Topic] = field(default_factory=lambda: {name: Topic() for name in NAMES})
    committed: dict[str, Position] = field(default_factory=lambda: dict.fromkeys(NAMES, Position(0)))
    rows: list[dict[str, Any]] = field(default_factory=list)
    now_s: float = 0.0
    rereads: int = 0
    _next: dict[str, int] = field(default_factory=dict)
    _step: ComparatorStep | None = None
    _assigned: bool = False
    _advance: Advance = field(default_factory=Advance)

    # What the other roles write

    def routes(self, *rows: dict[str, Any], stored_ms: int | None = None) -> None:
        """One router's transaction."""
        self.topics[TOPICS.routes].append([ROUTES.encode(row) for row in rows], stored_ms=stored_ms)

    def answers(self, *rows: dict[str, Any], stored_ms: int | None = None) -> None:
        """One worker's transaction, in the topic of the lane's role."""
        role: Role = rows[0]["lane"]
        name = TOPICS.predictions if role == "answering" else TOPICS.shadow_predictions
        encode = RowEncoder.of(self.encoding, "prediction").encode
        self.topics[name].append([encode(row) for row in rows], stored_ms=stored_ms)

    def show(self, *names: str) -> None:
        """Make all that was written visible, in these topics or in all."""
        for name in names or NAMES:
            self.topics[name].visible = len(self.topics[name].batches)

    @property
    def state(self) -> Partition:
        """What the comparator has in memory."""
        assert self._step is not None
        state = self._step._served[0].state
        assert state is not None
        return state

    # The comparator's life

    def restart(self) -> None:
        """As after kill -9: nothing is left but what was committed."""
        decoder = self.decoder or RowDecoder.of(self.encoding, "prediction")
        self._step = ComparatorStep(TOPICS, decoder, self.options)
        self._assigned = False
        self._advance = Advance()

    def poll(
        self, *, most: int = 10, lost: bool = False, read: Sequence[str] = NAMES, passed_s: float = 1.0
    ) -> Advance:
        """One turn of the run loop. most: batches per topic. lost: the commit is."""
        if self._step is None:
            self.restart()
        assert self._step is not None
        self.now_s += passed_s
        polled = self._polled(most, read)
        self._advance = self._step.advance(polled, self.now_s)
        if self._advance.positions or self._advance.outputs:
            self._commit(self._advance, lost=lost)
        return self._advance

    def _polled(self, most: int, read: Sequence[str]) -> Polled:
        assigned: dict[TopicPartition, Position] = {}
        if not self._assigned:
            self._assigned = True
            assigned = {TopicPartition(name, 0): position for name, position in self.committed.items()}
            self._next = {name: position.offset for name, position in self.committed.items()}
        again = {at: self._page(at.topic, offset, most) for at, offset in self._advance.reread.items()}
        self.rereads += len(again)
        batches = {}
        for name in read:
            at = TopicPartition(name, 0)
            found = [] if at in self._advance.paused else self.topics[name].between(self._next[name], None, most)
            if found:
                batches[at] = found
                self._next[name] = found[-1].next_offset
        return Polled(batches, assigned, frozenset(), again)

    def _page(self, name: str, offset: int, most: int) -> list[Batch]:
        assert offset < self._next[name], "only what lies behind the position is read again"
        return self.topics[name].between(offset, self._next[name], most)

    def _commit(self, advance: Advance, *, lost: bool) -> None:
        names = {at.topic for at in advance.positions}
        assert names == set(NAMES), "the three notes belong together"
        for position in advance.positions.values():
            assert len(position.note.encode()) <= MAX_NOTE_BYTES
        if lost:
            self._assigned = False
            self._advance = Advance()
            return
        for at, position in advance.positions.items():
            self.committed[at.topic] = position
        for output in advance.outputs:
            assert output.topic == TOPICS.comparisons
            self.rows += [COMPARISONS.decode(value) for value in output.batch.columns.values]

    def run(self, *, most: int = 10, turns: int = 5_000) -> None:
        """Everything becomes visible and is taken, until nothing moves any more."""
        self.show()
        quiet = 0
        for _ in range(turns):
            before = dict(self.committed)
            advance = self.poll(most=most)
            quiet = quiet + 1 if self.committed == before and not advance.reread else 0
            if quiet > 5:
                return
        raise AssertionError("the comparator does not come to rest")

    def expire(self, name: str, offset: int) -> None:
        """Retention removes what lies below."""
        self.topics[name].start = offset


def counts_of(rows: Sequence[Mapping[str, Any]], lane: Lane) -> dict[str, int]:
    """All counts of a lane, of the ledger and of pairs, over all blocks."""
    counts: dict[str, int] = {}
    for row in rows:
        if (row["version"], row["role"]) == (lane.version, lane.role) and row["slice"] is None:
            for kind, count in row["counts"].items():
                counts[kind] = counts.get(kind, 0) + count
    return counts
