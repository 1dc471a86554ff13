"""An input that grows while routers run, on both logs."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from support.pile import stored
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings

from router.step import RouterStep
from understudy.app.provision import provision
from understudy.app.roles.growth import GrowingSession, Growth
from understudy.core.frames import FrameReader
from understudy.core.log.contract import NewTopic, Output, SessionSpec
from understudy.core.log.errors import LogError, OutputMissing
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog
from understudy.core.log.reading import read_to_end
from understudy.core.run import run
from understudy.core.topics import slot_id
from understudy.deployments.plan import Lane, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings

VERSIONS = (PRODUCTION, SHADOW)
PLAN = Plan.shadow(1, PRODUCTION, [SHADOW])
PATIENCE_S = 60.0
LOOK_S = 0.05
BEFORE, AFTER = 2, 5


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest) -> Log:
    return MemoryLog() if request.param == "memory" else KafkaLog(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture
def settings(tmp_path: Path, log: Log) -> Settings:
    """An endpoint with an input of two partitions, and lanes for production and a shadow."""
    made = endpoint_settings(tmp_path, endpoint=f"grows-{uuid4().hex[:6]}", topics={"partitions": BEFORE})
    with log.admin() as admin:
        provision(admin, made, VERSIONS)
    return made


def growth(log: Log, settings: Settings) -> Growth:
    return Growth(log, settings, lambda: VERSIONS)


def write(log: Log, settings: Settings, partitions: range) -> None:
    """A record into each of these partitions."""
    with log.writer(f"users.{settings.endpoint}") as users:
        assert users.commit([Output(settings.names.input, p, stored([b"%d" % p], 0)) for p in partitions])


def route(log: Log, settings: Settings, slot: str, stopped: Callable[[], bool]) -> None:
    """A router, until told to stop."""
    names = settings.names
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, slot), metadata_age_s=0.5)
    with GrowingSession(log.session(spec), growth(log, settings)) as session:
        run(session, RouterStep(lambda: PLAN, names), stopped=stopped, interval_s=0.0)


def routed(log: Log, topic: str) -> list[int]:
    """The partitions of the records that are in a lane now."""
    readers: dict[int, FrameReader] = {}
    found = []
    for at, batch in read_to_end(log, topic):
        pieces = readers.setdefault(at.partition, FrameReader()).feed(batch)
        found += [at.partition for piece in pieces for _ in piece.source_offsets]
    return sorted(found)


def partitions(log: Log, *topics: str) -> set[int]:
    with log.admin() as admin:
        return {topic.partitions for topic in admin.describe(topics).values()}


def done(log: Log, settings: Settings, count: int) -> bool:
    """Whether the router has routed a record of each of so many partitions."""
    with log.admin() as admin:
        return sum(position.offset > 0 for position in admin.positions(settings.names.router_group).values()) >= count


@pytest.mark.parametrize("slots", [("a",), ("a", "b")])
def test_a_grown_input_is_routed_without_anybody_making_topics(
    log: Log, settings: Settings, slots: tuple[str, ...]
) -> None:
    stop = threading.Event()
    routers = [threading.Thread(target=route, args=(log, settings, slot, stop.is_set)) for slot in slots]
    for router in routers:
        router.start()
    try:
        write(log, settings, range(BEFORE))
        wait_until(lambda: done(log, settings, BEFORE))
        with log.admin() as admin:
            admin.grow(settings.names.input, AFTER)
        write(log, settings, range(BEFORE, AFTER))
        wait_until(lambda: done(log, settings, AFTER))
    finally:
        stop.set()
        for router in routers:
            router.join(PATIENCE_S)

    names = settings.names
    assert routed(log, names.requests(PRODUCTION)) == routed(log, names.shadow_requests(SHADOW)) == [*range(AFTER)]
    assert partitions(log, names.routes, names.predictions, names.shadow_requests(PRODUCTION)) == {AFTER}
    assert partitions(log, names.deployments) == {1}


def test_a_candidates_lane_that_is_made_again_too_small_grows_and_production_goes_on(
    log: Log, settings: Settings
) -> None:
    production, lane = settings.names.requests(PRODUCTION), settings.names.shadow_requests(SHADOW)
    stop = threading.Event()
    router = threading.Thread(target=route, args=(log, settings, "a", stop.is_set))
    router.start()
    try:
        write(log, settings, range(BEFORE))
        wait_until(lambda: done(log, settings, BEFORE))
        with log.admin() as admin:
            admin.delete([lane])
            admin.create([NewTopic(lane, BEFORE - 1)])
        write(log, settings, range(BEFORE))
        wait_until(lambda: routed(log, production) == sorted([*range(BEFORE)] * 2))
    finally:
        stop.set()
        router.join(PATIENCE_S)

    assert routed(log, lane) == [*range(BEFORE)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s, never = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, "not in time"
        never.wait(LOOK_S)


@pytest.fixture
def small(tmp_path: Path) -> tuple[MemoryLog, Settings]:
    """The endpoint on the memory log, and an input that has grown without anybody noticing."""
    log, settings = MemoryLog(), endpoint_settings(tmp_path, topics={"partitions": BEFORE})
    with log.admin() as admin:
        provision(admin, settings, VERSIONS)
        admin.grow(settings.names.input, AFTER)
    return log, settings


@contextmanager
def joined(log: MemoryLog, settings: Settings) -> Iterator[GrowingSession]:
    """A session that owns the input, and that believes all topics to have its partitions."""
    names = settings.names
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, "a"))
    with GrowingSession(log.session(spec), growth(log, settings)) as session:
        session.covered = AFTER
        assert len(session.poll(1.0).assigned) == AFTER
        yield session


def test_a_topic_that_lacks_a_partition_gets_it_and_the_commit_counts_as_lost(
    small: tuple[MemoryLog, Settings],
) -> None:
    log, settings = small
    output = Output(settings.names.requests(PRODUCTION), AFTER - 1, stored([b"x"], 0))

    with joined(log, settings) as session:
        assert not session.commit([output], {})
        assert len(session.poll(1.0).assigned) == AFTER
        assert session.commit([output], {})


def test_a_topic_that_is_not_there_is_refused_as_ever(small: tuple[MemoryLog, Settings]) -> None:
    log, settings = small
    growth(log, settings).follow()

    with joined(log, settings) as session, pytest.raises(OutputMissing, match="nowhere"):
        session.commit([Output("nowhere", 0, stored([b"x"], 0))], {})


def test_what_has_grown_once_need_not_grow_again(small: tuple[MemoryLog, Settings]) -> None:
    assert [growth(*small).follow() for _ in range(2)] == [True, False]


def route_all(log: Log, settings: Settings) -> list[tuple[Lane, int]]:
    """A record in each input partition is routed by a session that grows topics. The lanes that are left out, where."""
    names, excluded = settings.names, []
    write(log, settings, range(AFTER))
    step = RouterStep(lambda: PLAN, names, on_excluded=lambda lane, partition, _: excluded.append((lane, partition)))
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, "a"))
    deadline_s = time.monotonic() + PATIENCE_S
    with GrowingSession(log.session(spec), growth(log, settings)) as session:
        run(
            session,
            step,
            stopped=lambda: done(log, settings, AFTER) or time.monotonic() > deadline_s,
            interval_s=0.0,
            idle_s=LOOK_S,
        )
    return excluded


def test_a_candidates_lane_with_more_partitions_than_the_input_does_not_keep_productions_from_growing(
    small: tuple[MemoryLog, Settings],
) -> None:
    log, settings = small
    names = settings.names
    with log.admin() as admin:
        admin.grow(names.shadow_requests(SHADOW), AFTER + 1)

    assert route_all(log, settings) == []

    assert routed(log, names.requests(PRODUCTION)) == routed(log, names.shadow_requests(SHADOW)) == [*range(AFTER)]
    assert partitions(log, names.routes, names.predictions, names.requests(PRODUCTION)) == {AFTER}


def test_a_candidates_lane_that_may_not_grow_is_left_out_and_production_goes_on(
    small: tuple[MemoryLog, Settings],
) -> None:
    log, settings = small
    names = settings.names

    excluded = route_all(Refusing(log, names.shadow_requests(SHADOW)), settings)  # type: ignore[arg-type]

    assert set(excluded) == {(Lane(SHADOW, "shadow"), partition) for partition in range(AFTER)}
    assert routed(log, names.requests(PRODUCTION)) == [*range(AFTER)]
    assert partitions(log, names.shadow_requests(SHADOW)) == {BEFORE}


def test_a_topic_of_the_endpoint_that_may_not_grow_stops_the_router_with_the_brokers_reason(
    small: tuple[MemoryLog, Settings],
) -> None:
    log, settings = small

    with pytest.raises(LogError, match=r"refuses to grow sums\.predictions"):
        route_all(Refusing(log, settings.names.predictions), settings)  # type: ignore[arg-type]


class Refusing:
    """A log whose administrators may not grow one topic."""

    def __init__(self, log: MemoryLog, topic: str) -> None:
        self._log, self._topic = log, topic

    @contextmanager
    def admin(self) -> Iterator[RefusedAdmin]:
        with self._log.admin() as admin:
            yield RefusedAdmin(admin, self._topic)

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)


class RefusedAdmin:
    """One of them."""

    def __init__(self, admin: Admin, topic: str) -> None:
        self._admin, self._topic = admin, topic

    def grow(self, topic: str, count: int) -> None:
        if topic == self._topic:
            raise LogError(f"The broker refuses to grow {topic}: not authorised.")
        self._admin.grow(topic, count)

    def __getattr__(self, name: str) -> object:
        return getattr(self._admin, name)
