from __future__ import annotations

from typing import Any

from comparator.ledger import LaneLedger, ledger
from understudy.deployments.plan import Lane


def row(version: str = "m:p", **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "version": version,
        "role": "answering",
        "against": None,
        "block": None,
        "slice": None,
        "counts": {},
    }
    return made | changes


def test_rows_add_up_per_lane_and_pairs_are_left_out() -> None:
    found = ledger(
        [
            row(counts={"routed": 10, "answered": 4}),
            row(counts={"answered": 3, "failed": 1, "unpaired_expired": 5}),
            row(counts={"routed": 100}, block=0),
            row("m:s", role="shadow", counts={"routed": 10, "withdrawn": 2, "expired": 1, "missing": 1}),
        ]
    )

    assert found.lanes == {
        Lane("m:p", "answering"): LaneLedger(routed=10, answered=7, failed=1),
        Lane("m:s", "shadow"): LaneLedger(routed=10, withdrawn=2, expired=1, missing=1),
    }
    assert [lane.in_flight for lane in found.lanes.values()] == [2, 6]
    assert (found.in_flight, found.residual) == (8, 1)


def test_the_residual_is_all_that_should_be_impossible() -> None:
    lane = LaneLedger(5, answered=4, missing=1, unexpected=2, routed_twice=4, unrouted=8, excluded=16, reclaimed=3)

    assert lane.residual == 15
    assert lane.in_flight == 0


def test_no_rows_make_an_empty_ledger() -> None:
    assert ledger([]).lanes == {}
    assert ledger([]).residual == 0
