from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.releasing import release
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, register_models

from comparator.ledger import LaneLedger
from schemas.encodings import RowEncoder
from understudy.app.provision import provision
from understudy.app.releasing.orders import Order
from understudy.app.releasing.releases import Releases
from understudy.app.releasing.waiting import Patience
from understudy.app.status.facts import Lane
from understudy.app.status.gathering import gather, worked
from understudy.core.batches import Record, build
from understudy.core.log.contract import Output, Position, SessionSpec, TopicPartition
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import slot_id
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.app.status.facts import Status
    from understudy.core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = endpoint_settings(tmp_path)
    register_models(settings)
    return settings


@pytest.fixture
def unreleased(settings: Settings) -> MemoryLog:
    """Topics, and nothing else."""
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    return log


@pytest.fixture
def log(unreleased: MemoryLog, settings: Settings) -> MemoryLog:
    """One version in production, the other one its shadow."""
    release(unreleased, settings, PRODUCTION, SHADOW)
    return unreleased


def write(log: MemoryLog, topic: str, records: list[Record], partition: int = 0) -> None:
    with log.writer("test") as writer:
        assert writer.commit([Output(topic, partition, build(records))])


def behind(status: Status, role: Any, version: str | None = None) -> int:
    group = status.group(role, version)
    assert group is not None
    return group.behind


def test_without_topics_they_are_named(settings: Settings) -> None:
    status = gather(MemoryLog(), settings)

    assert set(status.missing_topics) >= {settings.names.routes, settings.names.deployments}
    assert status.groups == ()


def test_before_the_first_release_there_is_no_plan(unreleased: MemoryLog, settings: Settings) -> None:
    status = gather(unreleased, settings)

    assert (status.revision, status.state.plan, status.lanes) == (0, None, [])
    assert [group.role for group in status.groups] == ["router", "comparator"]


def test_a_lane_that_is_gone_is_named_and_the_rest_is_told(log: MemoryLog, settings: Settings) -> None:
    with log.admin() as admin:
        admin.delete([settings.names.shadow_requests(SHADOW)])

    status = gather(log, settings)

    assert status.missing_topics == [settings.names.shadow_requests(SHADOW)]
    assert status.group("worker", PRODUCTION) is not None
    assert status.group("worker", SHADOW) is None


def test_a_version_that_left_is_told_until_nothing_waits_for_it(log: MemoryLog, settings: Settings) -> None:
    write(log, settings.names.shadow_requests(SHADOW), [Record(None, b"header or event", 0)] * 3)
    Releases(log, settings, "test", Patience(threading.Event())).rollback(SHADOW, wait=False)
    owing = gather(log, settings).group("worker", SHADOW)
    with log.admin() as admin:
        at = TopicPartition(settings.names.shadow_requests(SHADOW), 0)
        admin.set_positions(settings.names.worker_group(SHADOW), {at: Position(3)})

    assert owing is not None
    assert owing.behind == 3
    assert gather(log, settings).group("worker", SHADOW) is None


def test_a_canary_and_its_mirror_have_lanes(log: MemoryLog, settings: Settings) -> None:
    canary = Order(SHADOW, "canary", 10_000)
    Releases(log, settings, "test", Patience(threading.Event())).deploy(canary, wait=False)

    assert gather(log, settings).lanes == [
        Lane(PRODUCTION, "answering"),
        Lane(SHADOW, "answering"),
        Lane(PRODUCTION, "shadow"),
    ]


def test_a_new_endpoint_has_nobody_and_nothing(log: MemoryLog, settings: Settings) -> None:
    status = gather(log, settings)

    assert [(group.role, group.version) for group in status.groups] == [
        ("router", None),
        ("worker", PRODUCTION),
        ("worker", SHADOW),
        ("comparator", None),
    ]
    assert {(group.members, group.owned, group.behind) for group in status.groups} == {((), 0, 0)}
    assert status.lanes == [Lane(PRODUCTION, "answering"), Lane(SHADOW, "shadow")]


def test_members_and_what_they_own_are_told(log: MemoryLog, settings: Settings) -> None:
    names = settings.names
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, "0"))

    with log.session(spec) as session:
        while not session.poll(1.0).assigned:
            pass
        router = gather(log, settings).group("router")

    assert router is not None
    assert (router.members, router.owned, router.partitions) == (("sums.router.0",), 3, 3)


@pytest.mark.parametrize("events", [1, 49, 500])
def test_what_waits_is_counted_in_records(log: MemoryLog, settings: Settings, events: int) -> None:
    write(log, settings.names.input, [Record(None, b"event", 0)] * events)

    told = behind(gather(log, settings), "router")

    assert told == events if events < 50 else told == pytest.approx(events, abs=1)


def test_a_marker_behind_the_last_record_is_no_work(log: MemoryLog, settings: Settings) -> None:
    names = settings.names
    write(log, names.input, [Record(None, b"event", 0)])
    with log.admin() as admin:
        admin.set_positions(names.router_group, {TopicPartition(names.input, 0): Position(1)})

    assert behind(gather(log, settings), "router") == 0


def test_records_of_a_frame_that_are_done_do_not_wait(log: MemoryLog, settings: Settings) -> None:
    names = settings.names
    write(log, names.requests(PRODUCTION), [Record(None, b"header or event", 0)] * 11)
    with log.admin() as admin:
        at = TopicPartition(names.requests(PRODUCTION), 0)
        admin.set_positions(names.worker_group(PRODUCTION), {at: Position(0, '{"done":4}')})

    assert behind(gather(log, settings), "worker", PRODUCTION) == 6


@pytest.mark.parametrize(
    ("note", "offset"),
    [
        ("", 10),
        ("text", 10),
        ("[]", 10),
        ('{"done":4}', 15),
        ('{"done":null}', 10),
        ('{"seen":40}', 40),
        ('{"seen":3}', 10),
        ('{"revision":1,"production":"m:v1","shadows":[]}', 10),
    ],
)
def test_a_note_may_tell_of_more_than_the_position(note: str, offset: int) -> None:
    assert worked(Position(10, note)) == offset


def test_comparisons_and_dead_letters_are_read(log: MemoryLog, settings: Settings) -> None:
    names = settings.names
    row = {
        "source_partition": 0,
        "version": SHADOW,
        "role": "shadow",
        "revision": 1,
        "counts": {"routed": 7, "failed": 7},
        "fields": {},
        "examples": [],
    }
    for partition in (0, 2):
        encoded = RowEncoder.of("avro", "comparison").encode(row)
        write(log, names.comparisons, [Record(None, encoded, 0)], partition)
    for message in ("the first", "the latest"):
        headers = {"connector.name": SHADOW, "exception.class.name": "understudy.invalid", "exception.message": message}
        told = tuple((f"__connect.errors.{name}", value.encode()) for name, value in headers.items())
        write(log, names.dead_letters, [Record(None, b"event", 0, told)])

    pairs = {"against": PRODUCTION, "block": 0, "counts": {"failed_candidate": 3}}
    earlier = {"version": "sums:v0", "role": "answering", "counts": {"routed": 2}}
    for more in (pairs, earlier):
        encoded = RowEncoder.of("avro", "comparison").encode({**row, **more})
        write(log, names.comparisons, [Record(None, encoded, 0)], 1)

    production, shadow, other = gather(log, settings).lanes

    assert production == Lane(PRODUCTION, "answering")
    assert shadow.ledger == LaneLedger(routed=14, failed=14)
    assert shadow.comparison is not None
    assert shadow.comparison.counts == {"failed_candidate": 3}
    assert shadow.latest_error == "invalid: the latest"
    assert other == Lane("sums:v0", "answering", LaneLedger(routed=2))


def test_the_revisions_that_the_router_follows_are_in_its_notes(log: MemoryLog, settings: Settings) -> None:
    assert gather(log, settings).followed == ()
    notes = {0: "", 1: Plan(3, PRODUCTION).to_note(), 2: Plan(2, PRODUCTION, (SHADOW,)).to_note()}
    with log.admin() as admin:
        positions = {TopicPartition(settings.names.input, p): Position(0, note) for p, note in notes.items()}
        admin.set_positions(settings.names.router_group, positions)

    assert gather(log, settings).followed == (2, 3)
