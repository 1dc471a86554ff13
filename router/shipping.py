"""What one input partition's transaction carries: frames, ENDs, and the route rows that account for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.rows import adopted_row, excluded_row, frame_row
from understudy.core.frames import end_of, frame_of, header_batch
from understudy.core.log.contract import Output, TopicPartition
from understudy.core.outgoing import outputs
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from router.adoption import Followed
    from router.rows import Row
    from router.splitting import Portions
    from schemas.encodings import RowEncoder
    from understudy.core.batches import Batch
    from understudy.core.frames import FrameHeader
    from understudy.deployments.plan import Lane, Plan

NO_TIME_MS: Final = 0
"""Our topics stamp records on arrival; what follows from no input record needs no time of its own."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """Filled by the methods, in the order of the input. topic_of: where a lane's frames go."""

    partition: int
    topic_of: Callable[[Lane], str]
    _outputs: list[Output] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)

    def adopt(
        self, followed: Followed, earlier: Followed | None, from_offset: int, unwritable: Collection[Lane]
    ) -> None:
        """The plan holds from this offset on: lanes of the earlier one that it does not go on with are closed.

        A lane that is excluded or unwritable is sent no END: one that cannot be written must not be in the way.
        """
        plan = followed.plan
        self._rows.append(adopted_row(plan, self._end(plan, from_offset)))
        if earlier is None:
            return
        silent = {*earlier.excluded, *unwritable}
        closing = plan.lanes_closed_after(earlier.plan)
        for assignment in earlier.plan.assignments():
            if assignment.lane in closing:
                end = self._end(plan, from_offset, assignment.share_ppm)
                if assignment.lane not in silent:
                    self._send(assignment.lane, header_batch(end, NO_TIME_MS))
                self._rows.append(frame_row(assignment, end))

    def forward(self, followed: Followed, portions: Portions) -> None:
        """Each lane's frames; and what excluded lanes should have had."""
        revision = followed.plan.revision
        for assignment in followed.assignments():
            for frame in portions.frames(assignment.buckets):
                header = frame_of(
                    frame.offsets,
                    revision=revision,
                    source_partition=self.partition,
                    share_ppm=assignment.share_ppm,
                )
                self._send(assignment.lane, header_batch(header, frame.timestamp_ms), *frame.batches)
                self._rows.append(frame_row(assignment, header))
        for assignment in followed.withheld():
            for offsets in portions.offsets(assignment.buckets):
                missed = frame_of(offsets, revision=revision, source_partition=self.partition)
                self._rows.append(excluded_row(assignment, missed))

    def outputs(self, routes: TopicPartition, encoder: RowEncoder) -> list[Output]:
        """All that is to be sent, the rows last, to their partition of the routes topic."""
        values = [encoder.encode(row) for row in self._rows]
        nothing: Sequence[bytes | None] = [None] * len(values)
        return [*self._outputs, *outputs(routes, nothing, values, [NO_TIME_MS] * len(values))]

    def _end(self, plan: Plan, from_offset: int, share_ppm: int = BUCKETS) -> FrameHeader:
        return end_of(
            revision=plan.revision, source_partition=self.partition, base_offset=from_offset, share_ppm=share_ppm
        )

    def _send(self, lane: Lane, *batches: Batch) -> None:
        topic = self.topic_of(lane)
        self._outputs.extend(Output(topic, self.partition, batch) for batch in batches)
