from __future__ import annotations

from comparator.ledger import LaneLedger
from comparator.summary import Comparison, Quantiles
from understudy.app.status.facts import Group, Lane, Status, Times
from understudy.deployments.fold import State
from understudy.deployments.plan import Plan

PRODUCTION = Lane("m:v1", "answering", LaneLedger(routed=100, answered=80, failed=5, missing=2, unexpected=1))
SHADOW = Lane(
    "m:v2",
    "shadow",
    LaneLedger(routed=100, answered=98),
    Comparison(
        {"matched": 60, "mismatched": 15, "failed_candidate": 5, "unpaired_missing": 2},
        {},
        Quantiles(10_000, 20_000, 30_000),
        Quantiles(20_000, 30_000, 40_000),
    ),
    Times(20, 40),
)
ROUTER = Group("e.router", "router", None, ("e.router.0",), 3, 3, 0)


def test_an_endpoint_sums_over_its_lanes() -> None:
    told = Status("e", State(plan=Plan(3, "m:v1", ("m:v2",))), [ROUTER], [PRODUCTION, SHADOW]).as_json(["something"])

    assert told["ledger"] == {"routed": 200, "accounted": 185, "in_flight": 15, "residual": 3}
    assert told["problems"] == ["something"]
    assert told["revision"] == 3
    assert told["releases"]["plan"]["production"] == "m:v1"
    assert told["groups"][0]["members"] == ["e.router.0"]


def test_production_is_compared_with_nothing() -> None:
    told = PRODUCTION.as_json()

    assert PRODUCTION.pairs == {}
    assert (told["routed"], told["answered"], told["failed"], told["in_flight"]) == (100, 80, 5, 13)
    assert told["comparison"] is None
    assert told["model_time"] == {"p50_us": None, "p99_us": None}


def test_a_shadow_tells_its_pairs_and_both_times() -> None:
    told = SHADOW.as_json()

    assert told["model_time"] == {"p50_us": 20, "p99_us": 40}
    assert told["comparison"] == {
        "pairs": 80,
        "matched": 60,
        "mismatched": 15,
        "failed_production": 0,
        "failed_candidate": 5,
        "failed_both": 0,
        "unpaired": {"missing": 2},
        "mismatched_share": 15 / 80,
        "production_model_time": {"p50_us": 10, "p99_us": 30},
    }


def test_a_group_is_found_by_its_role() -> None:
    status = Status("e", groups=[ROUTER])

    assert status.group("router") is ROUTER
    assert status.group("worker", "m:v1") is None
