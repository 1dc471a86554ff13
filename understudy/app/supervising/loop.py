"""Runs a supervisor until it is told to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from understudy.app.reclaiming.debts import owes_nothing
from understudy.app.supervising.supervisor import NEVER, Limits, Supervisor
from understudy.core.log.errors import LogUnavailable
from understudy.core.telemetry import logger
from understudy.deployments.errors import Refused
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.proposals import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.roles.probes import Health
    from understudy.app.roles.running import Stop
    from understudy.app.supervising.launching import Launcher
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft
    from understudy.deployments.fold import Standing, State

LOOK_S: Final = 0.1
ASK_S: Final = 1.0
"""How often the log is asked whether one version still owes something."""


def supervise(
    settings: Settings,
    log: Log,
    state: Callable[[], State],
    slot: str,
    launcher: Launcher,
    stop: Stop,
    health: Health,
) -> None:
    """Keep the workers running that the releases need, and end them all when `stop` is set or anything fails.

    state: the releases' latest. Raises Fenced where another supervisor has this slot; LogUnavailable where the
    releases cannot be followed any more.
    """
    given = settings.worker
    limits = Limits(given.restart_limit, given.restart_window_s)
    supervisor = Supervisor(launcher, LogReleases(log, settings, f"supervisor {slot}"), slot, limits)
    try:
        while not stop.is_set():
            supervisor.look(state(), time.monotonic())
            health.tick()
            _say(health, supervisor.unready(state()))
            stop.wait(LOOK_S)
    finally:
        health.wait_for("it is stopping")
        supervisor.stop(time.monotonic())
        while supervisor.stopping(time.monotonic()):
            time.sleep(LOOK_S / 2)


def _say(health: Health, unready: str) -> None:
    if unready:
        health.wait_for(unready)
    else:
        health.ready()


class LogReleases:
    """The releases in the log. Implements `Releases`. actor: who pauses, for the history."""

    def __init__(self, log: Log, settings: Settings, actor: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log: Final = log
        self._settings: Final = settings
        self._deployments: Final = DeploymentsLog(log, settings.names, actor)
        self._clock: Final = clock
        self._settled: Final[set[tuple[str, int]]] = set()
        self._asked_s: Final[dict[str, float]] = {}
        self._telling: Final = logger("understudy", endpoint=settings.endpoint)

    def owes_nothing(self, version: str, standing: Standing) -> bool:
        """See `Releases.owes_nothing`. What is settled stays so until the version is deployed anew."""
        left = (version, standing.since_revision)
        if left not in self._settled and self._clock() >= self._asked_s.get(version, 0.0) + ASK_S:
            if self._ask(version, standing):
                self._settled.add(left)
            self._asked_s[version] = self._clock()
        return left in self._settled

    def _ask(self, version: str, standing: Standing) -> bool:
        try:
            with self._log.admin() as admin:
                return owes_nothing(admin, self._settings, version, standing)
        except LogUnavailable:
            return False

    def pause(self, version: str, reason: str) -> int | None:
        """See `Releases.pause`. Where it is paused already, that is enough."""
        seen = NEVER

        def propose(state: State) -> Draft | None:
            nonlocal seen
            seen = state.sequence
            return None if state.versions[version].paused else pause(state, version, reason)

        try:
            event = self._deployments.append(propose)
        except Refused as refused:
            self._telling.warning("given up", version=version, reason=reason, not_paused=str(refused))
            return NEVER
        except LogUnavailable as outage:
            self._telling.warning("the pause cannot be noted yet", version=version, reason=str(outage))
            return None
        return seen if event is None else event.sequence
