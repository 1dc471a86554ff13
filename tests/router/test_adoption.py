from __future__ import annotations

import pytest

from router.adoption import ConflictingPlan, Followed, Stance, stance
from understudy.core.log.contract import TopicPartition
from understudy.deployments.plan import Canary, InvalidPlan, Lane, Plan

AT = TopicPartition("delay.input", 2)
V1, V2, V4 = "flights:v1", "flights:v2", "flights:v4"
RUNNING = Plan.shadow(3, V1, [V4, V2])
CANARY = Plan(5, V1, (V4,), Canary(V2, 50_000), salt=7)
CANARYS, MIRROR, SHADOWS = Lane(V2, "answering"), Lane(V1, "shadow"), Lane(V4, "shadow")
PRODUCTIONS = Lane(V1, "answering")


@pytest.mark.parametrize(
    ("followed", "plan", "expected"),
    [
        (None, None, "waits"),
        (None, RUNNING, "adopts"),
        (Followed(RUNNING), None, "waits"),
        (Followed(RUNNING), Plan.basic(2, V1), "waits"),
        (Followed(RUNNING), RUNNING, "follows"),
        (Followed(RUNNING), Plan.shadow(3, V1, [V2, V4]), "follows"),
        (Followed(RUNNING, frozenset({SHADOWS})), RUNNING, "follows"),
        (Followed(RUNNING), Plan.shadow(4, V1, [V4, V2]), "adopts"),
        (Followed(RUNNING), Plan.basic(9, V1), "adopts"),
    ],
)
def test_what_a_partition_does_about_a_plan(followed: Followed | None, plan: Plan | None, expected: Stance) -> None:
    assert stance(followed, plan, AT) == expected


@pytest.mark.parametrize(
    "plan",
    [
        Plan.basic(5, V1),
        Plan(5, V1, (V4,), Canary(V2, 50_001), salt=7),
        Plan(5, V1, (V4,), Canary(V2, 50_000, mirrored=False), salt=7),
        Plan(5, V1, (V4,), Canary(V2, 50_000), salt=8),
    ],
)
def test_two_plans_of_one_revision_are_refused_with_the_way_out(plan: Plan) -> None:
    with pytest.raises(
        ConflictingPlan, match=r"delay.input\[2\] follows revision 5 .* v?.*flights:v2 as canary of 50000"
    ):
        stance(Followed(CANARY), plan, AT)


@pytest.mark.parametrize("excluded", [frozenset(), frozenset({MIRROR}), frozenset({CANARYS, SHADOWS})])
def test_a_note_carries_the_plan_and_the_excluded_lanes(excluded: frozenset[Lane]) -> None:
    followed = Followed(CANARY, excluded)

    assert Followed.of_note(followed.to_note()) == followed
    assert Plan.from_note(followed.to_note()) == CANARY


def test_no_note_is_no_plan_and_a_foreign_one_is_refused() -> None:
    assert Followed.of_note("") is None
    assert Followed.of_note(RUNNING.to_note()) == Followed(RUNNING)
    with pytest.raises(InvalidPlan, match="not a router's plan"):
        Followed.of_note("something else")


def test_only_lanes_of_the_plan_can_be_excluded_and_never_productions_own() -> None:
    everything = [CANARYS, MIRROR, SHADOWS, PRODUCTIONS, Lane("other:v1", "shadow")]

    assert Followed(CANARY).excluding(everything).excluded == {CANARYS, MIRROR, SHADOWS}


@pytest.mark.parametrize(
    ("plan", "kept"),
    [
        (Plan(6, V1, (V4,), Canary(V2, 100_000)), {CANARYS, SHADOWS}),
        (Plan(6, V1, (V4,)), {SHADOWS}),
        (Plan.basic(6, V2), set()),
        (Plan.shadow(6, V1, [V2]), set()),
        (Plan(7, V1, (V4,), Canary(V2, 100_000)), set()),  # in revision 6 they may not have been in it
    ],
)
def test_a_lane_stays_excluded_while_it_is_in_the_plan(plan: Plan, kept: set[Lane]) -> None:
    followed = Followed(CANARY, frozenset({CANARYS, SHADOWS})).adopting(plan)

    assert followed == Followed(plan, frozenset(kept))


@pytest.mark.parametrize(
    ("excluded", "withheld"),
    [(set(), []), ({SHADOWS}, [SHADOWS]), ({MIRROR}, [MIRROR]), ({CANARYS}, [CANARYS, MIRROR])],
)
def test_what_the_plan_has_for_lanes_that_get_nothing(excluded: set[Lane], withheld: list[Lane]) -> None:
    followed = Followed(CANARY, frozenset(excluded))

    assert [assignment.lane for assignment in followed.withheld()] == withheld
