"""What is wrong with an endpoint, in plain sentences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.app.status.facts import Group, Lane, Status

LAGGING_RECORDS: Final = 10_000
"""A group that is this far behind is said to lag."""

IMPOSSIBLE: Final = {
    "missing": "records were never answered",
    "unexpected": "answers were not asked for",
    "routed_twice": "records were routed twice",
    "unrouted": "records had no production lane",
}
"""The parts of a ledger's residual, in words."""


def problems(status: Status) -> list[str]:
    """Sentences, the most important first; empty when all is well."""
    if status.missing_topics:
        return [f"{', '.join(status.missing_topics)}: no such topic. Run understudy topics."]
    return [*_ledger(status), *_groups(status), *_lanes(status)]


def _ledger(status: Status) -> Iterator[str]:
    for lane in status.lanes:
        if lane.residual:
            found = ((lane.count(kind), text) for kind, text in IMPOSSIBLE.items())
            what = ", ".join(f"{count:,} {text}" for count, text in found if count)
            yield f"The ledger of {named(lane)} does not add up: {what}. This should be impossible."


def _groups(status: Status) -> Iterator[str]:
    names = {lane.version: named(lane) for lane in status.lanes}
    for group in status.groups:
        name = group.role if group.version is None else names.get(group.version, group.version)
        if not group.members:
            yield f"{name} is not running: no member in its group {group.name}{_behind(group)}."
        elif group.owned < group.partitions:
            yield f"{name} serves {group.owned} of {group.partitions} partitions: its group is being rearranged."
        elif group.behind >= LAGGING_RECORDS:
            yield f"{name} lags: about {group.behind:,} records behind."


def _behind(group: Group) -> str:
    return f"; about {group.behind:,} records behind" if group.behind else "; nothing is waiting for it"


def _lanes(status: Status) -> Iterator[str]:
    for lane in status.lanes:
        failed, answered = lane.count("failed"), lane.count("answered")
        why = f": {lane.latest_error}" if lane.latest_error else ""
        if failed and not answered:
            yield f"{named(lane)} fails on every record ({failed:,} so far){why}."
        elif failed:
            yield f"{named(lane)} failed on {failed:,} of {failed + answered:,} records{why}."
        if lane.ledger.expired:
            yield f"{named(lane)} lost {lane.ledger.expired:,} records to its topic's retention before it was read."


def named(lane: Lane) -> str:
    """A lane, as people call it."""
    return f"shadow {lane.version}" if lane.role == "shadow" else f"production {lane.version}"
