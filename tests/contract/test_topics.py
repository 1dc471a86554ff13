"""Topics that are missing, recreated, grown, or of different sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, batch, begin_at, position_of

from understudy.core.log.contract import Position
from understudy.core.log.errors import MissingPosition, TopicRecreated, UnknownTopic

if TYPE_CHECKING:
    from support.harness import LogHarness

METADATA_AGE_S = 0.5


def begin(harness: LogHarness, topic: str, partitions: int) -> None:
    begin_at(harness, "group", {at(topic, number): Position(0) for number in range(partitions)})


def test_an_unknown_topic_is_an_error(harness: LogHarness) -> None:
    driver = Driver(harness, [harness.name("nowhere")], metadata_age_s=METADATA_AGE_S)

    with pytest.raises(UnknownTopic, match="nowhere"):
        driver.until(lambda: False, "an error")


def test_an_unknown_topic_beside_a_known_one_is_an_error(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 1)
    harness.append(topic, 0, batch("a0"))
    driver = Driver(harness, [topic, harness.name("nowhere")], metadata_age_s=METADATA_AGE_S)

    with pytest.raises(UnknownTopic, match="nowhere"):
        driver.until(lambda: False, "an error")

    assert driver.values() == []


def test_a_topic_that_disappears_is_an_error(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 1)
    driver = Driver(harness, [topic], metadata_age_s=METADATA_AGE_S)
    driver.until_owns(at(topic))

    harness.delete_topic(topic)

    with pytest.raises(UnknownTopic, match=topic):
        driver.until(lambda: False, "an error")


def test_a_topic_that_was_recreated_is_an_error_that_stays(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 1)
    harness.append(topic, 0, batch("old"))
    driver = Driver(harness, [topic], metadata_age_s=METADATA_AGE_S)
    driver.until_holds("old")
    assert driver.commit()

    harness.recreate_topic(topic)
    harness.append(topic, 0, batch("new"), batch("newer"))

    for _ in range(2):
        with pytest.raises(TopicRecreated, match=topic):
            driver.until(lambda: False, "an error")
    assert driver.values() == []


def test_positions_go_with_their_topic(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 1)

    harness.recreate_topic(topic)

    harness.wait_until(lambda: position_of(harness, "group", at(topic)) is None, 15.0, "the position gone")
    with pytest.raises(MissingPosition):
        Driver(harness, [topic]).until(lambda: False, "an error")


def test_new_partitions_of_a_grown_topic_start_at_their_beginning(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 2)
    begin(harness, topic, 2)
    driver = Driver(harness, [topic], metadata_age_s=METADATA_AGE_S)
    driver.until_owns(at(topic, 0), at(topic, 1))

    harness.grow(topic, 3)
    harness.append(topic, 2, batch("c0"))
    driver.until_holds("c0")

    assert driver.owned.keys() == {at(topic, 0), at(topic, 1), at(topic, 2)}
    assert driver.owned[at(topic, 2)] == Position(0)
    assert driver.commit()
    assert position_of(harness, "group", at(topic, 2)) == Position(1)


def test_a_new_partition_starts_at_its_beginning_where_another_member_began_with_a_higher_one(
    harness: LogHarness,
) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 1)
    driver = Driver(harness, [topic], metadata_age_s=METADATA_AGE_S)
    driver.until_owns(at(topic, 0))

    harness.grow(topic, 3)
    harness.evict(driver.session)
    begin_at(harness, "group", {at(topic, 2): Position(0)})
    harness.append(topic, 1, batch("b0"))
    driver.until_holds("b0")

    assert driver.owned[at(topic, 1)] == Position(0)


def test_partitions_are_served_only_when_owned_in_every_topic(harness: LogHarness) -> None:
    wide, narrow = harness.create_topic("wide", 2), harness.create_topic("narrow", 1)
    begin_at(harness, "group", {at(wide, 0): Position(0), at(wide, 1): Position(0), at(narrow): Position(0)})
    harness.append(wide, 1, batch("w1"))
    harness.append(wide, 0, batch("w0"))
    driver = Driver(harness, [wide, narrow], metadata_age_s=METADATA_AGE_S)

    driver.until_holds("w0")
    driver.poll(0.5)

    assert driver.owned.keys() == {at(wide, 0), at(narrow, 0)}
    assert driver.values() == ["w0"]


def test_a_partition_is_served_once_every_topic_has_grown_to_it(harness: LogHarness) -> None:
    wide, narrow = harness.create_topic("wide", 2), harness.create_topic("narrow", 1)
    begin_at(harness, "group", {at(wide, 0): Position(0), at(wide, 1): Position(0), at(narrow): Position(0)})
    harness.append(wide, 1, batch("w1"))
    driver = Driver(harness, [wide, narrow], metadata_age_s=METADATA_AGE_S)
    driver.until_owns(at(wide, 0), at(narrow, 0))

    harness.grow(narrow, 2)
    harness.append(narrow, 1, batch("n1"))
    driver.until_holds("n1", "w1")

    assert driver.owned.keys() == {at(wide, 0), at(wide, 1), at(narrow, 0), at(narrow, 1)}
