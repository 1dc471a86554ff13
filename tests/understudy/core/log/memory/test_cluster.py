from __future__ import annotations

import threading

import pytest
from support.driving import at, batch

from understudy.core.log.contract import NewTopic, Output
from understudy.core.log.memory import Faults, SystemClock, VirtualClock
from understudy.core.log.memory.cluster import Cluster


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(100.0)


@pytest.fixture
def cluster(clock: VirtualClock) -> Cluster:
    cluster = Cluster(clock, Faults())
    cluster.topics.create(NewTopic("one", 2))
    return cluster


def test_a_turn_gives_the_time(cluster: Cluster, clock: VirtualClock) -> None:
    clock.advance(1.0)

    with cluster.turn() as now_s:
        assert now_s == 101.0


def test_waiting_ends_at_the_deadline(cluster: Cluster) -> None:
    with cluster.look():
        assert cluster.wait(103.0) == 103.0


def test_waiting_ends_when_a_member_expires(cluster: Cluster) -> None:
    group = cluster.groups.named("group")
    group.join("a", ("one",), 2.0)
    group.join("b", ("one",), 2.0)
    group.members["a"].silent_since_s = 100.0

    with cluster.look():
        assert cluster.wait(200.0) == 102.0

    assert group.members["b"].partitions == {at("one", 0), at("one", 1)}


def test_waiting_ends_when_a_transaction_expires(cluster: Cluster) -> None:
    with cluster.turn() as now_s:
        identity = cluster.transactions.initialise("id", 5.0, now_s)
        cluster.transactions.append(identity, Output("one", 0, batch("lost")), now_s)

    with cluster.look():
        assert cluster.wait(200.0) == 105.0

    assert cluster.topics.partition(at("one")).stable_offset == 2


def test_a_turn_wakes_another_thread() -> None:
    cluster = Cluster(SystemClock(), Faults())
    waiting, changed = threading.Event(), []

    def watch() -> None:
        with cluster.look() as began_s:
            waiting.set()
            while not cluster.topics.find("new") and cluster.wait(began_s + 60.0) < began_s + 30.0:
                pass
            changed.append(cluster.topics.find("new"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    waiting.wait(30.0)
    with cluster.turn():
        cluster.topics.create(NewTopic("new", 1))
    watcher.join(30.0)

    assert [topic.name for topic in changed if topic] == ["new"]
