"""Runs a supervisor until it is told to stop."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.app.reclaiming.debts import owes_nothing
from understudy.app.supervising.asking import on_a_thread
from understudy.app.supervising.supervisor import Limits, Supervisor
from understudy.core.log.errors import LogError
from understudy.core.telemetry import logger
from understudy.deployments.errors import Refused
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import InvalidPlan
from understudy.deployments.proposals import pause

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from understudy.app.roles.probes import Health
    from understudy.app.roles.running import Stop
    from understudy.app.supervising.asking import Ask
    from understudy.app.supervising.launching import Launcher
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft
    from understudy.deployments.fold import Standing, State

LOOK_S: Final = 0.1
ASK_S: Final = 1.0
"""How often the log is asked whether one version still owes something."""


class Left(NamedTuple):
    """A version that left the plan of that revision."""

    version: str
    revision: int


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

    def __init__(
        self,
        log: Log,
        settings: Settings,
        actor: str,
        clock: Callable[[], float] = time.monotonic,
        ask: Ask = on_a_thread,
    ) -> None:
        self._log: Final = log
        self._settings: Final = settings
        self._actor: Final = actor
        self._clock: Final = clock
        self._ask: Final = ask
        self._asked: Final[dict[Left, Future[bool]]] = {}
        self._answers: Final[dict[Left, bool]] = {}
        self._again_s: Final[dict[Left, float]] = {}
        self._telling: Final = logger("understudy", endpoint=settings.endpoint)

    def owes_nothing(self, version: str, standing: Standing) -> bool | None:
        """See `Releases.owes_nothing`. What is settled stays so until the version is deployed anew."""
        left = Left(version, standing.since_revision)
        is_due = left not in self._asked and self._clock() >= self._again_s.get(left, 0.0)
        if is_due and not self._answers.get(left):
            self._asked[left] = self._ask(partial(self._is_settled, version, standing))
        if left in self._asked and self._asked[left].done():
            self._answers[left] = _settled(self._asked.pop(left))
            self._again_s[left] = self._clock() + ASK_S
        return self._answers.get(left)

    def _is_settled(self, version: str, standing: Standing) -> bool:
        with self._log.admin() as admin:
            return owes_nothing(admin, self._settings, version, standing)

    def pause(self, version: str, reason: str) -> Future[int | None]:
        """See `Releases.pause`. Where it is paused already, that is enough."""
        return self._ask(partial(self._pause, version, reason))

    def _pause(self, version: str, reason: str) -> int | None:
        seen = 0

        def propose(state: State) -> Draft | None:
            nonlocal seen
            seen = state.sequence
            return None if state.versions[version].paused else pause(state, version, reason)

        try:
            event = DeploymentsLog(self._log, self._settings.names, self._actor).append(propose)
        except (Refused, LogError) as error:
            self._telling.warning("the pause cannot be noted yet", version=version, pause=reason, reason=str(error))
            return None
        return seen if event is None else event.sequence


def _settled(answer: Future[bool]) -> bool:
    """Where the log cannot say, a version counts as one that owes: who reclaims tells what is in the way."""
    try:
        return answer.result()
    except (LogError, InvalidPlan):
        return False
