"""Exclusions find their way into the deployments, and topics grow while nobody is looking."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings

from understudy.app.provision import provision
from understudy.app.roles.attendant import Attendant
from understudy.core.log.errors import LogUnavailable
from understudy.core.log.memory import MemoryLog
from understudy.deployments.following import Follower
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Lane
from understudy.deployments.proposals import deploy_basic, deploy_shadow, prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft, Event
    from understudy.deployments.fold import State

PATIENCE_S = 30.0
SHADOWS = Lane(SHADOW, "shadow")


@dataclass
class Flaky:
    """Deployments that cannot be reached a few times. asked: how often they were."""

    real: DeploymentsLog
    failures: int
    asked: list[str] = field(default_factory=list)

    def append(self, propose: Callable[[State], Draft | None]) -> Event | None:
        self.asked.append(threading.current_thread().name)
        if len(self.asked) <= self.failures:
            raise LogUnavailable("no broker answers")
        return self.real.append(propose)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return endpoint_settings(tmp_path)


@pytest.fixture
def log(settings: Settings) -> MemoryLog:
    """An endpoint with a shadow."""
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings, (PRODUCTION, SHADOW))
    deployments = DeploymentsLog(log, settings.names, "test")
    deployments.append(lambda state: prepare(state, PRODUCTION, "1" * 64, "production"))
    deployments.append(lambda state: deploy_basic(state, PRODUCTION))
    deployments.append(lambda state: prepare(state, SHADOW, "2" * 64, "shadow"))
    deployments.append(lambda state: deploy_shadow(state, SHADOW))
    return log


def no_growth() -> bool:
    return False


def test_an_exclusion_is_noted_once_and_pauses_the_version(log: MemoryLog, settings: Settings) -> None:
    deployments = DeploymentsLog(log, settings.names, "router a")
    with Follower(log, settings.names) as follower, Attendant(deployments, no_growth) as attendant:
        for partition in (0, 2, 0):
            attendant.exclude(SHADOWS, partition, "its topic is gone")
        noted = follower.wait_for(lambda state: len(state.versions[SHADOW].excluded) == 2, PATIENCE_S)

    assert noted
    history = DeploymentsLog(log, settings.names, "test").read()
    excluded = [entry.event for entry in history.entries if entry.event is not None and entry.event.kind == "excluded"]
    assert [(event.actor, event.reason, event.details["partition"]) for event in excluded] == [
        ("router a", "its topic is gone", "0"),
        ("router a", "its topic is gone", "2"),
    ]
    assert history.state.versions[SHADOW].paused == "its topic is gone"


def test_it_is_tried_again_until_it_is_in_and_not_by_the_thread_that_routes(log: MemoryLog, settings: Settings) -> None:
    flaky = Flaky(DeploymentsLog(log, settings.names, "router a"), failures=2)
    attended = Attendant(flaky, no_growth, retry_s=0.01)
    with Follower(log, settings.names) as follower, attended as attendant:
        attendant.exclude(SHADOWS, 1, "its topic is gone")
        noted = follower.wait_for(lambda state: ("shadow", 1) in state.versions[SHADOW].excluded, PATIENCE_S)

    assert noted
    assert flaky.asked == ["attendant"] * 3


def test_what_the_releases_need_not_know_is_given_up(log: MemoryLog, settings: Settings) -> None:
    deployments = DeploymentsLog(log, settings.names, "router a")
    with Follower(log, settings.names) as follower, Attendant(deployments, no_growth) as attendant:
        attendant.exclude(Lane("sums:v9", "shadow"), 0, "never deployed")
        attendant.exclude(SHADOWS, 1, "its topic is gone")
        noted = follower.wait_for(lambda state: bool(state.versions[SHADOW].excluded), PATIENCE_S)

    assert noted


def test_an_attendant_that_nobody_can_hear_still_stops(log: MemoryLog, settings: Settings) -> None:
    flaky = Flaky(DeploymentsLog(log, settings.names, "router a"), failures=1_000_000)
    with Attendant(flaky, no_growth, retry_s=0.01) as attendant:
        attendant.exclude(SHADOWS, 1, "its topic is gone")

    assert "attendant" not in {thread.name for thread in threading.enumerate()}


def test_it_is_looked_again_and_again_whether_the_input_has_grown(log: MemoryLog, settings: Settings) -> None:
    looks = threading.Semaphore(0)

    def look() -> None:
        looks.release()
        raise LogUnavailable("no broker answers")

    with Attendant(DeploymentsLog(log, settings.names, "router a"), look, look_s=0.01):
        assert all(looks.acquire(timeout=PATIENCE_S) for _ in range(3))
