"""The router's step: adopts plans, gives lanes their share of the input, and writes down what they owe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.adoption import Followed, stance
from router.exclusions import Exclusions
from router.gathering import Limits, gather
from router.shipping import Shipment
from router.splitting import Portions
from schemas.encodings import RowEncoder
from understudy.core.log.contract import Position, TopicPartition
from understudy.core.log.errors import LogError
from understudy.core.run import Advance
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Output, Polled
    from understudy.core.log.errors import OutputRefused
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.plan import Plan

DEFAULT_LIMITS: Final = Limits()

LOOK_S: Final = 0.1
"""For how long a new plan may go unnoticed while nothing else happens."""


def unheard(*_: object) -> None:
    """The callback of a step to which nobody listens."""


@dataclass(slots=True)
class _Owned:
    """An input partition. offset: of what is to be routed next. held: what was polled and is not routed yet."""

    offset: int
    followed: Followed | None
    held: list[Batch] = field(default_factory=list)


class RouterStep:
    """Routes an endpoint's input under the plan that is in force.

    For each lane and frame it appends the frame's header and then the frame's batches to the lane's topic, in the
    partition that they came from, and a row to the routes topic. Batches go as they are where a lane has all records,
    and are split by the records' keys where it has a share.

    plans: the newest plan that is known here, looked at in every advance; None while there is none. Every owned
    partition adopts it at once, whether or not data flows. One that follows a newer plan already waits until that is
    known here, too. on_waiting: told what is waited for whenever that changes; "" for nothing. on_excluded: told once
    of each lane and partition that is left out because the lane cannot be written, and why.

    What a partition's next owner has to know is in the note committed with the position: the plan, and its excluded
    lanes. `advance` raises ConflictingPlan where a partition follows another plan of the same revision, InvalidPlan for
    a plan that is too long for a note, and LogError for a batch that can neither be forwarded as it is nor read.
    """

    def __init__(
        self,
        plans: Callable[[], Plan | None],
        topics: EndpointTopics,
        limits: Limits = DEFAULT_LIMITS,
        *,
        on_excluded: Callable[[Lane, int, str], None] = unheard,
        on_waiting: Callable[[str], None] = unheard,
    ) -> None:
        self._plans: Final = plans
        self._topics: Final = topics
        self._limits: Final = limits
        self._on_waiting: Final = on_waiting
        self._rows: Final = RowEncoder.of("avro", "route")
        self._exclusions: Final = Exclusions(on_excluded)
        self._lanes: Final[dict[str, Lane]] = {}
        self._owned: Final[dict[TopicPartition, _Owned]] = {}
        self._plan: Plan | None = None
        self._awaited = ""

    def advance(self, polled: Polled, now_s: float) -> Advance:  # noqa: ARG002 - nothing here depends on time
        """Adopt the plan where that is due, and forward what was polled."""
        self._take(polled)
        self._look()
        waiting = {at for at, owned in self._owned.items() if stance(owned.followed, self._plan, at) == "waits"}
        self._say_waiting(waiting)
        sent: list[Output] = []
        positions: dict[TopicPartition, Position] = {}
        if self._plan is not None:
            for at in sorted(self._owned.keys() - waiting):
                sent += self._route(self._plan, at, positions)
        return Advance(sent, positions, frozenset(waiting), wake_s=LOOK_S)

    def refuse(self, error: OutputRefused) -> bool:
        """Whether routing goes on without the lane whose topic refused a commit: any but production's own.

        All owned partitions are then expected to be assigned again, as after every commit that was lost.
        """
        lane = self._lanes.get(error.topic)
        if lane is None or self._plan is None or lane == Lane(self._plan.production, "answering"):
            return False
        self._exclusions.add(lane, str(error))
        self._owned.clear()
        return True

    def _take(self, polled: Polled) -> None:
        for at in polled.revoked:
            self._owned.pop(at, None)
        for at, position in polled.assigned.items():
            self._owned[at] = _Owned(position.offset, Followed.of_note(position.note))
        for at, batches in polled.batches.items():
            self._owned[at].held += batches

    def _look(self) -> None:
        """Take notice of a new plan."""
        plan = self._plans()
        if plan is not None and plan != self._plan:
            plan.check_fits_note()
            self._exclusions.follow(plan)
        self._plan = plan

    def _say_waiting(self, waiting: Collection[TopicPartition]) -> None:
        followed = [self._owned[at].followed for at in waiting]
        ahead = [each.plan.revision for each in followed if each is not None]
        awaited = f"revision {max(ahead)} of the plan" if ahead else "the first plan" if waiting else ""
        if awaited != self._awaited:
            self._awaited = awaited
            self._on_waiting(awaited)

    def _route(self, plan: Plan, at: TopicPartition, positions: dict[TopicPartition, Position]) -> list[Output]:
        """What one partition sends; its position, where that or its note changes."""
        owned = self._owned[at]
        shipment = Shipment(at.partition, self._topic)
        followed = self._adopt(plan, owned, shipment)
        if followed == owned.followed and not owned.held:
            return []
        if owned.held:
            _forward(at, owned.held, followed, self._limits, shipment)
            owned.offset = owned.held[-1].next_offset
        owned.followed, owned.held = followed, []
        positions[at] = Position(owned.offset, followed.to_note())
        return shipment.outputs(TopicPartition(self._topics.routes, at.partition), self._rows)

    def _adopt(self, plan: Plan, owned: _Owned, shipment: Shipment) -> Followed:
        """What the partition follows from now on."""
        earlier, unwritable = owned.followed, self._exclusions.lanes
        if earlier is not None and earlier.plan.revision == plan.revision:
            followed = earlier.excluding(unwritable)
        else:
            followed = (Followed(plan) if earlier is None else earlier.adopting(plan)).excluding(unwritable)
            shipment.adopt(followed, earlier, owned.offset, unwritable)
        self._exclusions.report(followed, shipment.partition)
        return followed

    def _topic(self, lane: Lane) -> str:
        named = self._topics.requests if lane.role == "answering" else self._topics.shadow_requests
        topic = named(lane.version)
        self._lanes[topic] = lane
        return topic


def _forward(at: TopicPartition, batches: list[Batch], followed: Followed, limits: Limits, shipment: Shipment) -> None:
    try:
        frames = gather(batches, limits)
        shipment.forward(followed, Portions(frames, followed.plan.salt, at.partition, limits))
    except LogError as error:
        raise type(error)(
            f"{at}, offsets {batches[0].base_offset} to {batches[-1].last_offset}: a batch can neither be forwarded "
            f"as it is nor read: {error}. Nothing after it is routed, so that nothing is lost; to go on without it, "
            "set the router's position behind it"
        ) from error
