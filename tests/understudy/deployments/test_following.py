from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.story import V1, V2, create_deployments, digest

from understudy.app.brokers.local import running_broker, start, stop
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import LogError, LogUnavailable, UnknownTopic
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog, VirtualClock
from understudy.core.outgoing import outputs
from understudy.core.topics import EndpointTopics
from understudy.deployments import proposals
from understudy.deployments.events import Draft, encode
from understudy.deployments.fold import State
from understudy.deployments.following import Follower
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Log
    from understudy.deployments.events import Event

IN_TIME_S = 20.0
LATENCY_S = 0.1
CHANGES = 20


@pytest.fixture
def deployments(log: Log, names: EndpointTopics) -> DeploymentsLog:
    return DeploymentsLog(log, names, "ann@laptop")


def prepare(deployments: DeploymentsLog, version: str = V1) -> Event:
    return appended(deployments, lambda state: proposals.prepare(state, version, digest(version), "production"))


def begin(deployments: DeploymentsLog) -> None:
    prepare(deployments)
    appended(deployments, lambda state: proposals.deploy_basic(state, V1))


def appended(deployments: DeploymentsLog, propose: Callable[[State], Draft | None]) -> Event:
    event = deployments.append(propose)
    assert event is not None
    return event


def test_all_that_is_there_is_known_on_entry(log: Log, names: EndpointTopics, deployments: DeploymentsLog) -> None:
    begin(deployments)

    with Follower(log, names) as follower:
        assert follower.state() == deployments.read().state
        assert follower.state().plan == Plan.basic(1, V1)


def test_what_comes_later_is_known_without_asking(log: Log, names: EndpointTopics, deployments: DeploymentsLog) -> None:
    with Follower(log, names) as follower:
        assert follower.state() == State()
        begin(deployments)
        assert follower.wait(2, IN_TIME_S)
        assert follower.state() == deployments.read().state
        assert not follower.wait(3, 0.0)


def test_whoever_waits_for_something_else_is_told(log: Log, names: EndpointTopics, deployments: DeploymentsLog) -> None:
    with Follower(log, names) as follower:
        told: list[bool] = []
        waiter = threading.Thread(
            target=lambda: told.append(follower.wait_for(lambda state: state.plan is not None, IN_TIME_S))
        )
        waiter.start()
        begin(deployments)
        waiter.join()
        assert told == [True]
        assert not follower.wait_for(lambda state: bool(state.frozen), 0.0)


def test_the_last_state_stays_when_nobody_follows_any_more(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog
) -> None:
    begin(deployments)
    with Follower(log, names) as follower:
        pass
    prepare(deployments, V2)

    assert follower.state().sequence == 2


def test_one_thread_follows_by_polling(log: Log, names: EndpointTopics, deployments: DeploymentsLog) -> None:
    follower = Follower(log, names)
    assert follower.state() == State()
    begin(deployments)
    assert follower.poll() == deployments.read().state
    prepare(deployments, V2)
    assert follower.poll(IN_TIME_S).sequence == 3
    follower.close()


def test_virtual_time_is_enough_to_poll() -> None:
    log, names = MemoryLog(VirtualClock()), EndpointTopics("flights")
    create_deployments(log, names)
    follower = Follower(log, names)
    begin(DeploymentsLog(log, names, "ann"))

    assert follower.poll(0.5).sequence == 2
    assert follower.poll(0.5).sequence == 2
    follower.close()


def test_a_missing_topic_is_told_on_entry(log: Log) -> None:
    with pytest.raises(UnknownTopic, match="understudy topics"), Follower(log, EndpointTopics("nowhere")):
        pass


def test_what_is_not_understood_freezes_and_the_plan_stays(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog
) -> None:
    begin(deployments)
    with Follower(log, names) as follower, log.writer("newer") as writer:
        assert writer.commit(outputs(TopicPartition(names.deployments, 0), [None], [b"hello"], [0]))
        assert follower.wait_for(lambda state: state.frozen != "", IN_TIME_S)
        assert follower.state().plan == Plan.basic(1, V1)
        assert "is no event" in follower.state().frozen


def test_a_history_that_was_replaced_freezes_and_the_plan_stays(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog
) -> None:
    begin(deployments)
    with Follower(log, names) as follower:
        with log.admin() as admin:
            admin.delete([names.deployments])
        create_deployments(log, names)
        assert follower.wait_for(lambda state: state.frozen != "", IN_TIME_S)
        assert follower.state().plan == Plan.basic(1, V1)
        assert "the history cannot be read any more" in follower.state().frozen


@pytest.mark.kafka
def test_a_change_is_known_within_a_tenth_of_a_second(kafka_bootstrap: str, names: EndpointTopics) -> None:
    log = KafkaLog(kafka_bootstrap)
    create_deployments(log, names)
    late_s = []
    with Follower(log, names) as follower, log.writer(names.deployments_writer) as writer:
        for number in range(1, 1 + CHANGES):
            draft = Draft("prepared", version=f"delay:v{number}", sha256="abc", action="shadow")
            value = encode(draft.signed(f"event {number}", number, 0, "ann"))
            began_s = time.monotonic()
            assert writer.commit(outputs(TopicPartition(names.deployments, 0), [None], [value], [0]))
            assert follower.wait(number, IN_TIME_S)
            late_s.append(time.monotonic() - began_s)

    assert statistics.median(late_s) < LATENCY_S


@pytest.mark.kafka
def test_a_broker_that_is_gone_is_tried_until_it_is_back() -> None:
    names = EndpointTopics("flights")
    with running_broker() as broker:
        log = KafkaLog(broker.bootstrap)
        create_deployments(log, names)
        deployments = DeploymentsLog(log, names, "ann")
        begin(deployments)
        with Follower(log, names) as follower:
            stop(broker.folder)
            with pytest.raises(LogUnavailable):
                DeploymentsLog(KafkaLog(broker.bootstrap, connect_timeout_s=1.0), names, "bob").read()
            assert follower.state().plan == Plan.basic(1, V1)
            start(broker.folder)
            prepare(deployments, V2)
            assert follower.wait(3, IN_TIME_S)


def test_a_thread_that_died_is_no_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    log, names = MemoryLog(), EndpointTopics("flights")
    create_deployments(log, names)
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    with Follower(log, names) as follower:
        monkeypatch.setattr(follower._reader, "poll", lambda _: 1 / 0)
        assert follower._thread is not None
        follower._thread.join(IN_TIME_S)
        with pytest.raises(LogError, match=r"Nobody follows flights\.deployments any more") as told:
            follower.state()
        assert not isinstance(told.value, LogUnavailable), "an outage would be waited out for ever"
    assert len(died) == 1
