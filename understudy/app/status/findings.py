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

ROLES: Final = {"answering": "production", "shadow": "a shadow"}


def problems(status: Status) -> list[str]:
    """Sentences, the most important first; empty when all is well."""
    if status.missing_topics:
        return [f"{', '.join(status.missing_topics)}: no such topic. Run understudy topics."]
    return [*_ledger(status), *_plan(status), *_groups(status), *_left(status), *_lanes(status)]


def _ledger(status: Status) -> Iterator[str]:
    for lane in status.lanes:
        if lane.residual:
            found = ((lane.count(kind), text) for kind, text in IMPOSSIBLE.items())
            what = ", ".join(f"{count:,} {text}" for count, text in found if count)
            yield f"The ledger of {named(lane)} does not add up: {what}. This should be impossible."


def _plan(status: Status) -> Iterator[str]:
    for followed in status.followed:
        if followed < status.revision:
            yield (
                f"The router follows revision {followed} of the plan, and the settings have {status.revision}: "
                "restart it."
            )
        elif followed > status.revision:
            yield (
                f"The router follows revision {followed} of the plan, and these settings have {status.revision}: "
                "they are older than what runs."
            )


def _groups(status: Status) -> Iterator[str]:
    # A version has lanes of earlier plans too, in other roles; the plan's own come first.
    names = {lane.version: named(lane) for lane in reversed(status.lanes)}
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


def _left(status: Status) -> Iterator[str]:
    """Versions that are in the plan no more: nobody else watches whether their workers run."""
    planned = {group.version for group in status.groups}
    for lane in status.lanes:
        if lane.in_flight and lane.version not in planned:
            yield (
                f"{lane.version} left the plan and still owes {lane.in_flight:,} answers as {ROLES[lane.role]}: "
                f"run understudy worker {lane.version} until they are given."
            )


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
