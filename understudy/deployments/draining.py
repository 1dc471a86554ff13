"""When a version that left the plan owes nothing any more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.core.log.contract import Position, TopicPartition
    from understudy.deployments.fold import Standing


def drained(
    standing: Standing,
    router_positions: Mapping[TopicPartition, Position],
    worker_positions: Mapping[TopicPartition, Position],
    lane_starts: Mapping[TopicPartition, int],
    lane_ends: Mapping[TopicPartition, int],
) -> bool:
    """Whether all that the version was ever routed is accounted for, so that nothing of it has to run.

    router_positions: of the router's group, in the input. lane_starts, lane_ends: of both lanes, in all partitions.
    worker_positions: of the version's group. The router's are looked up before the ends: a router that has adopted a
    plan writes nothing more to the lanes that the plan does not have, so the ends that are read afterwards are final.
    A group that nobody is in for a week loses its positions; a partition that retention has emptied owes nothing
    without one. Raises InvalidPlan for a note that is not a router's.
    """
    if standing.is_in_plan or standing.stage == "prepared":
        return False
    adopted = {at.partition: _revision(position) for at, position in router_positions.items()}
    return all(
        adopted.get(at.partition, 0) >= standing.since_revision
        and (lane_starts[at] if at not in worker_positions else worker_positions[at].offset) >= end
        for at, end in lane_ends.items()
    )


def _revision(position: Position) -> int:
    return Plan.from_note(position.note).revision if position.note else 0
