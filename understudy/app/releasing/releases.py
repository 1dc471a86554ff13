"""Deploys, promotes and takes back versions: what the commands of these names do."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.provision import may_owe, provision_version
from understudy.app.reclaiming.debts import has_lanes
from understudy.app.releasing.errors import NotFinished
from understudy.app.releasing.fitting import check_fits
from understudy.app.releasing.orders import rehearse
from understudy.app.releasing.readiness import (
    left_behind,
    left_without_lanes,
    routers_lack,
    skip_settled,
    version_lacks,
)
from understudy.app.releasing.telling import story
from understudy.app.wire_schemas import event_schema
from understudy.core.topics import check_names
from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.log import DeploymentsLog
from understudy.models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.releasing.orders import Order, Propose
    from understudy.app.releasing.telling import Told
    from understudy.app.releasing.waiting import Patience
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft, Event
    from understudy.deployments.fold import PlannedPart, Standing, State
    from understudy.deployments.lifecycle import Stage

NOT_READY: Final = "without waiting for "
ROUTER_HINT: Final = (
    "A router takes up a plan within moments as long as it runs: start `understudy router` where none does."
)


@dataclass(frozen=True, slots=True)
class Released:
    """What came of a request. adopted_s: how long the routers took to adopt the plan; None where nobody waited."""

    told: Told
    adopted_s: float | None = None

    @property
    def event(self) -> Event:
        """The event that took effect."""
        return self.told.event


@dataclass(frozen=True, slots=True)
class Change:
    """A plan that is asked for, and the version that has to be ready for it.

    draft: the planned event; its second argument says which checks were overridden. version: what has to be prepared
    for `part`, as the artifact with this sha256. again: the command that goes on with it.
    """

    draft: Callable[[State, str], Draft]
    version: str
    part: PlannedPart
    sha256: str
    again: str


class Releases:
    """Changes an endpoint's releases, waits for what has to be ready, and says what for.

    actor: who asks, for the history. Everything here raises Refused where the state does not allow it, and says what
    others did meanwhile where that is why; LogError; CannotProvision; NotFinished where a wait was cut short, which
    leaves everything so that the same request goes on with it.
    """

    def __init__(self, log: Log, settings: Settings, actor: str, patience: Patience) -> None:
        self._log: Final = log
        self._settings: Final = settings
        self._patience: Final = patience
        self._deployments: Final = DeploymentsLog(log, settings.names, actor)
        self._since = 0
        self._own: Final[set[str]] = set()

    def deploy(self, order: Order, *, wait: bool = True) -> Released:
        """Make a registered version production, a shadow or the canary, once its workers are ready.

        wait: without it, nothing is waited for, and what was not ready is written into the history. Raises
        UnknownModel, DoesNotFit, SettingsError, InvalidSchema and BadName too.
        """
        manifest = Registry(self._settings.models.registry).manifest(order.version)
        check_fits(manifest, event_schema(self._settings))
        again = f"understudy deploy {order.version} --strategy {order.strategy}"
        return self._change(
            self._begin(), Change(order.draft, order.version, order.part, manifest.sha256, again), wait=wait
        )

    def promote(self, version: str | None = None, reason: str = "", *, wait: bool = True) -> Released:
        """Make the canary or a shadow production, once its workers are ready for it."""
        state = self._begin()
        chosen = _version_of(proposals.promote(state, version))
        change = Change(
            lambda later, forced: proposals.promote(later, chosen, reason, forced),
            chosen,
            "production",
            state.versions[chosen].sha256,
            f"understudy promote {chosen}",
        )
        return self._change(state, change, wait=wait)

    def rollback(self, version: str | None = None, reason: str = "", *, wait: bool = True) -> Released:
        """Take back the canary, a shadow, a preparation, or production, for which the version before it is readied."""
        state = self._begin()
        draft = proposals.rollback(state, version)
        chosen = _version_of(draft)
        target = draft.plan.production if draft.plan is not None else None
        if (
            target is None
            or state.plan is None
            or target == state.plan.production
            or not self._lacks(target, "production")
        ):
            return self._finish(self._append(lambda later: proposals.rollback(later, chosen, reason)), wait=wait)
        change = Change(
            lambda later, forced: proposals.rollback(later, chosen, reason, forced),
            target,
            "production",
            state.versions[target].sha256,
            f"understudy rollback {chosen}",
        )
        return self._change(state, change, wait=wait)

    def pause(self, version: str | None = None, reason: str = "") -> Released:
        """Hold a candidate at what it has."""
        self._begin()
        return self._finish(self._append(lambda state: proposals.pause(state, version, reason)), wait=False)

    def resume(self, version: str | None = None, reason: str = "") -> Released:
        """Let a candidate that is paused go on."""
        self._begin()
        return self._finish(self._append(lambda state: proposals.resume(state, version, reason)), wait=False)

    def _begin(self) -> State:
        state = self._deployments.read().state
        self._since = state.sequence
        return state

    def _change(self, state: State, change: Change, *, wait: bool) -> Released:
        """Prepare, wait, plan."""
        before = state.versions.get(change.version)

        def prepare(state: State) -> Draft | None:
            if before is not None and before.is_in_plan and not state.versions[change.version].is_in_plan:
                raise Refused(f"{change.version} was taken back")
            return proposals.prepare(state, change.version, change.sha256, change.part)

        if before is not None and before.is_in_plan:
            rehearse(state, lambda state: change.draft(state, ""))  # says more than that it cannot be prepared
        rehearse(state, prepare, lambda state: change.draft(state, ""))
        check_names(self._settings.names, list(dict.fromkeys((*state.versions, change.version))))
        if before is not None and before.stage == "withdrawn":
            self._settle(change, before, wait=wait)
        only_grow = self._may_have_lost(change.version, before)
        with self._log.admin() as admin:
            provision_version(admin, self._settings, change.version, only_grow=only_grow)
        self._append_if_due(prepare)
        lacking = self._lacks(change.version, change.part)
        if lacking and wait:
            self._await_workers(change, state.stage(change.version))
        forced = f"{NOT_READY}{lacking}" if lacking and not wait else ""
        return self._finish(self._append(lambda state: change.draft(state, forced)), wait=wait)

    def _may_have_lost(self, version: str, standing: Standing | None) -> bool:
        """Whether a lane that is missing was lost with what the version owes, so that an empty one would hide it.

        What a withdrawn version owes is settled by now.
        """
        if standing is None or standing.stage == "withdrawn" or not may_owe(standing):
            return False
        return standing.is_in_plan or bool(left_without_lanes(self._log, self._settings, version, standing))

    def _settle(self, change: Change, standing: Standing, *, wait: bool) -> None:
        """What the version was taken back with is accounted for before it begins anew.

        Without a wait, its own workers go on with what its lanes hold; with what is gone with a lane, nobody would.
        """
        version = change.version
        if wait:
            self._await_reclaimers(change, standing)
        elif owed := left_without_lanes(self._log, self._settings, version, standing):
            raise Refused(f"{version} cannot be deployed yet, it has to wait for {owed}: leave --no-wait out")
        with self._log.admin() as admin:
            if not has_lanes(admin, self._settings, version):
                skip_settled(admin, self._settings, version)

    def _await_reclaimers(self, change: Change, standing: Standing) -> None:
        version = change.version
        hint = "What a withdrawn version owes is accounted for where `understudy worker --follow` runs."
        outcome = self._patience.until(lambda: left_behind(self._log, self._settings, version, standing), hint)
        if outcome != "done":
            why = "Stopped" if outcome == "stopped" else f"Still so after {self._patience.timeout_s:g} s"
            raise NotFinished(f"{why}: {version} is as it was, withdrawn. Deploy it later with: {change.again}")

    def _await_workers(self, change: Change, stage: Stage) -> None:
        """stage: what the version was before it was prepared."""
        version = change.version
        hint = (
            f"Workers start by themselves where `understudy worker --follow` runs; or run: understudy worker {version}"
        )

        def lacking() -> str:
            self._check_wanted(change)
            return version_lacks(admin, self._settings, version, change.part)

        with self._log.admin() as admin:
            outcome = self._patience.until(lacking, hint)
        if outcome == "done":
            return
        why = "Stopped" if outcome == "stopped" else f"Not ready after {self._patience.timeout_s:g} s"
        match stage:
            case "shadow" | "canary" as part:
                # Else its workers would go on as production's, with nothing to hold them back.
                self._append_if_due(lambda state: proposals.prepare(state, version, change.sha256, part))
                raise NotFinished(f"{why}: the plan and {version} are as they were. Go on with: {change.again}")
            case "retired":
                undo = ""  # once it is taken back, production can not be rolled back to it
            case _:
                undo = f". Take the preparation back with: understudy rollback {version}"
        raise NotFinished(
            f"{why}: the plan is as it was, and {version} stays prepared. Go on with: {change.again}{undo}"
        )

    def _check_wanted(self, change: Change) -> None:
        """Nothing that others did meanwhile has made the change impossible. Raises Refused."""
        try:
            rehearse(self._deployments.read().state, lambda state: change.draft(state, ""))
        except Refused as error:
            raise Refused(f"{error}{self._meanwhile()}") from error

    def _finish(self, event: Event, *, wait: bool) -> Released:
        """Wait until the routers have adopted the event's plan, if it has one."""
        plan, clock = event.plan, self._patience.clock
        if plan is None or not wait:
            return Released(self._told(event))
        began_s = clock()
        with self._log.admin() as admin:
            outcome = self._patience.until(lambda: routers_lack(admin, self._settings, plan.revision), ROUTER_HINT)
        if outcome != "done":
            why = "Stopped waiting" if outcome == "stopped" else f"Not adopted after {self._patience.timeout_s:g} s"
            raise NotFinished(
                f"{why}: revision {plan.revision} is written down, and routers adopt it as soon as they run. "
                "See how far they are with: understudy status"
            )
        adopted_s = clock() - began_s
        return Released(self._told(event), adopted_s)

    def _told(self, event: Event) -> Told:
        return next(each for each in story(self._deployments.read()) if each.event.id == event.id and not each.refusal)

    def _lacks(self, version: str, part: PlannedPart) -> str:
        with self._log.admin() as admin:
            return version_lacks(admin, self._settings, version, part)

    def _append(self, propose: Callable[[State], Draft]) -> Event:
        event = self._append_if_due(propose)
        if event is None:
            raise AssertionError("a proposal that is a draft is appended, or refused")
        return event

    def _append_if_due(self, propose: Propose) -> Event | None:
        try:
            event = self._deployments.append(propose)
        except Refused as error:
            raise Refused(f"{error}{self._meanwhile()}") from error
        if event is not None:
            self._own.add(event.id)
        return event

    def _meanwhile(self) -> str:
        """What others did since this request began."""
        told = [
            f"{each.event.actor} {each.sentence}"
            for each in story(self._deployments.read())
            if not each.refusal and each.event.sequence > self._since and each.event.id not in self._own
        ]
        return f". Meanwhile {'; then '.join(told)}" if told else ""


def _version_of(draft: Draft) -> str:
    if draft.version is None:
        raise AssertionError("what is asked for by a person is about a version")
    return draft.version


def person() -> str:
    """Who runs this: user and host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
