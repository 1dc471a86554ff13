"""Whether an endpoint has come to rest: everything that was routed has been accounted for, and counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from support.checking.compared import OWN
from support.observer import Rows

if TYPE_CHECKING:
    from support.observer import Observer

SETTLED: Final = ("answered", "failed", "withdrawn", "expired")


def is_at_rest(observer: Observer, endpoint: str, records: int) -> bool:
    """Whether so many input records were routed, and the comparator has counted every lane's."""
    routes, compared = Rows("route"), Rows("comparison")
    rows = [routes.decode(seen.value) for seen in observer.records(f"{endpoint}.routes")]
    routed = sum(row["count"] for row in rows if row["kind"] == "frame")
    answering = sum(row["count"] for row in rows if row["kind"] == "frame" and row["role"] == "answering")
    counts: Counter[str] = Counter()
    for seen in observer.records(f"{endpoint}.comparisons"):
        row = compared.decode(seen.value)
        if row["slice"] is None:
            counts.update({kind: count for kind, count in row["counts"].items() if kind in OWN})
    settled = sum(counts[kind] for kind in SETTLED)
    return bool(answering >= records and counts["routed"] >= routed and settled >= routed)
