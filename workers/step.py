"""The worker's step: answers both lanes of one model version, the answering lane first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.encodings import SchemaUnavailable
from understudy.core.run import Advance
from workers.dead_letters import DeadLetters
from workers.lanes import LanePartition
from workers.rows import PredictionRows
from workers.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.encodings import PredictionEncoder
    from understudy.core.log.contract import Polled, TopicPartition
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.plan import Role
    from workers.answering import Answering
    from workers.lanes import Part

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Outage:
    """Schemas cannot be had: why, when to try again (by the step's clock), and how long the wait is."""

    reason: str
    until_s: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a worker takes on at a time.

    micro_batch_records: what the model is asked about in one call, at most. advance_records, advance_model_s: one
    transaction takes further micro-batches until it has about that many records, or the model has taken that long,
    so that a slow model does not hold back what is answered already.
    """

    micro_batch_records: int = 1_000
    advance_records: int = 10_000
    advance_model_s: float = 0.25


DEFAULT_PACE: Final = Pace()


class WorkerStep:
    """Answers the records of one version's lanes: each gets a row, and one without an answer a dead letter too.

    Polled records wait here until their micro-batch's turn; positions move only over what was answered. The
    answering lane goes first, over all partitions: the shadow lane is paused while the answering lane has more than
    one micro-batch, and beside less than that it gets one micro-batch at a time, so that a steady trickle of requests
    neither waits for it nor starves it. While schemas cannot be had everything waits, and nothing is lost.

    The records of one transaction at each partition's committed position are suspect: an earlier instance that was
    killed had these in its hands. `Answering` may score them with more care.

    version: `name:version`. encoders: one for the rows of each lane. answered_by: the version that answers in the
    place of this one, which was withdrawn; of the shadow lane it is then said only what nobody answers. `advance`
    raises LogError for a lane that cannot be read (FrameError, MissingCodec) or a position whose note is not a
    worker's.
    """

    def __init__(
        self,
        version: str,
        topics: EndpointTopics,
        answering: Answering,
        encoders: Mapping[Role, PredictionEncoder],
        *,
        pace: Pace = DEFAULT_PACE,
        answered_by: str | None = None,
    ) -> None:
        self._topics: Final = topics
        self._roles: Final[Mapping[str, Role]] = {
            topics.requests(version): "answering",
            topics.shadow_requests(version): "shadow",
        }
        self._answering: Final = answering
        self._rows: Final = PredictionRows(version, encoders, answered_by=answered_by)
        self._dead_letters: Final = DeadLetters(answered_by or version)
        self._is_withdrawn: Final = answered_by is not None
        self._pace: Final = pace
        self._lanes: Final[dict[TopicPartition, LanePartition]] = {}
        self._outage: Outage | None = None

    @property
    def waits_for(self) -> str:
        """Why the step cannot go on; "" while it can."""
        return "" if self._outage is None else self._outage.reason

    def advance(self, polled: Polled, now_s: float) -> Advance:
        """Take in what was polled, and answer what waits, as much as one transaction should carry."""
        self._own(polled)
        arrived = self._feed(polled)
        sending = Sending(self._topics, self._rows, self._dead_letters)
        if self._outage is None or now_s >= self._outage.until_s:
            self._outage = self._work(sending, now_s)
        positions = {lane.at: moved for lane in self._lanes.values() if (moved := lane.moved()) is not None}
        backlog = self._waiting("answering") > 0 or arrived >= self._pace.micro_batch_records
        return Advance(
            sending.outputs(), positions, self._paused(backlog=backlog), wake_s=self._wake_s(now_s, backlog=backlog)
        )

    def _own(self, polled: Polled) -> None:
        for at in polled.revoked:
            self._lanes.pop(at, None)
        for at, committed in polled.assigned.items():
            self._lanes[at] = LanePartition(at, self._roles[at.topic], committed)

    def _feed(self, polled: Polled) -> int:
        """Queue what came; how many records of it are the answering lane's."""
        before = self._waiting("answering")
        for at, batches in polled.batches.items():
            self._lanes[at].feed(batches)
        return self._waiting("answering") - before

    def _work(self, sending: Sending, now_s: float) -> Outage | None:
        try:
            answered = self._work_off("answering", sending, self._pace.advance_records)
            if self._is_withdrawn:
                self._withdraw("shadow", sending)
            elif not self._waiting("answering"):
                limit = self._pace.micro_batch_records if answered else self._pace.advance_records
                self._work_off("shadow", sending, limit)
        except SchemaUnavailable as error:
            wait_s = FIRST_WAIT_S if self._outage is None else min(2 * self._outage.wait_s, LONGEST_WAIT_S)
            return Outage(str(error), now_s + wait_s, wait_s)
        return None

    def _work_off(self, role: Role, sending: Sending, limit: int) -> int:
        """Answer up to `limit` records of a lane, micro-batch by micro-batch; how many it were."""
        answered = model_ns = 0
        while answered < limit and model_ns < self._pace.advance_model_s * 1e9:
            taken = self._micro_batch(role, min(limit - answered, self._pace.micro_batch_records))
            if not taken:
                break
            suspect = any(lane.passed < self._pace.advance_records for lane, _ in taken)
            outcomes = self._answering.answer([part for _, part in taken], suspect=suspect)
            for lane, part in taken:
                lane.drop(len(part.columns))
            for each in outcomes:
                sending.add(each)
                answered += len(each.results)
                model_ns += each.model_time_ns * len(each.results)
        return answered

    def _withdraw(self, role: Role, sending: Sending) -> None:
        """Say of what waits in a lane that nobody answers it."""
        for lane, part in self._micro_batch(role, self._pace.advance_records):
            sending.withdraw(part)
            lane.drop(len(part.columns))

    def _micro_batch(self, role: Role, limit: int) -> list[tuple[LanePartition, Part]]:
        """Up to `limit` records of a lane, from the partitions in turn."""
        taken: list[tuple[LanePartition, Part]] = []
        for lane in [lane for lane in self._lanes.values() if lane.role == role and len(lane)]:
            parts = lane.peek(limit)
            taken += [(lane, part) for part in parts]
            limit -= sum(len(part.columns) for part in parts)
            self._lanes[lane.at] = self._lanes.pop(lane.at)
            if not limit:
                break
        return taken

    def _waiting(self, role: Role) -> int:
        return sum(len(lane) for lane in self._lanes.values() if lane.role == role)

    def _paused(self, *, backlog: bool) -> frozenset[TopicPartition]:
        """Everything during an outage; partitions that have enough waiting; the shadow lane beside a backlog."""
        enough = self._pace.micro_batch_records
        return frozenset(
            lane.at
            for lane in self._lanes.values()
            if self._outage is not None or len(lane) >= enough or (backlog and lane.role == "shadow")
        )

    def _wake_s(self, now_s: float, *, backlog: bool) -> float | None:
        if self._outage is not None:
            return max(0.0, self._outage.until_s - now_s)
        return 0.0 if backlog or self._waiting("shadow") else None
