"""The status as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy.app.output import table
from understudy.app.status import standings
from understudy.app.status.facts import Times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from comparator.summary import Comparison
    from understudy.app.status.facts import Group, Lane, Status

RARE: Final = ("withdrawn", "reclaimed", "expired", "excluded")
"""Columns that are shown where there is something to show."""


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
        rare = [kind for kind in RARE if any(lane.count(kind) for lane in status.lanes)]
        kinds = ["routed", "answered", "failed", *rare]
        head = ["LANE", "", *map(str.upper, kinds), "IN FLIGHT", "RESIDUAL", "MODEL TIME p50/p99"]
        yield table(head, [_lane(lane, kinds) for lane in status.lanes])
    compared = [(lane, lane.comparison) for lane in status.lanes if lane.comparison is not None]
    if compared:
        yield ""
        head = ["COMPARED", "AS", "PAIRS", "MATCHED", "MISMATCHED", "FAILED", "UNPAIRED", "DIFFER", "PRODUCTION'S TIME"]
        yield table(head, [_compared(*each) for each in compared])
        yield from _unpaired(compared)
    yield ""
    yield from problems or ["All is well."]


def _group(group: Group) -> tuple[object, ...]:
    running = ", ".join(group.members) or "not running"
    return group.name, running, f"{group.owned}/{group.partitions}", group.behind


def _lane(lane: Lane, kinds: Sequence[str]) -> tuple[object, ...]:
    counts = (*(lane.count(kind) for kind in kinds), lane.in_flight, lane.residual)
    return lane.version, lane.role, *counts, _time(lane.times)


def _compared(lane: Lane, comparison: Comparison) -> tuple[object, ...]:
    matched, mismatched = (comparison.counts.get(kind, 0) for kind in ("matched", "mismatched"))
    failed, unpaired = comparison.pairs - matched - mismatched, sum(comparison.unpaired.values())
    share = comparison.mismatched_share
    differ = "-" if share is None else f"{share:.2%}"
    counts = (comparison.pairs, matched, mismatched, failed, unpaired)
    return lane.version, _candidate(lane), *counts, differ, _time(Times.of(comparison.production_time))


def _unpaired(compared: Sequence[tuple[Lane, Comparison]]) -> Iterator[str]:
    """Why records were not compared, in words."""
    for lane, comparison in compared:
        if comparison.unpaired:
            yield f"{lane.version} as {_candidate(lane)}, unpaired {'; '.join(comparison.unpaired_told)}"


def _candidate(lane: Lane) -> str:
    """As what a lane was compared: of those that answer, only canaries are."""
    return "canary" if lane.role == "answering" else "shadow"


def _time(times: Times) -> str:
    return "-" if times.p50_us is None else f"{times.p50_us:,.1f}/{times.p99_us:,.1f} us"
