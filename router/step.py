"""The router's step: adopts the plan, forwards whole batches to its lanes, and writes down what they owe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.adoption import lanes_to_close
from router.gathering import Limits, gather
from router.rows import adopted_row, frame_row
from schemas.encodings import RowEncoder
from understudy.core.frames import end_of, header_batch
from understudy.core.log.contract import MAX_NOTE_BYTES, Output, Position, TopicPartition
from understudy.core.log.errors import LogError
from understudy.core.outgoing import outputs
from understudy.core.run import Advance
from understudy.deployments.plan import InvalidPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.gathering import Frame
    from router.rows import Row
    from understudy.core.batches import Batch
    from understudy.core.log.contract import Polled
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.plan import Lane, Plan

NO_TIME_MS: Final = 0
"""Our topics stamp records on arrival; what follows from no input record needs no time of its own."""

DEFAULT_LIMITS: Final = Limits()


class RouterStep:
    """Routes an endpoint's input under one plan.

    For each lane and frame it appends the frame's header and then the batches to the lane's topic, in the partition
    that they came from, and a row to the routes topic. A partition whose committed note names an earlier plan
    adopts this one first, whether or not data flows. All that it knows of a partition stands in that note, so there
    is no state to rebuild.

    Raises InvalidPlan for a plan that is too long for a note; `advance` raises StalePlan and ConflictingPlan where
    an assigned partition follows a newer plan or another one of the same revision, and LogError for a batch that
    can neither be forwarded as it is nor read.
    """

    def __init__(self, plan: Plan, topics: EndpointTopics, limits: Limits = DEFAULT_LIMITS) -> None:
        self._plan: Final = plan
        self._note: Final = _note_of(plan)
        self._topics: Final = topics
        self._limits: Final = limits
        self._rows: Final = RowEncoder.of("avro", "route")

    def advance(self, polled: Polled, now_s: float) -> Advance:  # noqa: ARG002 - nothing here depends on time
        """Adopt the plan where that is due, and forward what was polled."""
        sent: list[Output] = []
        positions: dict[TopicPartition, Position] = {}
        for at in sorted({*polled.assigned, *polled.batches}):
            shipment = _Shipment(at.partition)
            if at in polled.assigned and self._adopt(shipment, at, polled.assigned[at]):
                positions[at] = Position(polled.assigned[at].offset, self._note)
            if batches := polled.batches.get(at):
                self._forward(shipment, at, batches)
                positions[at] = Position(batches[-1].next_offset, self._note)
            sent += shipment.outputs
            sent += self._route_rows(shipment)
        return Advance(sent, positions)

    def _adopt(self, shipment: _Shipment, at: TopicPartition, position: Position) -> bool:
        closing = lanes_to_close(self._plan, position.note, at)
        if closing is None:
            return False
        end = end_of(revision=self._plan.revision, source_partition=at.partition, base_offset=position.offset)
        shipment.rows.append(adopted_row(self._plan, end))
        for lane in closing:
            shipment.send(self._topic(lane), header_batch(end, NO_TIME_MS))
            shipment.rows.append(frame_row(lane, end))
        return True

    def _forward(self, shipment: _Shipment, at: TopicPartition, batches: Sequence[Batch]) -> None:
        frames = _gathered(at, batches, self._limits)
        for lane in self._plan.lanes():
            topic = self._topic(lane)
            for frame in frames:
                header = frame.header(self._plan.revision, at.partition)
                shipment.send(topic, header_batch(header, frame.timestamp_ms), *frame.batches)
                shipment.rows.append(frame_row(lane, header))

    def _route_rows(self, shipment: _Shipment) -> list[Output]:
        values = [self._rows.encode(row) for row in shipment.rows]
        times_ms = [NO_TIME_MS] * len(values)
        return outputs(TopicPartition(self._topics.routes, shipment.partition), [None] * len(values), values, times_ms)

    def _topic(self, lane: Lane) -> str:
        named = self._topics.requests if lane.role == "answering" else self._topics.shadow_requests
        return named(lane.version)


@dataclass(frozen=True, slots=True)
class _Shipment:
    """What one partition's transaction carries."""

    partition: int
    outputs: list[Output] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def send(self, topic: str, *batches: Batch) -> None:
        self.outputs.extend(Output(topic, self.partition, batch) for batch in batches)


def _note_of(plan: Plan) -> str:
    note = plan.to_note()
    if len(note.encode()) > MAX_NOTE_BYTES:
        raise InvalidPlan(
            f"the plan has {len(plan.shadows)} shadows, more than fit into the {MAX_NOTE_BYTES:,} bytes that are "
            "committed with a position; take some out"
        )
    return note


def _gathered(at: TopicPartition, batches: Sequence[Batch], limits: Limits) -> list[Frame]:
    try:
        return gather(batches, limits)
    except LogError as error:
        raise type(error)(
            f"{at}, offsets {batches[0].base_offset} to {batches[-1].last_offset}: a batch can neither be forwarded "
            f"as it is nor read: {error}. Nothing after it is routed, so that nothing is lost; to go on without it, "
            "set the router's position behind it"
        ) from error
