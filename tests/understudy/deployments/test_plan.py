from __future__ import annotations

import pytest

from understudy.deployments.plan import InvalidPlan, Lane, Plan


def test_a_basic_plan_has_one_lane() -> None:
    assert Plan.basic(1, "delay:v1").lanes() == (Lane("delay:v1", "answering"),)


def test_a_shadow_plan_names_the_answering_lane_first() -> None:
    plan = Plan.shadow(3, "delay:v1", ["delay:v4", "delay:v2"])

    assert plan.lanes() == (
        Lane("delay:v1", "answering"),
        Lane("delay:v4", "shadow"),
        Lane("delay:v2", "shadow"),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, "delay:v1"), "revision is 0; give a whole number from 1"),
        ((True, "delay:v1"), "revision is True"),
        ((1, 5), "5 is not a model version; write name:version"),
        ((1, "delay"), "'delay' names no version: write name:version"),
        ((1, "delay:"), "model version is empty"),
        ((1, "a:b:c"), "'b:c' contains ':'"),
        ((1, "delay:v1", ("v2",)), "'v2' names no version"),
        ((1, "delay:v1", ("delay:v1",)), "both production and a shadow"),
        ((1, "delay:v1", ("delay:v2", "delay:v2")), "delay:v2 more than once"),
        ((1, "delay:v1", (), -1), "salt is -1"),
        ((1, "delay:v1", (), 1 << 64), "salt is 18446744073709551616"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InvalidPlan, match=message):
        Plan(*arguments)  # type: ignore[arg-type] # wrong types are part of the cases


def test_a_shadow_plan_without_shadows_is_refused() -> None:
    with pytest.raises(InvalidPlan, match="use the basic plan"):
        Plan.shadow(1, "delay:v1", [])


def test_lanes_that_left_are_those_that_the_new_plan_does_not_have() -> None:
    earlier = Plan.shadow(1, "delay:v1", ["delay:v2", "delay:v4"])
    promoted = Plan.shadow(2, "delay:v2", ["delay:v4"])

    assert promoted.lanes_closed_after(earlier) == (Lane("delay:v1", "answering"), Lane("delay:v2", "shadow"))
    assert earlier.lanes_closed_after(earlier) == ()


def test_a_note_carries_the_plan() -> None:
    plan = Plan.shadow(7, "delay:v1", ["delay:v2"])

    assert plan.to_note() == '{"revision":7,"production":"delay:v1","shadows":["delay:v2"]}'
    assert Plan.from_note(plan.to_note()) == plan


@pytest.mark.parametrize("note", ["{", "[]", "3", '{"revision":1}', '{"revision":1,"production":"x","shadows":[]}'])
def test_a_foreign_note_is_named(note: str) -> None:
    with pytest.raises(InvalidPlan, match="not a router's plan"):
        Plan.from_note(note)


def test_the_order_of_shadows_and_the_revision_do_not_change_where_records_go() -> None:
    plan = Plan.shadow(1, "delay:v1", ["delay:v2", "delay:v4"])

    assert plan.routes_like(Plan.shadow(9, "delay:v1", ["delay:v4", "delay:v2"]))
    assert not plan.routes_like(Plan.shadow(1, "delay:v1", ["delay:v2"]))
