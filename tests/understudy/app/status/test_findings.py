from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from comparator.ledger import LaneLedger
from understudy.app.status.facts import Group, Lane, Status
from understudy.app.status.findings import problems
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from understudy.deployments.lifecycle import Stage

ROUTER = Group("e.router", "router", None, ("e.router.0",), 3, 3, 0)
WORKER = Group("e.worker.m.v2", "worker", "m:v2", ("e.worker.m.v2.0",), 6, 6, 0)
PRODUCTION = Lane("m:v1", "answering", LaneLedger(routed=10, answered=10))
SHADOW = Lane("m:v2", "shadow", LaneLedger(routed=10, answered=10))
STANDINGS = {"m:v1": Standing("production", "0" * 64), "m:v2": Standing("shadow", "1" * 64)}
STATE = State(plan=Plan(1, "m:v1", ("m:v2",)), versions=STANDINGS)
WELL = Status("e", STATE, [ROUTER, WORKER], [PRODUCTION, SHADOW])


def with_worker(**changes: object) -> Status:
    return replace(WELL, groups=[ROUTER, replace(WORKER, **changes)])  # type: ignore[arg-type] # fields by name


def with_shadow(latest_error: str | None = None, **counts: int) -> Status:
    return replace(WELL, lanes=[PRODUCTION, replace(SHADOW, ledger=LaneLedger(**counts), latest_error=latest_error)])


def with_standing(version: str, **changes: object) -> Status:
    standing = replace(STANDINGS[version], **changes)  # type: ignore[arg-type] # fields by name
    return replace(WELL, state=replace(STATE, versions={**STANDINGS, version: standing}))


def test_nothing_is_wrong() -> None:
    assert problems(WELL) == []


def test_what_does_not_run_is_named_with_what_waits_for_it() -> None:
    assert problems(with_worker(members=(), owned=0, behind=12_000)) == [
        "shadow m:v2 is not running: no member in its group e.worker.m.v2; about 12,000 records behind."
    ]
    assert problems(replace(WELL, groups=[replace(ROUTER, members=(), owned=0)])) == [
        "router is not running: no member in its group e.router; nothing is waiting for it."
    ]


def test_what_lags_is_named() -> None:
    assert problems(with_worker(behind=9_999)) == []
    assert problems(with_worker(behind=10_000)) == ["shadow m:v2 lags: about 10,000 records behind."]


def test_a_group_that_does_not_own_everything_is_named() -> None:
    assert problems(with_worker(owned=4)) == ["shadow m:v2 serves 4 of 6 partitions: its group is being rearranged."]


def test_a_version_that_fails_is_named_with_its_latest_error() -> None:
    assert problems(with_shadow("model_raised: ValueError: no", routed=10, failed=10)) == [
        "shadow m:v2 fails on every record (10 so far): model_raised: ValueError: no."
    ]
    assert problems(with_shadow(routed=10, failed=1, answered=9)) == ["shadow m:v2 failed on 1 of 10 records."]


def test_records_that_retention_took_are_named() -> None:
    assert problems(with_shadow(routed=10, answered=8, expired=2)) == [
        "shadow m:v2 lost 2 records to its topic's retention before it was read."
    ]


def test_a_residual_comes_first() -> None:
    status = replace(with_shadow(routed=10, answered=9, missing=1), groups=[replace(ROUTER, members=(), owned=0)])

    assert problems(status)[0] == (
        "The ledger of shadow m:v2 does not add up: 1 records were never answered. This should be impossible."
    )
    assert len(problems(status)) == 2


def test_without_topics_little_else_is_told() -> None:
    assert problems(replace(WELL, missing_topics=["e.routes", "e.predictions"])) == [
        "e.routes, e.predictions: no such topic. Run understudy topics."
    ]


def test_before_the_first_release_it_says_how() -> None:
    assert problems(Status("e")) == ["Nothing is in production: run understudy deploy NAME:VERSION --strategy basic."]


def test_routers_that_follow_another_revision_are_told() -> None:
    assert problems(replace(WELL, followed=[1])) == []
    assert problems(replace(WELL, followed=[0, 1])) == [
        (
            "Partitions of the input follow revision 0 of the plan, and revision 1 is in force: routers adopt it "
            "within moments where they run."
        )
    ]
    (beyond,) = problems(replace(WELL, followed=[2]))
    assert beyond.startswith("Partitions of the input follow revision 2 of the plan, and the deployments know only 1:")


def test_what_holds_a_release_up_is_told_with_the_way_on_and_back() -> None:
    assert problems(with_standing("m:v2", prepared_for="production")) == [
        "m:v2 is prepared for production, and waits: give the command again to go on."
    ]
    assert problems(with_standing("m:v2", stage="prepared", prepared_for="canary")) == [
        (
            "m:v2 is prepared for canary, and waits: give the command again to go on, or take that back with "
            "understudy rollback m:v2."
        )
    ]
    assert problems(with_standing("m:v2", paused="slow")) == [
        "m:v2 is paused: slow. Go on with understudy resume m:v2, or take it back with understudy rollback m:v2."
    ]
    assert problems(with_standing("m:v2", excluded=frozenset({("shadow", 3), ("shadow", 1)}))) == [
        (
            "m:v2 is given nothing more as a shadow in partitions 1, 3: its topic could not be written to. Take it "
            "back with understudy rollback m:v2, and deploy it again."
        )
    ]
    assert problems(replace(WELL, state=replace(STATE, frozen="a newer event"))) == [
        "Releases are frozen: a newer event."
    ]


def gone(stage: Stage, answered: int) -> Status:
    """With a version that left."""
    lane = Lane("m:v0", "answering", LaneLedger(routed=10, answered=answered))
    versions = {**STANDINGS, "m:v0": Standing(stage, "2" * 64)}
    return replace(WELL, state=replace(STATE, versions=versions), lanes=[*WELL.lanes, lane])


def test_a_version_that_left_the_plan_is_told_until_it_owes_nothing() -> None:
    assert problems(gone("retired", 9)) == [
        (
            "m:v0 left the plan and still owes 1 answers as the version that answers: run understudy worker m:v0 until "
            "they are given."
        )
    ]
    assert problems(gone("withdrawn", 9)) == [
        (
            "m:v0 left the plan and still owes 1 answers as the version that answers: run understudy worker --follow, "
            "which reclaims them."
        )
    ]
    assert problems(gone("retired", 10)) == []


def test_workers_of_a_version_that_left_need_not_run() -> None:
    left = replace(WORKER, name="e.worker.m.v0", version="m:v0", members=(), owned=0, behind=3)

    assert problems(replace(gone("withdrawn", 10), groups=[ROUTER, left])) == []


def test_a_version_is_called_what_the_plan_makes_it() -> None:
    canary = replace(STATE, plan=Plan(2, "m:v1", canary=Canary("m:v2", 50_000)))
    failing = LaneLedger(routed=3, failed=1, answered=2)
    lanes = [Lane("m:v2", "answering", failing), Lane("m:v1", "shadow", failing)]
    status = replace(WELL, state=canary, lanes=lanes, groups=[replace(WORKER, members=(), owned=0)])

    assert [sentence.split(" is ")[0].split(" failed ")[0] for sentence in problems(status)] == [
        "canary m:v2",
        "canary m:v2",
        "mirror m:v1",
    ]
