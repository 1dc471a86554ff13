from __future__ import annotations

from dataclasses import replace

from comparator.ledger import LaneLedger
from understudy.app.status.facts import Group, Lane, Status
from understudy.app.status.findings import problems

ROUTER = Group("e.router", "router", None, ("e.router.0",), 3, 3, 0)
WORKER = Group("e.worker.m.v2", "worker", "m:v2", ("e.worker.m.v2.0",), 6, 6, 0)
PRODUCTION = Lane("m:v1", "answering", LaneLedger(routed=10, answered=10))
SHADOW = Lane("m:v2", "shadow", LaneLedger(routed=10, answered=10))
WELL = Status("e", 1, [ROUTER, WORKER], [PRODUCTION, SHADOW])


def with_worker(**changes: object) -> Status:
    return replace(WELL, groups=[ROUTER, replace(WORKER, **changes)])  # type: ignore[arg-type] # fields by name


def with_shadow(latest_error: str | None = None, **counts: int) -> Status:
    return replace(WELL, lanes=[PRODUCTION, replace(SHADOW, ledger=LaneLedger(**counts), latest_error=latest_error)])


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


def test_without_topics_nothing_else_is_told() -> None:
    assert problems(replace(WELL, missing_topics=["e.routes", "e.predictions"])) == [
        "e.routes, e.predictions: no such topic. Run understudy topics."
    ]


def test_a_router_that_follows_another_revision_is_told() -> None:
    assert problems(replace(WELL, followed=[1])) == []
    assert problems(replace(WELL, revision=2, followed=[1, 2])) == [
        "The router follows revision 1 of the plan, and the settings have 2: restart it."
    ]
    assert problems(replace(WELL, followed=[2])) == [
        "The router follows revision 2 of the plan, and these settings have 1: they are older than what runs."
    ]


def test_a_version_that_left_the_plan_is_told_until_it_owes_nothing() -> None:
    gone = Lane("m:v0", "answering", LaneLedger(routed=10, answered=9))

    assert problems(replace(WELL, lanes=[*WELL.lanes, gone])) == [
        "m:v0 left the plan and still owes 1 answers as production: run understudy worker m:v0 until they are given."
    ]
    assert problems(replace(WELL, lanes=[*WELL.lanes, replace(gone, ledger=LaneLedger(routed=9, answered=9))])) == []


def test_a_version_is_called_what_the_plan_makes_it() -> None:
    was_production = Lane("m:v2", "answering", LaneLedger(routed=3, answered=3))
    stopped = replace(WELL, lanes=[*WELL.lanes, was_production], groups=[ROUTER, replace(WORKER, members=(), owned=0)])

    assert problems(stopped)[0].startswith("shadow m:v2 is not running")
