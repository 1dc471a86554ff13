from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.core.log.contract import MAX_NOTE_BYTES
from understudy.deployments.plan import Assignment, Canary, InvalidPlan, Lane, Plan
from understudy.deployments.routing import BUCKETS

PRODUCTION = Lane("delay:v1", "answering")
MIRROR = Lane("delay:v1", "shadow")
CANARY = Lane("delay:v2", "answering")
SHADOW = Lane("delay:v4", "shadow")

shares = st.integers(0, BUCKETS)
plans = st.builds(
    Plan,
    revision=st.integers(1, 1 << 40),
    production=st.just("delay:v1"),
    shadows=st.permutations(["delay:v3", "delay:v4"]).flatmap(lambda all_: st.sampled_from([(), tuple(all_)])),
    canary=st.none() | st.builds(Canary, st.just("delay:v2"), shares, st.booleans()),
    salt=st.integers(0, (1 << 63) - 1),
)


def canary_plan(share_ppm: int = 50_000, *, mirrored: bool = True) -> Plan:
    return Plan(3, "delay:v1", ("delay:v4",), Canary("delay:v2", share_ppm, mirrored), salt=7)


def test_a_basic_plan_has_one_lane() -> None:
    assert Plan.basic(1, "delay:v1").lanes() == (PRODUCTION,)


def test_a_shadow_plan_names_the_answering_lane_first() -> None:
    plan = Plan.shadow(3, "delay:v1", ["delay:v4", "delay:v2"])

    assert plan.lanes() == (PRODUCTION, SHADOW, Lane("delay:v2", "shadow"))
    assert all(assignment.is_whole for assignment in plan.assignments())


def test_a_mirrored_canary_takes_its_share_from_production_whose_shadow_lane_gets_the_same() -> None:
    assert canary_plan().assignments() == (
        Assignment(PRODUCTION, "production", range(50_000, BUCKETS)),
        Assignment(CANARY, "canary", range(50_000)),
        Assignment(MIRROR, "mirror", range(50_000)),
        Assignment(SHADOW, "shadow", range(BUCKETS)),
    )


def test_an_unmirrored_canary_has_no_mirror() -> None:
    assert canary_plan(mirrored=False).lanes() == (PRODUCTION, CANARY, SHADOW)


def test_an_assignment_tells_its_share() -> None:
    assert [assignment.share_ppm for assignment in canary_plan().assignments()] == [950_000, 50_000, 50_000, BUCKETS]
    assert [assignment.is_whole for assignment in canary_plan().assignments()] == [False, False, False, True]


@given(plans)
def test_each_bucket_is_answered_by_one_lane(plan: Plan) -> None:
    answering = [each.buckets for each in plan.assignments() if each.lane.role == "answering"]

    edges = sorted((buckets.start, buckets.stop) for buckets in answering)
    assert [start for start, _ in edges] == [0, *(stop for _, stop in edges[:-1])]
    assert edges[-1][1] == BUCKETS


@given(shares, shares)
def test_a_raised_share_keeps_all_that_it_had(one: int, other: int) -> None:
    lower, higher = (canary_plan(share).assignments()[1].buckets for share in sorted((one, other)))

    assert higher[: len(lower)] == lower


def test_without_a_shadow_the_others_go_on() -> None:
    assert [each.lane for each in canary_plan().without(frozenset({SHADOW}))] == [PRODUCTION, CANARY, MIRROR]


def test_without_the_mirror_the_canary_still_answers() -> None:
    assert canary_plan().without(frozenset({MIRROR})) == tuple(
        each for each in canary_plan().assignments() if each.lane != MIRROR
    )


def test_without_the_canary_production_answers_all_and_mirrors_nothing() -> None:
    assert canary_plan().without(frozenset({CANARY})) == (
        Assignment(PRODUCTION, "production"),
        Assignment(SHADOW, "shadow"),
    )


def test_production_is_never_left_out() -> None:
    assert canary_plan().without(frozenset({PRODUCTION, CANARY, MIRROR, SHADOW})) == (
        Assignment(PRODUCTION, "production"),
    )


@given(plans)
def test_without_nothing_left_out_all_assignments_stand(plan: Plan) -> None:
    assert plan.without(frozenset()) == plan.assignments()


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
        ((1, "delay:v1", (), Canary("delay:v1", 1)), "both production and the canary"),
        ((1, "delay:v1", ("delay:v2",), Canary("delay:v2", 1)), "both the canary and a shadow"),
        ((1, "delay:v1", (), Canary("v2", 1)), "'v2' names no version"),
        ((1, "delay:v1", (), Canary("delay:v2", -1)), "canary's share is -1"),
        ((1, "delay:v1", (), Canary("delay:v2", BUCKETS + 1)), "canary's share is 1000001"),
        ((1, "delay:v1", (), None, -1), "salt is -1"),
        ((1, "delay:v1", (), None, 1 << 63), "salt is 9223372036854775808"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InvalidPlan, match=message):
        Plan(*arguments)  # type: ignore[arg-type] # wrong types are part of the cases


def test_a_shadow_plan_without_shadows_is_refused() -> None:
    with pytest.raises(InvalidPlan, match="use the basic plan"):
        Plan.shadow(1, "delay:v1", [])


def test_a_version_has_one_part() -> None:
    parts = {version: canary_plan().part_of(version) for version in ("delay:v1", "delay:v2", "delay:v4", "delay:v9")}

    assert parts == {"delay:v1": "production", "delay:v2": "canary", "delay:v4": "shadow", "delay:v9": None}
    assert canary_plan().versions == ("delay:v1", "delay:v2", "delay:v4")


def test_lanes_that_left_are_those_that_the_new_plan_does_not_have() -> None:
    earlier = Plan.shadow(1, "delay:v1", ["delay:v2", "delay:v4"])
    promoted = Plan.shadow(2, "delay:v2", ["delay:v4"])

    assert promoted.lanes_closed_after(earlier) == (PRODUCTION, Lane("delay:v2", "shadow"))
    assert earlier.lanes_closed_after(earlier) == ()


def test_a_promoted_canary_goes_on_in_its_lane_and_its_mirror_ends() -> None:
    promoted = Plan.shadow(4, "delay:v2", ["delay:v4"])

    assert promoted.lanes_closed_after(canary_plan()) == (PRODUCTION, MIRROR)


def test_another_share_closes_no_lane() -> None:
    assert canary_plan(900_000).lanes_closed_after(canary_plan()) == ()


def test_a_note_is_compact_json() -> None:
    assert canary_plan().to_note() == (
        '{"revision":3,"production":"delay:v1",'
        '"canary":{"version":"delay:v2","share_ppm":50000,"mirrored":true},"shadows":["delay:v4"],"salt":7}'
    )
    assert json.loads(Plan.basic(1, "delay:v1").to_note())["canary"] is None


@given(plans)
def test_a_note_carries_the_plan(plan: Plan) -> None:
    assert Plan.from_note(plan.to_note()) == plan
    assert Plan.of_json(plan.to_json()) == plan


def test_a_note_says_which_lanes_are_left_out() -> None:
    note = canary_plan().to_note({Lane("delay:v4", "shadow"), Lane("delay:v2", "answering")})

    assert json.loads(note)["excluded"] == [["delay:v2", "answering"], ["delay:v4", "shadow"]]
    assert Plan.from_note(note) == canary_plan()


def test_a_plan_has_to_fit_into_a_note_with_every_lane_left_out() -> None:
    Plan.shadow(1, "delay:v1", [f"delay:shadow-{i}" for i in range(60)]).check_fits_note()
    with pytest.raises(InvalidPlan, match=f"120 shadows does not fit into the {MAX_NOTE_BYTES:,} bytes"):
        Plan.shadow(1, "delay:v1", [f"delay:shadow-{i}" for i in range(120)]).check_fits_note()


@pytest.mark.parametrize(
    "note",
    [
        "{",
        "[]",
        "3",
        '{"revision":1}',
        '{"revision":1,"production":"x","canary":null,"shadows":[],"salt":0}',
        '{"revision":1,"production":"a:b","canary":{},"shadows":[],"salt":0}',
    ],
)
def test_a_foreign_note_is_named(note: str) -> None:
    with pytest.raises(InvalidPlan, match="not a router's plan"):
        Plan.from_note(note)
