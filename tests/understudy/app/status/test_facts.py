from __future__ import annotations

from understudy.app.status.facts import Group, Lane, Status, Times

PRODUCTION = Lane("m:v1", "answering", {"routed": 100, "answered": 80, "failed": 5, "missing": 2, "unexpected": 1})
SHADOW = Lane(
    "m:v2",
    "shadow",
    {"routed": 100, "answered": 101},
    {"matched": 60, "mismatched": 5, "failed_candidate": 3, "failed_both": 1, "unpaired_missing": 2},
    Times(20, 40),
    Times(10, 30),
)
ROUTER = Group("e.router", "router", None, ("e.router.0",), 3, 3, 0)


def test_what_is_routed_is_accounted_for_or_in_flight() -> None:
    assert PRODUCTION.accounted == 87
    assert PRODUCTION.in_flight == 13


def test_the_residual_is_what_does_not_add_up() -> None:
    assert PRODUCTION.residual == 3
    assert SHADOW.residual == 1
    assert SHADOW.in_flight == 0


def test_an_endpoint_sums_over_its_lanes() -> None:
    status = Status("e", 1, [ROUTER], [PRODUCTION, SHADOW])

    told = status.as_json(["something"])

    assert told["ledger"] == {"routed": 200, "accounted": 188, "in_flight": 13, "residual": 4}
    assert told["problems"] == ["something"]
    assert told["groups"][0]["members"] == ["e.router.0"]


def test_a_shadow_tells_its_pairs_and_both_times() -> None:
    told = SHADOW.as_json()

    assert told["pairs"] == {"total": 71, "matched": 60, "mismatched": 5, "failed": 4, "unpaired": {"missing": 2}}
    assert told["model_time"] == {"p50_us": 20, "p99_us": 40}
    assert told["production_model_time"] == {"p50_us": 10, "p99_us": 30}


def test_a_group_is_found_by_its_role() -> None:
    status = Status("e", 1, [ROUTER])

    assert status.group("router") is ROUTER
    assert status.group("worker", "m:v1") is None
