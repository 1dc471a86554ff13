from __future__ import annotations

from router.adoption import Followed
from router.exclusions import TAKEN_OVER, Exclusions
from understudy.deployments.plan import Canary, Lane, Plan

V1, V2, V4 = "flights:v1", "flights:v2", "flights:v4"
CANARY = Plan(1, V1, (V4,), Canary(V2, 50_000))
CANARYS, SHADOWS = Lane(V2, "answering"), Lane(V4, "shadow")

Told = list[tuple[Lane, int, str]]


def found(*lanes: Lane) -> tuple[Exclusions, Told]:
    told: Told = []
    exclusions = Exclusions(lambda lane, partition, cause: told.append((lane, partition, cause)))
    exclusions.follow(CANARY)
    for lane in lanes:
        exclusions.add(lane, "gone")
    return exclusions, told


def test_each_lane_and_partition_is_told_once_with_its_cause() -> None:
    exclusions, told = found(CANARYS)
    followed = Followed(CANARY, frozenset({CANARYS, SHADOWS}))

    for partition in (0, 1, 0):
        exclusions.report(followed, partition)

    assert told == [
        (CANARYS, 0, "gone"),
        (SHADOWS, 0, TAKEN_OVER),
        (CANARYS, 1, "gone"),
        (SHADOWS, 1, TAKEN_OVER),
    ]


def test_a_plan_of_the_same_revision_changes_nothing() -> None:
    exclusions, _ = found(CANARYS)

    exclusions.follow(CANARY)

    assert {*exclusions.lanes} == {CANARYS}


def test_what_may_have_left_and_returned_unseen_is_tried_again() -> None:
    exclusions, told = found(CANARYS)
    exclusions.report(Followed(CANARY, frozenset({CANARYS})), 0)

    exclusions.follow(Plan(3, V1, (V4,), Canary(V2, 50_000)))

    assert not exclusions.lanes
    exclusions.add(CANARYS, "gone again")
    exclusions.report(Followed(CANARY, frozenset({CANARYS})), 0)
    assert told == [(CANARYS, 0, "gone"), (CANARYS, 0, "gone again")]


def test_what_leaves_the_plan_is_forgotten_and_told_again_when_it_returns() -> None:
    exclusions, told = found(CANARYS, SHADOWS)
    exclusions.report(Followed(CANARY, frozenset({CANARYS})), 0)

    exclusions.follow(Plan(2, V1, (V4,)))
    assert {*exclusions.lanes} == {SHADOWS}
    exclusions.follow(Plan(3, V1, (V4,), Canary(V2, 50_000)))

    assert {*exclusions.lanes} == {SHADOWS}
    exclusions.report(Followed(CANARY, frozenset({CANARYS})), 0)
    assert told == [(CANARYS, 0, "gone"), (CANARYS, 0, TAKEN_OVER)]
