"""The state of an endpoint's releases: the fold of its events in order. Pure.

An event takes effect when it expects the sequence that the state has then, and when the life cycle allows what it
says; else it changes nothing, for every reader alike. What this Understudy does not understand freezes the state:
it cannot know what follows, and the last plan stays in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from understudy.core.topics import BadName, parse_version
from understudy.deployments.errors import Refused
from understudy.deployments.events import Action
from understudy.deployments.lifecycle import after
from understudy.deployments.plan import Lane, Plan, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from understudy.deployments.events import Event
    from understudy.deployments.lifecycle import Happening, Stage

PlannedPart = Literal["production", "canary", "shadow"]
"""What a version can be in a plan, and so what it can be prepared for."""

Work = Literal["production", "canary", "shadow", "draining"]
"""As what a version's workers run. draining: they only finish what the version still owes."""

ACTIONS: Final[tuple[str, ...]] = get_args(Action)
PARTS: Final[tuple[PlannedPart, ...]] = get_args(PlannedPart)
ROLES: Final[tuple[Role, ...]] = get_args(Role)
SUPERSEDED: Final = "superseded"
"""How the refusal of an event begins that was written for an earlier state."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands.

    sha256: of its artifact, which workers check. prepared_for: the part that its workers are started for, until a plan
    takes it up. paused: why, "" where it is not. excluded: lane role and partition of each lane that could not be
    written to; of production, only the shadow lane that mirrors the canary. pruned: its topics are gone.
    since_revision: the plan's revision at the last change of its stage.
    """

    stage: Stage
    sha256: str
    prepared_for: PlannedPart | None = None
    paused: str = ""
    excluded: frozenset[tuple[Role, int]] = frozenset()
    pruned: bool = False
    since_revision: int = 0

    @property
    def is_in_plan(self) -> bool:
        """Whether the plan gives it records."""
        return self.stage in PARTS


@dataclass(frozen=True, slots=True)
class State:
    """What holds after some events. sequence: how many took effect.

    plan: None until the first one. versions: all that were ever prepared, in that order. previous: what production is
    rolled back to. frozen: why nothing can take effect any more; "" while that is not so.
    """

    sequence: int = 0
    plan: Plan | None = None
    versions: Mapping[str, Standing] = field(default_factory=lambda: MappingProxyType({}))
    previous: str | None = None
    frozen: str = ""

    @property
    def revision(self) -> int:
        """The plan's; 0 before the first plan."""
        return 0 if self.plan is None else self.plan.revision

    def stage(self, version: str) -> Stage:
        """The stage of any version; "new" for one that nobody has prepared."""
        standing = self.versions.get(version)
        return "new" if standing is None else standing.stage

    def wanted_workers(self) -> dict[str, Work]:
        """The versions that need workers, and as what. A retired one needs them until it is drained."""
        works = {version: _work(standing) for version, standing in self.versions.items()}
        return {version: work for version, work in works.items() if work is not None}

    def to_reclaim(self) -> tuple[str, ...]:
        """The versions whose debts reclaimers account for, where they still have any."""
        return tuple(
            version for version, each in self.versions.items() if each.stage == "withdrawn" and not each.pruned
        )


def _work(standing: Standing) -> Work | None:
    match standing.stage:
        case "production" | "canary" | "shadow" as part:
            return standing.prepared_for or part
        case "prepared":
            return standing.prepared_for
        case "retired":
            return None if standing.pruned else "draining"
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Applied:
    """What an event made of the state. refusal: "" where it took effect; else why it did not."""

    state: State
    refusal: str = ""


def apply(state: State, event: Event) -> Applied:
    """The state after one more event."""
    if state.frozen:
        return Applied(state, f"nothing takes effect any more: {state.frozen}")
    if event.sequence != state.sequence + 1:
        return Applied(state, f"{SUPERSEDED}: it was written as event {event.sequence}, when {state.sequence} was past")
    effect = _EFFECTS.get(event.kind)
    if effect is None or (event.kind == "planned" and event.action not in ACTIONS):
        what = event.kind if effect is None else f"{event.kind} by {event.action}"
        return freeze(state, f"event {event.sequence} is of a kind that is not known here: {what!r}")
    try:
        changed = effect(state, event)
    except Refused as error:
        return Applied(state, str(error))
    return Applied(replace(changed, sequence=event.sequence))


def freeze(state: State, what: str) -> Applied:
    """The state after a record that cannot be understood; `what` says which."""
    in_force = f"the plan of revision {state.revision} stays in force" if state.plan else "there is no plan"
    why = state.frozen or (
        f"{what}. Either a newer Understudy wrote it, and is to be installed here, or another program writes to the "
        f"deployments topic. Until this is cleared up, {in_force}"
    )
    return Applied(replace(state, frozen=why), why)


def _prepared(state: State, event: Event) -> State:
    version, part = _named(event), event.action
    _check(version)
    if part not in PARTS or not event.sha256:
        raise Refused(f"{version} was prepared without its artifact's sha256, or for no part of a plan: prepare again")
    before = state.versions.get(version)
    stage = after(version, state.stage(version), "prepared")
    wanted = None if part == stage else part
    if before is None or not before.is_in_plan:
        return _with(state, version, Standing(stage, event.sha256, wanted, since_revision=state.revision))
    if event.sha256 != before.sha256:
        raise Refused(
            f"{version} gets records as the artifact {before.sha256[:12]}, and was prepared as {event.sha256[:12]}: "
            "register the new artifact under a version of its own, or roll this one back first"
        )
    return _with(state, version, replace(before, prepared_for=wanted))


def _planned(state: State, event: Event) -> State:
    plan = event.plan
    if plan is None or plan.revision != state.revision + 1:
        revision = "no plan" if plan is None else f"revision {plan.revision}"
        raise Refused(f"the next plan is revision {state.revision + 1}, and the event has {revision}: plan again")
    rollback = event.action == "rollback"
    _check_raised(state, plan)
    involved = dict.fromkeys((*(state.plan.versions if state.plan else ()), *plan.versions))
    moved = {version: _moved(state, version, plan, rollback=rollback) for version in involved}
    versions = MappingProxyType({**state.versions, **moved})
    return replace(state, plan=plan, versions=versions, previous=_previous(state, plan, rollback=rollback))


def _moved(state: State, version: str, plan: Plan, *, rollback: bool) -> Standing:
    """Where a version of the old or the new plan stands under the new one."""
    happening = _happening(state.stage(version), plan.part_of(version), rollback=rollback)
    if happening is None:
        standing = state.versions[version]
        return replace(standing, excluded=_still_excluded(version, standing, plan))
    stage = after(version, state.stage(version), happening)
    standing = state.versions[version]
    if standing.pruned:
        raise Refused(f"the topics of {version} are gone, so it cannot be {happening}: deploy it anew")
    if standing.paused and happening in {"promoted", "made the canary"}:
        raise _paused(version, standing, f"it cannot be {happening}")
    if happening == "promoted" and any(role == "answering" for role, _ in standing.excluded):
        raise Refused(
            f"partitions of {version} are excluded, and production's cannot be: take it back with `understudy rollback "
            f"{version}`, and deploy it again once its topic can be written to"
        )
    return replace(
        standing,
        stage=stage,
        prepared_for=None,
        paused=standing.paused if stage in {"shadow", "canary"} else "",
        excluded=_still_excluded(version, standing, plan),
        since_revision=plan.revision,
    )


def _happening(stage: Stage, part: str | None, *, rollback: bool) -> Happening | None:
    """What a plan does to a version by giving it this part; None where it leaves it as it is."""
    if part == stage:
        return None
    match part:
        case None:
            return "replaced" if stage == "production" and not rollback else "withdrawn"
        case "production":
            return "restored" if stage == "retired" and rollback else "promoted"
        case "canary":
            return "made the canary"
        case _:
            return "made a shadow"


def _previous(state: State, plan: Plan, *, rollback: bool) -> str | None:
    if state.plan is None or state.plan.production == plan.production:
        return state.previous
    return None if rollback else state.plan.production


def _check_raised(state: State, plan: Plan) -> None:
    """A paused canary's share is not raised."""
    before, canary = state.plan.canary if state.plan else None, plan.canary
    if before is None or canary is None or before.version != canary.version:
        return
    standing = state.versions[canary.version]
    if standing.paused and canary.share_ppm > before.share_ppm:
        raise _paused(canary.version, standing, "its share cannot be raised")


def _paused(version: str, standing: Standing, what: str) -> Refused:
    return Refused(
        f"{version} is paused ({standing.paused}), so {what}: resume it first with `understudy resume {version}`, "
        f"or take it back with `understudy rollback {version}`"
    )


def _still_excluded(version: str, standing: Standing, plan: Plan) -> frozenset[tuple[Role, int]]:
    """Exclusions last until their lane leaves the plan."""
    lanes = plan.lanes()
    return frozenset((role, partition) for role, partition in standing.excluded if Lane(version, role) in lanes)


def _pause(state: State, event: Event) -> State:
    version = _named(event)
    after(version, state.stage(version), "paused")
    return _with(state, version, replace(state.versions[version], paused=event.reason or "no reason was given"))


def _resumed(state: State, event: Event) -> State:
    version = _named(event)
    after(version, state.stage(version), "resumed")
    if not state.versions[version].paused:
        raise Refused(f"{version} is not paused: there is nothing to resume")
    return _with(state, version, replace(state.versions[version], paused=""))


def _excluded(state: State, event: Event) -> State:
    """The exclusion is noted, and the candidate that the lane is there for is paused: for a mirror, the canary."""
    version, role, partition = _named(event), event.details.get("role"), event.details.get("partition", "")
    after(version, state.stage(version), "excluded")
    plan = state.plan
    lane = next((Lane(version, each) for each in ROLES if each == role), None)
    if plan is None or lane is None or lane not in plan.lanes() or not partition.isdecimal():
        raise Refused(f"{version} has no lane {role}, partition {partition!r}, in the plan: nothing is to be excluded")
    if lane == Lane(plan.production, "answering"):
        raise Refused(f"production's own lane cannot be excluded: create its topic again, or roll {version} back")
    standing = state.versions[version]
    excluded = _with(state, version, replace(standing, excluded=standing.excluded | {(lane.role, int(partition))}))
    candidate = plan.canary.version if plan.canary and version == plan.production else version
    standing = excluded.versions[candidate]
    return _with(excluded, candidate, replace(standing, paused=standing.paused or event.reason or "a lane is excluded"))


def _withdrawn(state: State, event: Event) -> State:
    version = _named(event)
    stage = after(version, state.stage(version), "withdrawn")
    standing = state.versions[version]
    if standing.is_in_plan:
        raise Refused(f"{version} gets records: only a plan without it takes it back (`understudy rollback`)")
    return _with(state, version, replace(standing, stage=stage, prepared_for=None, since_revision=state.revision))


def _pruned(state: State, event: Event) -> State:
    version = _named(event)
    after(version, state.stage(version), "pruned")
    standing = state.versions[version]
    if standing.pruned:
        raise Refused(f"the topics of {version} are gone already")
    previous = None if version == state.previous else state.previous
    return replace(_with(state, version, replace(standing, pruned=True)), previous=previous)


_EFFECTS: Final[Mapping[str, Callable[[State, Event], State]]] = MappingProxyType(
    {
        "prepared": _prepared,
        "planned": _planned,
        "paused": _pause,
        "resumed": _resumed,
        "excluded": _excluded,
        "withdrawn": _withdrawn,
        "pruned": _pruned,
    }
)


def _named(event: Event) -> str:
    if event.version is None:
        raise Refused(f"an event of the kind {event.kind} names a version, and this one does not")
    return event.version


def _check(version: str) -> None:
    try:
        parse_version(version)
    except BadName as error:
        raise Refused(str(error)) from error


def _with(state: State, version: str, standing: Standing) -> State:
    return replace(state, versions=MappingProxyType({**state.versions, version: standing}))
