"""What the contract suite does not show: silence, threads, bytes to wait for, and the memory log's own errors."""

from __future__ import annotations

import threading
import time

import pytest
from support.driving import Driver, at, batch, begin_at, values_of
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import NewTopic, Polled, Position, SessionSpec
from understudy.core.log.errors import CorruptBatch, LogUnavailable
from understudy.core.log.memory import MemoryLog

IDLE_S = 0.3


@pytest.fixture
def harness() -> MemoryHarness:
    harness = MemoryHarness()
    harness.create_topic("input", 2)
    begin_at(harness, "group", {at("input", 0): Position(0), at("input", 1): Position(0)})
    return harness


def real_log() -> MemoryLog:
    """A log in real time, with a topic "input" from whose beginning the group starts."""
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic("input", 1)])
        admin.set_positions("group", {at("input"): Position(0)})
    return log


def test_an_empty_poll_takes_the_time_that_it_may(harness: MemoryHarness) -> None:
    driver = Driver(harness, ["input"])
    driver.poll()
    began_s = harness.clock.now_s()

    driver.poll(2.5)

    assert harness.clock.now_s() == began_s + 2.5


def test_a_session_that_stays_silent_for_less_than_its_time_out_keeps_its_partitions(harness: MemoryHarness) -> None:
    driver = Driver(harness, ["input"], session_timeout_s=10.0)
    driver.poll()

    harness.stall(driver.session, 9.9)
    harness.append("input", 0, batch("a0"))

    assert driver.poll().assigned == {}
    assert driver.values() == ["a0"]


def test_a_session_that_was_silent_for_longer_begins_anew(harness: MemoryHarness) -> None:
    driver = Driver(harness, ["input"], session_timeout_s=10.0)
    harness.append("input", 0, batch("a0"))
    driver.until_holds("a0")

    harness.stall(driver.session, 10.0)

    assert driver.poll().assigned == {at("input", 0): Position(0), at("input", 1): Position(0)}


def test_a_partition_that_somebody_owned_in_between_is_read_again(harness: MemoryHarness) -> None:
    a = Driver(harness, ["input"], "a")
    harness.append("input", 1, batch("b0"), batch("b1"))
    a.until_holds("b0", "b1")
    b = Driver(harness, ["input"], "b")
    b.until_holds("b0", "b1")
    assert b.commit([], {at("input", 1): Position(1, "from b")})
    b.session.close()

    polled = a.poll()

    assert polled.revoked == frozenset()
    assert polled.assigned == {at("input", 1): Position(1, "from b")}
    assert values_of(polled.batches[at("input", 1)]) == ["b1"]


def test_a_poll_gathers_the_bytes_that_it_may_wait_for(harness: MemoryHarness) -> None:
    driver = Driver(harness, ["input"], min_bytes=2 * batch("a0").size_bytes)
    driver.poll()
    harness.append("input", 0, batch("a0"))
    transaction = harness.open_transaction([])
    began_s = harness.clock.now_s()

    assert driver.poll(0.5).batches.keys() == {at("input", 0)}
    assert harness.clock.now_s() == began_s + 0.5

    harness.append("input", 0, batch("a1"))
    harness.append("input", 1, batch("b0"))
    assert driver.poll(0.5).batches.keys() == {at("input", 0), at("input", 1)}
    assert harness.clock.now_s() == began_s + 0.5
    transaction.end(commit=True)


def test_a_corrupt_batch_stops_the_session_there_every_time(harness: MemoryHarness) -> None:
    harness.append("input", 0, batch("a0"))
    stored = harness.log.raw(at("input"))
    harness.log.overwrite(at("input"), [stored[:-1] + b"?"])
    driver = Driver(harness, ["input"])

    for _ in range(2):
        with pytest.raises(CorruptBatch):
            driver.poll()


def test_an_error_forgets_no_revocation_and_no_assignment(harness: MemoryHarness) -> None:
    a = Driver(harness, ["input"], "a")
    a.until_owns(at("input", 0), at("input", 1))
    harness.append("input", 0, batch("a0"))
    stored = harness.log.raw(at("input"))
    harness.log.overwrite(at("input"), [stored[:-1] + b"?"])
    b = Driver(harness, ["input"], "b")
    b.until_owns(at("input", 1))
    with pytest.raises(CorruptBatch):
        a.poll()
    harness.log.overwrite(at("input"), [stored])

    polled = a.poll()

    assert polled.revoked == {at("input", 1)}
    assert polled.assigned == {at("input", 0): Position(0)}
    assert a.values() == ["a0"]


def test_a_closed_session_says_so(harness: MemoryHarness) -> None:
    driver = Driver(harness, ["input"])
    driver.session.close()
    driver.session.close()

    with pytest.raises(LogUnavailable, match="closed"):
        driver.poll()
    with pytest.raises(LogUnavailable, match="closed"):
        driver.commit()


def test_a_session_leaves_with_its_block(harness: MemoryHarness) -> None:
    with harness.session(SessionSpec("group", ("input",), "group.a")) as session:
        session.poll(0.1)

    with harness.log.admin() as admin:
        assert list(admin.members("group")) == []


def test_a_poll_wakes_as_soon_as_records_come() -> None:
    log, polled, waiting = real_log(), list[Polled](), threading.Event()
    session = log.session(SessionSpec("group", ("input",), "group.a"))

    def work() -> None:
        session.poll(0.0)
        waiting.set()
        polled.append(session.poll(60.0))

    worker = threading.Thread(target=work)
    worker.start()
    waiting.wait(30.0)
    log.append(at("input"), batch("a0"))
    worker.join(30.0)

    assert values_of(polled[0].batches[at("input")]) == ["a0"]


def test_a_poll_wakes_as_soon_as_partitions_come() -> None:
    log, polled, waiting = real_log(), list[Polled](), threading.Event()
    first = log.session(SessionSpec("group", ("input",), "group.a"))
    second = log.session(SessionSpec("group", ("input",), "group.b"))

    def work() -> None:
        second.poll(0.0)
        waiting.set()
        polled.append(second.poll(60.0))

    worker = threading.Thread(target=work)
    worker.start()
    waiting.wait(30.0)
    first.close()
    worker.join(30.0)

    assert polled[0].assigned == {at("input"): Position(0)}


def test_an_idle_poll_costs_next_to_nothing() -> None:
    session = real_log().session(SessionSpec("group", ("input",), "group.a"))
    session.poll(0.0)
    began_s, cpu_s = time.monotonic(), time.thread_time()

    session.poll(IDLE_S)

    assert time.monotonic() - began_s >= IDLE_S * 0.99
    assert time.thread_time() - cpu_s < IDLE_S / 10
