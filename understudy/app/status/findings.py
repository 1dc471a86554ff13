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

STAYING: Final = frozenset({"production", "canary", "shadow"})
WORKS: Final = {"answering": "the version that answers", "shadow": "a shadow"}


def problems(status: Status) -> list[str]:
    """Sentences, the most important first; empty when all is well."""
    if status.missing_topics:
        return [f"{', '.join(status.missing_topics)}: no such topic. Run understudy topics.", *_releases(status)]
    told = (_ledger, _releases, _followed, _groups, _left, _lanes)
    return [sentence for tell in told for sentence in tell(status)]


def _ledger(status: Status) -> Iterator[str]:
    for lane in status.lanes:
        if lane.residual:
            found = ((lane.count(kind), text) for kind, text in IMPOSSIBLE.items())
            what = ", ".join(f"{count:,} {text}" for count, text in found if count)
            yield f"The ledger of {named(status, lane)} does not add up: {what}. This should be impossible."


def _releases(status: Status) -> Iterator[str]:
    state = status.state
    if state.frozen:
        yield f"Releases are frozen: {state.frozen}."
    if state.plan is None:
        yield "Nothing is in production: run understudy deploy NAME:VERSION --strategy basic."
    for version, standing in state.versions.items():
        if standing.prepared_for is not None:
            # To take back production's predecessor would leave production nothing to be rolled back to.
            undo = standing.stage == "prepared" and version != state.previous
            yield (
                f"{version} is prepared for {standing.prepared_for}, and waits: give the command again to go on"
                + (f", or take that back with understudy rollback {version}." if undo else ".")
            )
        if standing.paused:
            yield (
                f"{version} is paused: {standing.paused}. Go on with understudy resume {version}, or take it back with "
                f"understudy rollback {version}."
            )
        for role in sorted({role for role, _ in standing.excluded}):
            partitions = ", ".join(str(p) for each, p in sorted(standing.excluded) if each == role)
            yield (
                f"{version} is given nothing more as {WORKS[role]} in partitions {partitions}: its topic could not be "
                f"written to. Take it back with understudy rollback {version}, and deploy it again."
            )


def _followed(status: Status) -> Iterator[str]:
    for followed in status.followed:
        if followed < status.revision:
            yield (
                f"Partitions of the input follow revision {followed} of the plan, and revision {status.revision} is in "
                "force: routers adopt it within moments where they run."
            )
        elif followed > status.revision:
            yield (
                f"Partitions of the input follow revision {followed} of the plan, and the deployments know only "
                f"{status.revision}: their topic is not the one that the router's positions belong to. Name the right "
                "endpoint, or restore the topic."
            )


def _groups(status: Status) -> Iterator[str]:
    for group in status.groups:
        name = group.role if group.version is None else called(status, group.version)
        if not group.members:
            if group.version is None or group.version in status.state.wanted_workers():
                yield f"{name} is not running: no member in its group {group.name}{_behind(group)}."
        elif group.owned < group.partitions:
            yield f"{name} serves {group.owned} of {group.partitions} partitions: its group is being rearranged."
        elif group.behind >= LAGGING_RECORDS:
            yield f"{name} lags: about {group.behind:,} records behind."


def _behind(group: Group) -> str:
    return f"; about {group.behind:,} records behind" if group.behind else "; nothing is waiting for it"


def _left(status: Status) -> Iterator[str]:
    """Versions that are in the plan no more: nobody else watches whether their workers, or reclaimers, run."""
    for lane in status.lanes:
        if not lane.in_flight or status.state.stage(lane.version) in STAYING:
            continue
        withdrawn = status.state.stage(lane.version) == "withdrawn"
        run = "worker --follow, which reclaims them" if withdrawn else f"worker {lane.version} until they are given"
        yield (
            f"{lane.version} left the plan and still owes {lane.in_flight:,} answers as {WORKS[lane.role]}: "
            f"run understudy {run}."
        )


def _lanes(status: Status) -> Iterator[str]:
    for lane in status.lanes:
        name, failed, answered = named(status, lane), lane.count("failed"), lane.count("answered")
        why = f": {lane.latest_error}" if lane.latest_error else ""
        if failed and not answered:
            yield f"{name} fails on every record ({failed:,} so far){why}."
        elif failed:
            yield f"{name} failed on {failed:,} of {failed + answered:,} records{why}."
        if lane.ledger.expired:
            yield f"{name} lost {lane.ledger.expired:,} records to its topic's retention before it was read."


def named(status: Status, lane: Lane) -> str:
    """A lane, as people call it."""
    plan = status.state.plan
    if lane.role == "answering":
        canary = plan is not None and plan.part_of(lane.version) == "canary"
        return f"canary {lane.version}" if canary else f"production {lane.version}"
    return (
        f"mirror {lane.version}" if plan is not None and plan.production == lane.version else f"shadow {lane.version}"
    )


def called(status: Status, version: str) -> str:
    """A version, as people call it."""
    part = None if status.state.plan is None else status.state.plan.part_of(version)
    return f"{part or status.state.stage(version)} {version}"
