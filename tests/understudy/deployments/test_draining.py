from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.core.log.contract import Position, TopicPartition
from understudy.deployments.draining import drained
from understudy.deployments.fold import Standing
from understudy.deployments.plan import InvalidPlan, Plan

if TYPE_CHECKING:
    from understudy.deployments.lifecycle import Stage

RETIRED = Standing("retired", "a", since_revision=3)
ENDS = {TopicPartition(lane, p): 100 + p for lane in ("requests", "shadow-requests") for p in (0, 1)}
STARTS = dict.fromkeys(ENDS, 0)


def router(*revisions: int) -> dict[TopicPartition, Position]:
    return {
        TopicPartition("input", p): Position(7, Plan.basic(revision, "delay:v1").to_note() if revision else "")
        for p, revision in enumerate(revisions)
    }


def workers(*, behind: int = 0) -> dict[TopicPartition, Position]:
    return {at: Position(end - behind * at.partition) for at, end in ENDS.items()}


@pytest.mark.parametrize("stage", ["retired", "withdrawn"])
def test_a_version_is_drained_when_all_routers_left_it_and_its_group_is_at_the_ends(stage: Stage) -> None:
    assert drained(Standing(stage, "a", since_revision=3), router(3, 4), workers(), STARTS, ENDS)


def test_a_router_that_follows_an_earlier_plan_may_still_write() -> None:
    assert not drained(RETIRED, router(3, 2), workers(), STARTS, ENDS)


def test_a_partition_that_no_router_has_begun_may_still_be_written_to() -> None:
    assert not drained(RETIRED, router(3), workers(), STARTS, ENDS)
    assert not drained(RETIRED, router(3, 0), workers(), STARTS, ENDS)


def test_one_record_that_is_left_is_owed() -> None:
    assert not drained(RETIRED, router(3, 3), workers(behind=1), STARTS, ENDS)


def test_a_group_without_positions_owes_what_the_lanes_hold() -> None:
    assert not drained(RETIRED, router(3, 3), {}, STARTS, ENDS)
    assert drained(RETIRED, router(3, 3), {}, STARTS, dict.fromkeys(ENDS, 0))


def test_what_retention_emptied_is_not_owed_by_a_group_whose_positions_have_expired() -> None:
    assert drained(RETIRED, router(3, 3), {}, ENDS, ENDS)
    assert not drained(RETIRED, router(3, 3), {}, {at: end - at.partition for at, end in ENDS.items()}, ENDS)
    assert not drained(RETIRED, router(3, 3), workers(behind=1), ENDS, ENDS)


def test_a_preparation_that_was_taken_back_before_any_plan_owes_nothing() -> None:
    assert drained(Standing("withdrawn", "a"), {}, {}, STARTS, dict.fromkeys(ENDS, 0))


@pytest.mark.parametrize("stage", ["prepared", "shadow", "canary", "production"])
def test_whoever_may_get_records_is_not_drained(stage: Stage) -> None:
    assert not drained(Standing(stage, "a", since_revision=3), router(3, 3), workers(), STARTS, ENDS)


def test_a_note_that_is_not_a_routers_is_told() -> None:
    with pytest.raises(InvalidPlan, match="not a router's plan"):
        drained(RETIRED, {TopicPartition("input", 0): Position(1, "{}")}, workers(), STARTS, ENDS)
