from __future__ import annotations

import json
from typing import Any

import pytest

from comparator.ledger import LaneLedger
from understudy.app.status.counting import Counting
from understudy.app.status.facts import Lane, Times
from understudy.statistics.sketch import bucket_of


def row(version: str, role: str, counts: dict[str, int], against: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "version": version,
        "role": role,
        "against": against,
        "revision": 1,
        "block": None if against is None else 0,
        "slice": None,
        "counts": counts,
        "fields": {},
        "model_time_candidate": None,
        "model_time_production": None,
        "examples": [],
        **more,
    }


def times(microseconds: float, count: int) -> dict[str, int]:
    return {str(bucket_of(microseconds * 1_000)): count}


def test_rows_add_up_by_lane() -> None:
    counting = Counting()
    counting.add(row("m:v1", "answering", {"routed": 10, "answered": 9}))
    counting.add(row("m:v1", "answering", {"routed": 5, "failed": 1, "answered": 4}))
    counting.add(row("m:v2", "shadow", {"routed": 15, "answered": 15}))
    counting.add(row("m:v2", "shadow", {"matched": 3}, against="m:v1"))
    counting.add(row("m:v2", "shadow", {"matched": 4, "mismatched": 1}, against="m:v1"))

    production = counting.lane("m:v1", "answering")
    shadow = counting.lane("m:v2", "shadow", "invalid: a is missing")

    assert production == Lane("m:v1", "answering", LaneLedger(routed=15, answered=13, failed=1))
    assert shadow.ledger == LaneLedger(routed=15, answered=15)
    assert shadow.pairs == {"matched": 7, "mismatched": 1}
    assert shadow.latest_error == "invalid: a is missing"


def test_a_pair_that_nothing_tells_the_time_or_the_partner_of_is_still_a_pair() -> None:
    counting = Counting()
    counting.add(row("m:v2", "shadow", {"routed": 5, "unrouted": 2, "unpaired_missing": 2}))

    shadow = counting.lane("m:v2", "shadow")

    assert shadow.pairs == {"unpaired_missing": 2}
    assert shadow.ledger == LaneLedger(routed=5, unrouted=2)


def test_rows_of_slices_are_not_counted_twice() -> None:
    counting = Counting()
    counting.add(row("m:v2", "shadow", {"matched": 3}, against="m:v1"))
    counting.add(row("m:v2", "shadow", {"matched": 3}, against="m:v1", slice="origin=JFK"))

    assert counting.lane("m:v2", "shadow").pairs == {"matched": 3}


def test_model_times_stand_side_by_side() -> None:
    counting = Counting()
    measured = {"model_time_candidate": times(20, 10), "model_time_production": times(10, 10)}
    for version in ("m:v2", "m:v3"):
        counting.add(row(version, "shadow", {"matched": 10}, against="m:v1", **measured))

    shadow = counting.lane("m:v2", "shadow")

    assert shadow.comparison is not None
    assert shadow.times.p50_us == pytest.approx(20, rel=0.02)
    assert counting.lane("m:v1", "answering").times.p50_us == pytest.approx(10, rel=0.02)
    assert counting.lane("m:v1", "answering").times == Times.of(shadow.comparison.production_time)


def test_a_canary_has_its_own_comparison_and_times_and_production_those_of_its_version() -> None:
    counting = Counting()
    counting.add(row("m:v2", "answering", {"routed": 10, "answered": 10, "reclaimed": 2}))
    measured = {"model_time_candidate": times(20, 8), "model_time_production": times(10, 8)}
    counting.add(row("m:v2", "answering", {"matched": 8, "unpaired_withdrawn": 2}, against="m:v1", **measured))
    counting.add(row("m:v3", "shadow", {"matched": 9}, against="m:v2", model_time_production=times(40, 900)))

    canary, production = counting.lane("m:v2", "answering"), counting.lane("m:v1", "answering")

    assert canary.pairs == {"matched": 8, "unpaired_withdrawn": 2}
    assert canary.ledger == LaneLedger(routed=10, answered=10, reclaimed=2)
    assert (canary.times.p50_us, production.times.p50_us) == pytest.approx((40, 10), rel=0.02)
    assert production.comparison is None


def test_lanes_of_earlier_plans_are_known_too() -> None:
    counting = Counting()
    for version in ("m:v1", "m:v0"):
        counting.add(row(version, "answering", {"routed": 1}))

    assert counting.others([("m:v1", "answering")]) == [("m:v0", "answering")]
    assert counting.lane("m:v9", "shadow") == Lane("m:v9", "shadow")


def example(production: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    shown = {"production": json.dumps(production), "candidate": json.dumps(candidate)}
    return {"kind": "failed", "source_offset": 7, "event_time": None, "event_id": None, **shown}


def test_where_no_latest_error_is_known_an_example_stands_for_it() -> None:
    raised = {"error_kind": "model_raised", "error": "ValueError: no"}
    undecodable = {"error_kind": "undecodable", "error": "no bytes"}
    counting = Counting()
    counting.add(
        row("m:v2", "shadow", {"failed_candidate": 1}, against="m:v1", examples=[example({"label": True}, raised)])
    )
    counting.add(row("m:v3", "shadow", {"matched": 1}, against="m:v1"))

    assert counting.lane("m:v2", "shadow").latest_error == "model_raised: ValueError: no"
    assert counting.lane("m:v2", "shadow", "invalid: the latest").latest_error == "invalid: the latest"
    assert counting.lane("m:v3", "shadow").latest_error is None
    assert counting.lane("m:v1", "answering").latest_error is None

    counting.add(
        row("m:v3", "shadow", {"failed_both": 1}, against="m:v1", examples=[example(undecodable, undecodable)])
    )

    assert counting.lane("m:v1", "answering").latest_error == "undecodable: no bytes"
    assert counting.lane("m:v0", "answering").latest_error is None, "it was compared with nobody"
