"""What people and programs ask for, as drafts of events. Pure.

Each function looks at the state that the draft is for, and raises Refused where the request makes no sense in it or
the life cycle forbids it: a draft that is written for this state takes effect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import xxhash

from understudy.deployments.errors import Refused
from understudy.deployments.events import FORCED, Draft
from understudy.deployments.fold import apply
from understudy.deployments.plan import MAX_SALT, Canary, InvalidPlan, Plan
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from understudy.deployments.events import Action
    from understudy.deployments.fold import PlannedPart, Standing, State
    from understudy.deployments.plan import Role

_PERCENT_PPM: Final = BUCKETS // 100


def prepare(state: State, version: str, sha256: str, part: PlannedPart) -> Draft | None:
    """Start the version's workers for a part of the plan. None where they are started for it already.

    sha256: of the version's artifact.
    """
    _check_open(state)
    standing = state.versions.get(version)
    if standing is not None and standing.sha256 == sha256 and part == (standing.prepared_for or standing.stage):
        return None
    return legal(state, Draft("prepared", version=version, sha256=sha256, action=part))


def deploy_basic(state: State, version: str, reason: str = "", forced: str = "") -> Draft:
    """Make a prepared version production at once: the first version of an endpoint, or instead of the one there is.

    Shadows stay. forced: which checks were overridden, here and below.
    """
    _check_known(state, version)
    return _planned(state, _with_production(state, version), "basic", version, reason, forced)


def deploy_shadow(state: State, version: str, reason: str = "", forced: str = "") -> Draft:
    """Give a prepared version every record, beside production. A canary becomes a shadow by this."""
    _check_known(state, version)
    plan = _plan(state, version)
    if version == plan.production:
        raise Refused(f"{version} is production; a shadow is another version, beside it")
    if version in plan.shadows:
        raise Refused(f"{version} is a shadow already: `understudy status` shows how it does")
    canary = None if plan.canary and plan.canary.version == version else plan.canary
    return _planned(
        state, _next(plan, shadows=(*plan.shadows, version), canary=canary), "shadow", version, reason, forced
    )


def deploy_canary(
    state: State,
    version: str,
    share_ppm: int,
    *,
    mirrored: bool = True,
    salt: int | None = None,
    reason: str = "",
    forced: str = "",
) -> Draft:
    """Give a prepared version or a shadow a share of the keys, in millionths, or change the share of the canary.

    salt: which keys a share takes, from 0 to 2**63 - 1. By default it follows from the version's name, so that it is
    not always the same users who get the canaries, and it stays as it is while the share is changed.
    """
    _check_known(state, version)
    plan = _plan(state, version)
    _check_share(share_ppm)
    if version == plan.production:
        raise Refused(f"{version} is production and gets all records; a canary is another version")
    before = plan.canary
    if before is not None and before.version != version:
        raise Refused(f"{before.version} is the canary, and there is one at a time: promote it or roll it back first")
    canary = Canary(version, share_ppm, mirrored)
    chosen = plan.salt if before and salt is None else _salt_of(version) if salt is None else salt
    if canary == before and chosen == plan.salt:
        raise Refused(f"{version} is the canary with {_percent(share_ppm)} of the keys already: name another share")
    if before is not None and chosen != plan.salt:
        raise Refused(f"another salt would move keys that {version} answers: roll it back first")
    return _planned(
        state, _next(plan, shadows=_less(plan, version), canary=canary, salt=chosen), "canary", version, reason, forced
    )


def promote(state: State, version: str | None = None, reason: str = "", forced: str = "") -> Draft:
    """Make the canary or a shadow production; without a version, the only candidate there is."""
    _check_open(state)
    version = version or _only_candidate(state, "promote")
    plan = _plan(state, version)
    _check_known(state, version)
    if version == plan.production:
        raise Refused(f"{version} is production already: there is nothing to promote")
    if version not in plan.versions:
        raise Refused(
            f"{version} gets no records, so nothing is known of it: deploy it as a shadow or a canary first, or make "
            "it production unseen with `understudy deploy --strategy basic`"
        )
    return _planned(state, _with_production(state, version), "promote", version, reason, forced)


def rollback(state: State, version: str | None = None, reason: str = "", forced: str = "") -> Draft:
    """Take a version back: the canary, a shadow, production (to the version before it), or a preparation.

    Without a version: the canary, else whatever else is the only one that can be.
    """
    _check_open(state)
    version = version or _only_taken_back(state)
    _check_known(state, version)
    plan, stage = state.plan, state.stage(version)
    if stage in {"prepared", "retired"}:
        return legal(state, Draft("withdrawn", reason, version))
    if stage == "withdrawn" or plan is None:
        raise Refused(f"{version} is withdrawn already: there is nothing to take back")
    if version == plan.production:
        return _planned(state, _restored(state, plan), "rollback", version, reason, forced)
    canary = None if plan.canary and plan.canary.version == version else plan.canary
    return _planned(
        state, _next(plan, shadows=_less(plan, version), canary=canary), "rollback", version, reason, forced
    )


def pause(state: State, version: str | None = None, reason: str = "") -> Draft:
    """Hold a candidate at the share that it has; without a version, the only candidate there is."""
    version, standing = _candidate(state, version, "pause")
    if standing.paused:
        raise Refused(f"{version} is paused already ({standing.paused})")
    return legal(state, Draft("paused", reason or "on request", version))


def resume(state: State, version: str | None = None, reason: str = "") -> Draft:
    """Go on with a candidate that is paused; without a version, the only candidate there is."""
    version, _ = _candidate(state, version, "resume")
    return legal(state, Draft("resumed", reason, version))


def exclude(state: State, version: str, role: Role, partition: int, reason: str) -> Draft | None:
    """Note that a lane could not be written to in a partition; None where that is noted. The candidate is paused."""
    _check_known(state, version)
    if (role, partition) in state.versions[version].excluded:
        return None
    details = {"role": role, "partition": str(partition)}
    return legal(state, Draft("excluded", reason, version, details=details))


def prune(state: State, version: str, reason: str = "") -> Draft:
    """Note that the topics of a version that left are gone."""
    _check_known(state, version)
    return legal(state, Draft("pruned", reason, version))


def legal(state: State, draft: Draft) -> Draft:
    """The draft, which takes effect in this state. Raises Refused with the fold's reason where it does not."""
    refusal = apply(state, draft.signed("", state.sequence + 1, 0, "")).refusal
    if refusal:
        raise Refused(refusal)
    return draft


def _planned(state: State, plan: Plan, action: Action, version: str, reason: str, forced: str) -> Draft:
    try:
        plan.check_fits_note()
    except InvalidPlan as error:
        raise Refused(str(error)) from error
    details = {FORCED: forced} if forced else {}
    return legal(state, Draft("planned", reason, version, action=action, plan=plan, details=details))


def _next(plan: Plan, **changes: object) -> Plan:
    return replace(plan, revision=plan.revision + 1, **changes)  # type: ignore[arg-type] # fields of Plan, by name


def _with_production(state: State, version: str) -> Plan:
    """The next plan, where the version is production and the other shadows stay."""
    plan = state.plan
    if plan is None:
        return Plan.basic(1, version)
    if version == plan.production:
        raise Refused(f"{version} is production already")
    if plan.canary is not None and plan.canary.version != version:
        raise Refused(
            f"{plan.canary.version} is the canary beside {plan.production}, and production does not change under it: "
            f"promote it, or take it back with `understudy rollback {plan.canary.version}` first"
        )
    return _next(plan, production=version, shadows=_less(plan, version), canary=None)


def _restored(state: State, plan: Plan) -> Plan:
    """The next plan, where production is the version that it was before."""
    version = state.previous
    if version is None:
        raise Refused(
            f"there is no version before {plan.production} to roll back to (none, it was pruned, or production was "
            "rolled back already): deploy the version that is to replace it"
        )
    if state.stage(version) == "withdrawn":
        raise Refused(
            f"production before was {version}, whose workers are stopped by now: "
            f"`understudy deploy {version} --strategy basic` starts them first"
        )
    canary = None if plan.canary and plan.canary.version == version else plan.canary
    return _next(plan, production=version, shadows=_less(plan, version), canary=canary)


def _plan(state: State, version: str) -> Plan:
    if state.plan is None:
        raise Refused(f"nothing is in production yet: `understudy deploy {version} --strategy basic` begins")
    return state.plan


def _less(plan: Plan, version: str) -> tuple[str, ...]:
    return tuple(each for each in plan.shadows if each != version)


def _check_open(state: State) -> None:
    if state.frozen:
        raise Refused(f"nothing can be changed from here: {state.frozen}")


def _check_known(state: State, version: str) -> None:
    _check_open(state)
    if version not in state.versions:
        known = ", ".join(state.versions) or "none yet"
        raise Refused(f"{version} was never deployed here (known: {known}): `understudy deploy {version}` does that")


def _check_share(share_ppm: int) -> None:
    if not 0 < share_ppm <= BUCKETS:
        raise Refused(
            f"a canary with {_percent(share_ppm)} of the keys is none: give a share above 0 % and up to 100 %"
            + ("; to take it back, use `understudy rollback`" if share_ppm == 0 else "")
        )


def _percent(share_ppm: int) -> str:
    return f"{share_ppm / _PERCENT_PPM:g} %"


def _salt_of(version: str) -> int:
    return xxhash.xxh64_intdigest(version.encode()) & MAX_SALT


def _candidates(state: State) -> list[str]:
    """The canary and the shadows."""
    return [] if state.plan is None else [each for each in state.plan.versions if each != state.plan.production]


def _only_candidate(state: State, verb: str) -> str:
    """The canary, or the only shadow."""
    candidates = _candidates(state)
    if state.plan is not None and state.plan.canary is not None:
        return state.plan.canary.version
    if len(candidates) == 1:
        return candidates[0]
    raise Refused(
        f"there is no canary and no shadow to {verb}: deploy one first"
        if not candidates
        else f"{' and '.join(candidates)} are shadows: say which to {verb}"
    )


def _only_taken_back(state: State) -> str:
    """The canary, else whatever else can be taken back, where it is one."""
    plan = state.plan
    if plan is not None and plan.canary is not None:
        return plan.canary.version
    prepared = [version for version, each in state.versions.items() if each.stage == "prepared"]
    production = [plan.production] if plan is not None and state.previous is not None else []
    choices = [*_candidates(state), *prepared, *production]
    if len(choices) == 1:
        return choices[0]
    raise Refused(
        "there is nothing to roll back: no canary, no shadow, and no version before production's"
        if not choices
        else f"{' and '.join(choices)} can be rolled back: say which"
    )


def _candidate(state: State, version: str | None, verb: str) -> tuple[str, Standing]:
    _check_open(state)
    version = version or _only_candidate(state, verb)
    _check_known(state, version)
    if version not in _candidates(state):
        raise Refused(
            f"{version} is {state.stage(version)}; only the canary and shadows can be paused and resumed"
            + ("; production is rolled back with `understudy rollback`" if state.stage(version) == "production" else "")
        )
    return version, state.versions[version]
