"""The status as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.output import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from understudy.app.status.facts import Group, Lane, Status, Times


def page(status: Status, problems: Sequence[str]) -> str:
    """All of it."""
    return "\n".join(_lines(status, problems))


def _lines(status: Status, problems: Sequence[str]) -> Iterator[str]:
    yield f"{status.endpoint}, revision {status.revision}"
    if status.groups:
        yield ""
        yield table(["GROUP", "RUNNING", "PARTITIONS", "BEHIND"], [_group(group) for group in status.groups])
    if status.lanes:
        yield ""
        head = ["LANE", "", "ROUTED", "ANSWERED", "FAILED", "IN FLIGHT", "RESIDUAL", "MODEL TIME p50/p99"]
        yield table(head, [_lane(lane) for lane in status.lanes])
    shadows = [lane for lane in status.lanes if lane.role == "shadow"]
    if shadows:
        yield ""
        head = ["SHADOW", "PAIRS", "MATCHED", "MISMATCHED", "FAILED", "UNPAIRED", "DIFFER", "PRODUCTION'S TIME"]
        yield table(head, [_pairs(lane) for lane in shadows])
    yield ""
    yield from problems or ["All is well."]


def _group(group: Group) -> tuple[object, ...]:
    running = ", ".join(group.members) or "not running"
    return group.name, running, f"{group.owned}/{group.partitions}", group.behind


def _lane(lane: Lane) -> tuple[object, ...]:
    counts = (lane.count("routed"), lane.count("answered"), lane.count("failed"))
    return lane.version, lane.role, *counts, lane.in_flight, lane.residual, _times(lane.times)


def _pairs(lane: Lane) -> tuple[object, ...]:
    matched, mismatched = lane.pairs.get("matched", 0), lane.pairs.get("mismatched", 0)
    compared = matched + mismatched
    differ = f"{mismatched / compared:.2%}" if compared else "-"
    counts = (sum(lane.pairs.values()), matched, mismatched, lane.failed_pairs, sum(lane.unpaired.values()))
    return lane.version, *counts, differ, _times(lane.production_times)


def _times(times: Times) -> str:
    return "-" if times.p50_us is None else f"{times.p50_us:,.1f}/{times.p99_us:,.1f} us"
