from __future__ import annotations

from typing import Any

import pytest

from understudy.app.status.counting import Counting, quantiles
from understudy.app.status.facts import Times
from understudy.statistics.sketch import Sketch, bucket_of


def row(version: str, role: str, counts: dict[str, int], against: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "version": version,
        "role": role,
        "against": against,
        "block": None if against is None else 0,
        "slice": None,
        "counts": counts,
        "model_time_candidate": None,
        "model_time_production": None,
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

    production = counting.lane("m:v1", "answering", None)
    shadow = counting.lane("m:v2", "shadow", "invalid: a is missing")

    assert production.counts == {"routed": 15, "answered": 13, "failed": 1}
    assert production.pairs == {}
    assert shadow.counts == {"routed": 15, "answered": 15}
    assert shadow.pairs == {"matched": 7, "mismatched": 1}
    assert shadow.latest_error == "invalid: a is missing"


def test_a_pair_that_nothing_tells_the_time_or_the_partner_of_is_still_a_pair() -> None:
    counting = Counting()
    counting.add(row("m:v2", "shadow", {"unpaired_missing": 2}))

    assert counting.lane("m:v2", "shadow", None).pairs == {"unpaired_missing": 2}
    assert counting.lane("m:v2", "shadow", None).counts == {}


def test_rows_of_slices_are_not_counted_twice() -> None:
    counting = Counting()
    counting.add(row("m:v2", "shadow", {"matched": 3}, against="m:v1"))
    counting.add(row("m:v2", "shadow", {"matched": 3}, against="m:v1", slice="origin=JFK"))

    assert counting.lane("m:v2", "shadow", None).pairs == {"matched": 3}


def test_model_times_stand_side_by_side() -> None:
    counting = Counting()
    measured = {"model_time_candidate": times(20, 10), "model_time_production": times(10, 10)}
    for version in ("m:v2", "m:v3"):
        counting.add(row(version, "shadow", {"matched": 10}, against="m:v1", **measured))

    shadow = counting.lane("m:v2", "shadow", None)

    assert shadow.times.p50_us == pytest.approx(20, rel=0.02)
    assert shadow.production_times.p50_us == pytest.approx(10, rel=0.02)
    assert counting.lane("m:v1", "answering", None).times == shadow.production_times


def test_lanes_of_earlier_plans_are_known_too() -> None:
    counting = Counting()
    for version in ("m:v1", "m:v0"):
        counting.add(row(version, "answering", {"routed": 1}))

    assert counting.others([("m:v1", "answering")]) == [("m:v0", "answering")]
    assert counting.lane("m:v9", "shadow", None).counts == {}


def test_no_measurements_have_no_quantiles() -> None:
    assert quantiles(Sketch()) == Times(None, None)
