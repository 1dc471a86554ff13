"""Deletes the topics of versions that left long ago, once nothing of them is owed any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.provision import CannotProvision, lanes_of
from understudy.app.releasing.readiness import left_behind
from understudy.app.status.gathering import gather
from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.fold import State, apply
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft
    from understudy.deployments.fold import Standing
    from understudy.deployments.reading import History

DAY_MS: Final = 24 * 3_600_000
LEFT: Final = frozenset({"retired", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Gone:
    """A version that left and has topics. left_ms: when, by the clock of who took it out. owes: why it must stay.

    is_fallback: production would be rolled back to it.
    """

    version: str
    standing: Standing
    left_ms: int
    topics: tuple[str, ...]
    owes: str = ""
    is_fallback: bool = False


def gone(log: Log, settings: Settings) -> list[Gone]:
    """The versions that left and have topics. Raises UnknownTopic, LogUnavailable."""
    history = DeploymentsLog(log, settings.names, "prune").read()
    left = {version: each for version, each in history.state.versions.items() if each.stage in LEFT}
    since_ms = left_ms(history)
    in_flight = _in_flight(log, settings)
    with log.admin() as admin:
        return [
            Gone(
                version,
                standing,
                since_ms[version],
                topics,
                _owes(log, settings, version, standing, in_flight),
                version == history.state.previous,
            )
            for version, standing in left.items()
            if (topics := _topics(admin, settings, version))
        ]


def chosen(found: Sequence[Gone], versions: Collection[str], before_ms: int) -> list[Gone]:
    """Those of them that are to be pruned: the ones named, else all that owe nothing and left before a moment.

    A fallback has to be named. Raises Refused for a version that is named and cannot be.
    """
    known = {each.version: each for each in found}
    for version in versions:
        if version not in known:
            others = ", ".join(known) or "none"
            raise Refused(f"{version} has not left, or has no topics: what can be pruned is {others}")
        if known[version].owes:
            raise Refused(f"{version} cannot be pruned yet: {known[version].owes}")
    if versions:
        return [known[version] for version in dict.fromkeys(versions)]
    return [each for each in found if not (each.owes or each.is_fallback) and each.left_ms <= before_ms]


def prune(log: Log, settings: Settings, actor: str, one: Gone, reason: str = "") -> None:
    """Note that a version's topics are gone, and delete them. Raises Refused where it came back meanwhile."""

    def propose(state: State) -> Draft | None:
        standing = state.versions[one.version]
        if standing.pruned:
            return None
        if standing != one.standing:
            raise Refused(f"{one.version} was released again since it was found to owe nothing: look again")
        return proposals.prune(state, one.version, reason)

    # Noted first: whoever deploys it from now on makes its topics anew, and is not surprised by their end.
    DeploymentsLog(log, settings.names, actor).append(propose)
    with log.admin() as admin:
        admin.delete(one.topics)


def left_ms(history: History) -> dict[str, int]:
    """When each version came to be what it is."""
    state, since_ms = State(), dict[str, int]()
    for entry in history.entries:
        if entry.event is None or entry.refusal:
            continue
        before, state = state, apply(state, entry.event).state
        for version, standing in state.versions.items():
            if before.stage(version) != standing.stage:
                since_ms[version] = entry.event.time_ms
    return since_ms


def _topics(admin: Admin, settings: Settings, version: str) -> tuple[str, ...]:
    lanes = lanes_of(settings, version)
    there = admin.describe(lanes)
    return tuple(lane for lane in lanes if lane in there)


def _owes(log: Log, settings: Settings, version: str, standing: Standing, in_flight: dict[str, int]) -> str:
    if standing.pruned:
        return ""  # somebody was interrupted before the topics were deleted
    if in_flight.get(version):
        return f"{in_flight[version]:,} of its answers are not counted yet: understudy status tells more"
    try:
        owes = left_behind(log, settings, version, standing)
    except CannotProvision as lost:
        return str(lost)
    return f"it waits for {owes}: let understudy worker --follow run until that is done" if owes else ""


def _in_flight(log: Log, settings: Settings) -> dict[str, int]:
    """What the ledger says is owed, by version."""
    owed: dict[str, int] = {}
    for lane in gather(log, settings).lanes:
        owed[lane.version] = owed.get(lane.version, 0) + lane.in_flight
    return owed
