"""A worker's step, and a hand that polls a pile for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.lanes import TOPICS, VERSION, Doubling, decoder, encoders, row_of
from support.pile import Pile

from understudy.core.log.contract import Polled, Position
from workers.answering import Answering
from workers.events import EventFields
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from schemas.encodings import InputDecoder
    from understudy.core.log.contract import Output, TopicPartition
    from understudy.core.run import Advance
    from understudy.models.scoring import Scorer

SMALL = Pace(micro_batch_records=10, advance_records=40)


def worker(
    scorer: Scorer | None = None,
    *,
    pace: Pace = SMALL,
    reader: InputDecoder | None = None,
    cautious: Scorer | None = None,
    answered_by: str | None = None,
) -> WorkerStep:
    fields = EventFields(event_id="id", slices=("origin",))
    answering = Answering(reader or decoder(), scorer or Doubling(), fields, cautious=cautious)
    return WorkerStep(VERSION, TOPICS, answering, encoders(), pace=pace, answered_by=answered_by)


class Driver:
    """Polls a pile for a step by hand: whole partitions at once, each batch once, and commits what comes back."""

    def __init__(self, pile: Pile, step: WorkerStep, *lanes: TopicPartition) -> None:
        self.pile = pile
        self.out = Pile()
        self.committed = dict.fromkeys(lanes, Position(0))
        self.assign(step)

    def assign(self, step: WorkerStep) -> None:
        """Begin again from the committed positions, as after a restart or a lost commit."""
        self.step = step
        self._new = True
        self._read = {at: position.offset for at, position in self.committed.items()}

    def advance(self, now_s: float = 0.0, *, lost: bool = False, paused: Collection[TopicPartition] = ()) -> Advance:
        batches = {}
        for at, offset in self._read.items():
            found = [] if at in paused else self.pile.batches(at.topic, at.partition, offset)
            if found:
                batches[at] = found
                self._read[at] = found[-1].next_offset
        advance = self.step.advance(Polled(batches, self.committed if self._new else {}), now_s)
        self._new = False
        if not lost:
            self.out.commit(advance.outputs)
            self.committed.update(advance.positions)
        return advance

    def rows(self, topic: str = TOPICS.predictions, partition: int = 3) -> list[dict[str, Any]]:
        return [row_of(record.value) for record in self.out.records(topic, partition)]

    def sources(self, topic: str = TOPICS.predictions, partition: int = 3) -> list[int]:
        return [row["source_offset"] for row in self.rows(topic, partition)]


def piled(*transactions: Sequence[Output]) -> Pile:
    pile = Pile()
    for outputs in transactions:
        pile.commit(outputs)
    return pile
