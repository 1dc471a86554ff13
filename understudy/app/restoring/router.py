"""Where routers stopped: behind the last record that routes tell of, under the plan that they were following then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from router.adoption import Followed
from schemas.encodings import RowDecoder
from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.found import Found, Gap, gaps
from understudy.core.log.contract import Position, TopicPartition
from understudy.core.log.reading import read_to_end
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.deployments.plan import Plan
    from understudy.deployments.reading import History

CLOCKS_APART_MS: Final = 60_000
"""By how much a producer's clock may be ahead of the brokers'."""


@dataclass(slots=True)
class Routed:
    """What the routes of one partition say.

    offset: of the input, behind the last record that they tell of. time_ms: when the last row was written.
    """

    offset: int = 0
    time_ms: int = 0
    revision: int = 0
    excluded: set[Lane] = field(default_factory=set)

    def take(self, row: Mapping[str, Any]) -> None:
        """Take the next row."""
        self.offset = max(self.offset, row["base_offset"] + row["span"])
        self.revision = max(self.revision, row["revision"])
        lane = Lane(row["version"], row["role"])
        if row["kind"] == "excluded":
            self.excluded.add(lane)
        elif row["kind"] != "adopted":
            self.excluded.discard(lane)


def router_positions(log: Log, settings: Settings) -> list[Found]:
    """The lost positions of the router's group. Partitions of which nothing was routed yet are left to `topics`.

    An input that was made again has records in place of routed ones. It shows where it has fewer, which is refused, or
    where some are younger than the routes; else it looks like the old one. Raises CannotRestore where routes are gone,
    too; UnknownTopic, LogUnavailable.
    """
    names = settings.names
    with log.admin() as admin:
        lost = gaps(admin, names.router_group, [names.input])
        ends = admin.end_offsets([TopicPartition(names.routes, gap.at.partition) for gap in lost])
    routed = read_routes(log, names.routes) if lost else {}
    plans = plans_of(DeploymentsLog(log, names, "positions").read())
    written = {at.partition for at, end in ends.items() if end}
    with log.admin() as admin:
        return [_found(admin, gap, routed.get(gap.at.partition), plans) for gap in lost if gap.at.partition in written]


def read_routes(log: Log, topic: str) -> dict[int, Routed]:
    """What the routes say, by partition."""
    decode = RowDecoder.of("avro", "route").decode
    routed: dict[int, Routed] = {}
    for at, batch in read_to_end(log, topic):
        for value in batch.columns.values:
            routed.setdefault(at.partition, Routed()).take(decode(value))
        if at.partition in routed:
            routed[at.partition].time_ms = batch.max_timestamp_ms
    return routed


def plans_of(history: History) -> dict[int, Plan]:
    """Every plan that was ever in force, by its revision."""
    events: Iterable[Any] = (entry.event for entry in history.entries if entry.event is not None and not entry.refusal)
    return {event.plan.revision: event.plan for event in events if event.plan is not None}


def _known(gap: Gap, routed: Routed | None) -> Routed:
    """What the routes say. Raises CannotRestore where that is nothing, or is not of this input."""
    if routed is None:
        raise CannotRestore(
            f"The routes of partition {gap.at.partition} are gone, too, so nobody knows how far {gap.at} was routed. "
            "Look at the last source_offset in the predictions of that partition, and set the position of the router's "
            "group behind it, with Kafka's kafka-consumer-groups for instance."
        )
    if routed.offset > gap.end:
        raise CannotRestore(
            f"{gap.at} ends at offset {gap.end}, and was routed up to {routed.offset}: the input was deleted and made "
            "again, or lost its end. Other records have those offsets now, and partition and offset are what names a "
            "record in all that was answered. Go on under another endpoint name, with this topic as its [input] topic."
        )
    return routed


def _younger(admin: Admin, gap: Gap, routed: Routed) -> str:
    """What there is to say where records that were routed are younger than their routes; else ""."""
    younger = admin.offsets_at([gap.at], routed.time_ms + CLOCKS_APART_MS)[gap.at]
    if younger >= routed.offset:
        return ""
    return (
        f"offset {younger} is younger than the routes, which tell of all below {routed.offset}: where the input was "
        "made again, those records were never routed, and it needs another endpoint name"
    )


def _found(admin: Admin, gap: Gap, known: Routed | None, plans: Mapping[int, Plan]) -> Found:
    routed = _known(gap, known)
    plan = plans.get(routed.revision)
    if plan is None:
        raise CannotRestore(
            f"{gap.at} was routed under revision {routed.revision} of a plan, which the deployments do not know: their "
            "topic is not the one that these routes belong to. Restore it, or name the right endpoint."
        )
    note = Followed(plan).excluding(routed.excluded).to_note()
    deleted = f"offsets {routed.offset} to {gap.first - 1} were deleted before they were routed"
    return Found(
        gap.at,
        Position(max(routed.offset, gap.first), note),
        f"routes, revision {routed.revision}",
        deleted if routed.offset < gap.first else _younger(admin, gap, routed),
    )
