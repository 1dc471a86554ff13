"""Router, workers and comparator wired from settings, as threads on the memory log."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.releasing import release
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, event, register_models

from comparator.ledger import LaneLedger
from understudy.app.provision import provision
from understudy.app.records.event_files import Line
from understudy.app.records.producing import Fields, produce
from understudy.app.records.reading_rows import source_of
from understudy.app.records.tailing import Wanted, tail
from understudy.app.roles import building
from understudy.app.roles.running import run_role
from understudy.app.status.findings import problems
from understudy.app.status.gathering import gather
from understudy.core.log.memory import MemoryLog
from understudy.core.settings import SettingsError
from understudy.deployments.fold import State
from understudy.deployments.log import DeploymentsLog
from understudy.models.errors import UnknownModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from understudy.app.roles.running import Role
    from understudy.app.status.facts import Status
    from understudy.core.settings import Settings

EVENTS = 300
PATIENCE_S = 60.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = endpoint_settings(tmp_path)
    register_models(settings)
    return settings


@pytest.fixture
def log(settings: Settings) -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    release(log, settings, PRODUCTION, SHADOW)
    lines = [Line(number, event(number)) for number in range(EVENTS)]
    produce(log, settings, lines, Fields(key="id", time="at"))
    return log


@contextmanager
def running(log: MemoryLog, *built: Role) -> Iterator[None]:
    """The roles as threads, while the block runs."""
    stop = threading.Event()
    threads = [threading.Thread(target=run_role, args=(role, log, stop)) for role in built]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def first_rows(log: MemoryLog, settings: Settings, kind: str, count: int) -> list[dict[str, Any]]:
    """So many rows of a topic, waited for."""
    late = threading.Event()
    timer = threading.Timer(PATIENCE_S, late.set)
    timer.start()
    try:
        entries = tail(log, source_of(settings, kind), Wanted(True, count, follow=True), late.is_set)
        return [dict(entry.fields) for entry in entries if entry.fields is not None]
    finally:
        timer.cancel()


def settled(log: MemoryLog, settings: Settings) -> Status:
    """The status once every event is compared and nobody is behind, waited for."""
    late = threading.Event()
    timer = threading.Timer(PATIENCE_S, late.set)
    timer.start()
    try:
        while True:
            status = gather(log, settings)
            pairs = sum(lane.comparison.pairs for lane in status.lanes if lane.comparison is not None)
            if late.is_set() or (pairs >= EVENTS and not any(group.behind for group in status.groups)):
                return status
    finally:
        timer.cancel()


def test_production_and_shadow_answer_every_event_once(log: MemoryLog, settings: Settings) -> None:
    released = DeploymentsLog(log, settings.names, "test").read().state
    with running(
        log,
        building.router(settings, "router-0", lambda: released),
        building.worker(settings, PRODUCTION, "worker-0"),
        building.worker(settings, SHADOW, "worker-0"),
        building.comparator(settings, "comparator-0"),
    ):
        production = first_rows(log, settings, "predictions", EVENTS)
        shadow = first_rows(log, settings, "shadow-predictions", EVENTS)
        status = settled(log, settings)

    for rows, version, lane in ((production, PRODUCTION, "answering"), (shadow, SHADOW, "shadow")):
        assert sorted(row["event_id"] for row in rows) == sorted(f"event-{number}" for number in range(EVENTS))
        assert {row["outcome"] for row in rows} == {"answered"}
        assert {(row["routed_version"], row["answered_version"], row["lane"]) for row in rows} == {
            (version, version, lane)
        }
    answers = {row["event_id"]: (row["label"], row["event_time"]) for row in production}
    assert answers["event-6"] == (6 + 1 > 5, 6_000)
    assert answers["event-7"] == (0 + 2 > 5, 7_000)
    assert problems(status) == []
    assert [lane.ledger for lane in status.lanes] == [LaneLedger(routed=EVENTS, answered=EVENTS)] * 2
    assert status.lanes[1].comparison is not None
    assert status.lanes[1].comparison.counts == {"matched": EVENTS}
    assert (status.in_flight, status.residual) == (0, 0)


def test_slots_and_groups_carry_the_endpoint(settings: Settings) -> None:
    router = building.router(settings, "pod-0", State).spec
    worker = building.worker(settings, PRODUCTION, "pod-0").spec

    assert (router.group, router.slot, router.topics) == ("sums.router", "sums.router.pod-0", ("sums.input",))
    assert building.comparator(settings, "pod-0").spec.topics == (
        "sums.routes",
        "sums.predictions",
        "sums.shadow-predictions",
    )
    assert (worker.group, worker.slot) == ("sums.worker.sums.v1", "sums.worker.sums.v1.pod-0")
    assert worker.topics == ("sums.sums.v1.requests", "sums.sums.v1.shadow-requests")


def test_a_version_that_is_not_registered_is_named_when_the_worker_starts(settings: Settings) -> None:
    with pytest.raises(UnknownModel, match="sums:v9 is not registered"):
        building.worker(settings, "sums:v9", "pod-0").make()


def test_a_role_needs_the_topics_that_it_writes_to(settings: Settings) -> None:
    assert building.router(settings, "pod-0", State).outputs == ("sums.routes",)
    assert building.worker(settings, SHADOW, "pod-0").outputs == (
        "sums.predictions",
        "sums.shadow-predictions",
        "sums.dead-letters",
    )
    assert building.comparator(settings, "pod-0").outputs == ("sums.comparisons",)


def test_a_field_that_events_do_not_have_is_refused_when_the_worker_starts(tmp_path: Path) -> None:
    settings = endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", "event_id": "nope"})

    with pytest.raises(SettingsError, match=r"\[input\] event_id: Event has no field nope"):
        building.worker(settings, PRODUCTION, "pod-0").make()


def test_it_is_told_when_a_model_is_loaded(tmp_path: Path) -> None:
    settings = endpoint_settings(tmp_path)
    register_models(settings)
    told: list[str] = []
    with pytest.raises(UnknownModel):
        building.load_scorers(settings, "sums:v9", None, careful=False, loaded=lambda: told.append("too early"))

    building.load_scorers(settings, PRODUCTION, None, careful=False, loaded=lambda: told.append("loaded"))

    assert told == ["loaded"]
