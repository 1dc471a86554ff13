from __future__ import annotations

import pytest

from router.adoption import ConflictingPlan, StalePlan, lanes_to_close
from understudy.core.log.contract import TopicPartition
from understudy.deployments.plan import InvalidPlan, Lane, Plan

AT = TopicPartition("delay.input", 2)
RUNNING = Plan.shadow(3, "flights:v1", ["flights:v4", "flights:v2"])


def test_a_partition_without_a_note_adopts_and_closes_nothing() -> None:
    assert lanes_to_close(RUNNING, "", AT) == ()


def test_a_partition_that_follows_the_plan_has_nothing_to_adopt() -> None:
    assert lanes_to_close(RUNNING, RUNNING.to_note(), AT) is None


def test_the_order_of_shadows_is_no_change() -> None:
    assert lanes_to_close(Plan.shadow(3, "flights:v1", ["flights:v2", "flights:v4"]), RUNNING.to_note(), AT) is None


def test_a_higher_revision_closes_the_lanes_that_left() -> None:
    assert lanes_to_close(Plan.shadow(7, "flights:v1", ["flights:v2"]), RUNNING.to_note(), AT) == (
        Lane("flights:v4", "shadow"),
    )


def test_a_higher_revision_of_the_same_plan_is_adopted_and_closes_nothing() -> None:
    assert lanes_to_close(Plan.shadow(4, RUNNING.production, RUNNING.shadows), RUNNING.to_note(), AT) == ()


@pytest.mark.parametrize(
    ("plan", "note", "error", "message"),
    [
        (
            Plan.basic(2, "flights:v1"),
            RUNNING.to_note(),
            StalePlan,
            r"delay.input\[2\] follows revision 3 .* revision 4",
        ),
        (Plan.basic(3, "flights:v1"), RUNNING.to_note(), ConflictingPlan, "no shadow.* set it to 4"),
        (RUNNING, "something else", InvalidPlan, "not a router's plan"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_way_out(
    plan: Plan, note: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        lanes_to_close(plan, note, AT)
