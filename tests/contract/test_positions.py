"""Where a session begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, batch, begin_at, end_of, position_of, seen
from support.harness import Killed, crash_at

from understudy.core.log.contract import Output, Position
from understudy.core.log.errors import MissingPosition, PositionExpired

if TYPE_CHECKING:
    from support.harness import LogHarness


def test_a_missing_position_is_an_error_that_stays(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0"))
    driver = Driver(harness, [topic])

    for _ in range(2):
        with pytest.raises(MissingPosition, match=topic):
            driver.until(lambda: False, "an error")

    assert driver.values() == []
    assert position_of(harness, "group", at(topic)) is None


def test_a_position_that_is_missing_beside_others_is_an_error(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 3)
    begin_at(harness, "group", {at(topic, 0): Position(0), at(topic, 2): Position(0)})
    driver = Driver(harness, [topic])

    with pytest.raises(MissingPosition, match=r"\[1\]|partition 1"):
        driver.until(lambda: False, "an error")


def test_a_position_below_what_is_left_has_expired(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0"), batch("a1"), batch("a2"))
    harness.delete_records(topic, 0, 2)
    begin_at(harness, "group", {at(topic): Position(1)})
    driver = Driver(harness, [topic])

    with pytest.raises(PositionExpired, match=topic):
        driver.until(lambda: False, "an error")

    assert driver.values() == []


def test_a_position_beyond_the_end_has_expired(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0"))
    begin_at(harness, "group", {at(topic): Position(5)})
    driver = Driver(harness, [topic])

    with pytest.raises(PositionExpired, match=topic):
        driver.until(lambda: False, "an error")


def test_a_position_at_the_start_of_what_is_left_serves(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0"), batch("a1"))
    harness.delete_records(topic, 0, 1)
    begin_at(harness, "group", {at(topic): Position(1)})

    driver = Driver(harness, [topic])

    driver.until_holds("a1")


def test_a_position_behind_the_last_record_outlives_the_deletion_of_all_there_was(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin_at(harness, "group", {at(topic): Position(0)})
    with harness.log.writer(harness.name("writer")) as writer:
        assert writer.commit([Output(topic, 0, batch("a0"))])
    driver = Driver(harness, [topic])
    driver.until_holds("a0")
    assert driver.commit([], {at(topic): Position(1, "all done")})
    assert end_of(harness, at(topic)) == 2, "the end of the transaction takes an offset, too"
    driver.until(lambda: position_of(harness, "group", at(topic)) == Position(2, "all done"), "the end of it passed")
    driver.session.close()
    harness.delete_records(topic, 0, 2)

    successor = Driver(harness, [topic])

    successor.until_owns(at(topic))
    assert successor.owned == {at(topic): Position(2, "all done")}
    harness.append(topic, 0, batch("a1"))
    successor.until_holds("a1")


def test_assigned_positions_come_with_their_notes(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 2)
    harness.append(topic, 1, batch("b0"), batch("b1"))
    begin_at(harness, "group", {at(topic, 0): Position(0), at(topic, 1): Position(1, '{"done":1}')})

    driver = Driver(harness, [topic])
    driver.until_holds("b1")

    assert driver.owned == {at(topic, 0): Position(0), at(topic, 1): Position(1, '{"done":1}')}


def test_another_owner_waits_for_a_position_that_an_open_transaction_holds(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin_at(harness, "group", {at(topic): Position(0)})
    harness.append(topic, 0, batch("a0"))
    dead = Driver(harness, [topic], "a", probe=crash_at("positioned"), transaction_timeout_s=4.0, session_timeout_s=1.0)
    with pytest.raises(Killed):
        dead.copy_until(target, lambda: False, "a crash")
    harness.kill(dead.session)
    died_ms = harness.now_ms()

    successor = Driver(harness, [topic], "b")
    successor.until_owns(at(topic))
    assert harness.now_ms() - died_ms > 3_500, "owned before the transaction had timed out"
    successor.copy_until(target, lambda: seen(harness, target) == ["a0"], "the record")

    assert position_of(harness, "group", at(topic)) == Position(1)
    assert len(harness.read_committed(target)) == 1
