"""The status as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.output import table
from understudy.app.status import standings
from understudy.app.status.facts import Times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from comparator.summary import Comparison
    from understudy.app.status.facts import Group, Lane, Status


def page(status: Status, problems: Sequence[str]) -> str:
    """All of it."""
    return "\n".join(_lines(status, problems))


def _lines(status: Status, problems: Sequence[str]) -> Iterator[str]:
    yield f"{status.endpoint}, revision {status.revision}" if status.revision else f"{status.endpoint}, no plan yet"
    present = {group.version for group in status.groups if group.version is not None}
    if released := standings.rows(status.state, present):
        yield ""
        yield table(standings.HEAD, released)
    if status.groups:
        yield ""
        yield table(["GROUP", "RUNNING", "PARTITIONS", "BEHIND"], [_group(group) for group in status.groups])
    if status.lanes:
        yield ""
        head = ["LANE", "", "ROUTED", "ANSWERED", "FAILED", "IN FLIGHT", "RESIDUAL", "MODEL TIME p50/p99"]
        yield table(head, [_lane(lane) for lane in status.lanes])
    compared = [_compared(lane.version, lane.comparison) for lane in status.lanes if lane.comparison is not None]
    if compared:
        yield ""
        head = ["SHADOW", "PAIRS", "MATCHED", "MISMATCHED", "FAILED", "UNPAIRED", "DIFFER", "PRODUCTION'S TIME"]
        yield table(head, compared)
    yield ""
    yield from problems or ["All is well."]


def _group(group: Group) -> tuple[object, ...]:
    running = ", ".join(group.members) or "not running"
    return group.name, running, f"{group.owned}/{group.partitions}", group.behind


def _lane(lane: Lane) -> tuple[object, ...]:
    counts = (lane.count("routed"), lane.count("answered"), lane.count("failed"), lane.in_flight, lane.residual)
    return lane.version, lane.role, *counts, _time(lane.times)


def _compared(version: str, comparison: Comparison) -> tuple[object, ...]:
    matched, mismatched = (comparison.counts.get(kind, 0) for kind in ("matched", "mismatched"))
    counts = (comparison.pairs, matched, mismatched, comparison.pairs - matched - mismatched)
    share = comparison.mismatched_share
    differ = "-" if share is None else f"{share:.2%}"
    return version, *counts, sum(comparison.unpaired.values()), differ, _time(Times.of(comparison.production_time))


def _time(times: Times) -> str:
    return "-" if times.p50_us is None else f"{times.p50_us:,.1f}/{times.p99_us:,.1f} us"
