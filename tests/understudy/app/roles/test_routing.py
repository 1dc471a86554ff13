"""The router as it runs, on both logs: it follows what is deployed."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from support.pile import stored
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings

from understudy.app.provision import provision
from understudy.app.roles.routing import growing, routing
from understudy.app.roles.running import run_role
from understudy.core.log.contract import Output, TopicPartition
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Plan
from understudy.deployments.proposals import deploy_basic, deploy_canary, deploy_shadow, prepare, prune, rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

PATIENCE_S = 30.0
LOOK_S = 0.01
EFFECT_S = 2.0
"""Twice what is promised, for a machine that has much else to do."""
PARTITIONS = 2


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest) -> Log:
    return MemoryLog() if request.param == "memory" else KafkaLog(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture
def settings(tmp_path: Path, log: Log) -> Settings:
    """An endpoint whose topics are there."""
    made = endpoint_settings(tmp_path, endpoint=f"routes-{uuid4().hex[:6]}", topics={"partitions": PARTITIONS})
    with log.admin() as admin:
        provision(admin, made, (PRODUCTION, SHADOW))
    return made


@contextmanager
def running(log: Log, settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    with routing(settings, "a", log) as role:
        thread = threading.Thread(target=run_role, args=(role, log, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_S)


def deploy(log: Log, settings: Settings) -> DeploymentsLog:
    deployments = DeploymentsLog(log, settings.names, "test")
    deployments.append(lambda state: prepare(state, PRODUCTION, "1" * 64, "production"))
    deployments.append(lambda state: deploy_basic(state, PRODUCTION))
    return deployments


def feed(log: Log, settings: Settings) -> None:
    with log.writer("users") as users:
        outputs = [Output(settings.names.input, p, stored([b"x"] * 10, 0)) for p in range(PARTITIONS)]
        assert users.commit(outputs)


def revisions(log: Log, settings: Settings) -> set[int]:
    """Those that the input partitions follow."""
    with log.admin() as admin:
        notes = [position.note for position in admin.positions(settings.names.router_group).values()]
    return {Plan.from_note(note).revision if note else 0 for note in notes}


def wait_until(condition: Callable[[], bool]) -> float:
    """How long it took, in seconds."""
    began_s, never = time.monotonic(), threading.Event()
    while not condition():
        assert time.monotonic() < began_s + PATIENCE_S, "not in time"
        never.wait(LOOK_S)
    return time.monotonic() - began_s


def test_nothing_is_routed_before_something_is_deployed_and_then_everything(log: Log, settings: Settings) -> None:
    names = settings.names
    feed(log, settings)
    with running(log, settings):
        wait_until(lambda: bool(members(log, settings)))
        assert revisions(log, settings) == {0}
        deploy(log, settings)
        wait_until(lambda: revisions(log, settings) == {1})

        with log.admin() as admin:
            lanes = [TopicPartition(names.requests(PRODUCTION), p) for p in range(PARTITIONS)]
            wait_until(lambda: all(end >= 11 for end in admin.end_offsets(lanes).values()))


def members(log: Log, settings: Settings) -> list[object]:
    with log.admin() as admin:
        return [member for member in admin.members(settings.names.router_group) if member.partitions]


def test_a_change_takes_effect_where_no_data_flows(log: Log, settings: Settings) -> None:
    deployments = deploy(log, settings)
    deployments.append(lambda state: prepare(state, SHADOW, "2" * 64, "canary"))
    with running(log, settings):
        wait_until(lambda: revisions(log, settings) == {1})

        deployments.append(lambda state: deploy_canary(state, SHADOW, 50_000))

        assert wait_until(lambda: revisions(log, settings) == {2}) < EFFECT_S


def test_a_lane_that_is_gone_is_left_out_and_the_releases_know(log: Log, settings: Settings) -> None:
    names = settings.names
    deployments = deploy(log, settings)
    deployments.append(lambda state: prepare(state, SHADOW, "2" * 64, "canary"))
    deployments.append(lambda state: deploy_canary(state, SHADOW, 500_000))
    with log.admin() as admin:
        admin.delete([names.requests(SHADOW)])
    feed(log, settings)

    with running(log, settings):
        wait_until(lambda: len(deployments.read().state.versions[SHADOW].excluded) == PARTITIONS)

        assert names.requests(SHADOW) in deployments.read().state.versions[SHADOW].paused
        with log.admin() as admin:
            lanes = [TopicPartition(names.requests(PRODUCTION), p) for p in range(PARTITIONS)]
            wait_until(lambda: all(end >= 11 for end in admin.end_offsets(lanes).values()))
            assert names.requests(SHADOW) not in admin.describe([names.requests(SHADOW)])


def test_lanes_grow_of_every_version_that_may_have_some(log: Log, settings: Settings) -> None:
    deployments = deploy(log, settings)
    deployments.append(lambda state: prepare(state, SHADOW, "2" * 64, "shadow"))
    deployments.append(lambda state: deploy_shadow(state, SHADOW))
    deployments.append(lambda state: rollback(state, SHADOW))

    assert growing(deployments.read().state) == (PRODUCTION, SHADOW)
    deployments.append(lambda state: prune(state, SHADOW))
    assert growing(deployments.read().state) == (PRODUCTION,)


def test_an_endpoint_without_topics_is_told_of_them(tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic, match="understudy topics"), routing(endpoint_settings(tmp_path), "a", MemoryLog()):
        pass
