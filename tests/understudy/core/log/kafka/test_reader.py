from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, values_of

from understudy.core.log.errors import PositionExpired, TopicRecreated, UnknownTopic

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

    from understudy.core.batches import Batch

pytestmark = pytest.mark.kafka


def test_several_partitions_are_read_from_where_was_said(kafka: KafkaHarness) -> None:
    topic, other = kafka.create_topic("topic", 2), kafka.create_topic("other")
    kafka.append(topic, 0, batch("a", "b", "c"))
    kafka.append(topic, 1, batch("d"))
    kafka.append(other, 0, batch("e"))
    got: list[Batch] = []
    with kafka.log.reader({at(topic, 0): 2, at(topic, 1): 0, at(other): 0}) as reader:

        def read() -> bool:
            got.extend(each for found in reader.poll(0.1).values() for each in found)
            return len(got) >= 3

        kafka.wait_until(read, 20.0, "three batches")
        assert reader.position(at(topic, 0)) == 3
    assert sorted(values_of(got)) == ["c", "d", "e"]


def test_nothing_to_read_takes_the_time_that_was_given(kafka: KafkaHarness) -> None:
    with kafka.log.reader({}) as reader:
        assert reader.poll(0.05) == {}


def test_an_offset_that_is_not_held_is_reported_with_the_range(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    kafka.append(topic, 0, batch("a", "b"))
    kafka.delete_records(topic, 0, 1)
    with (
        kafka.log.reader({at(topic): 0}) as reader,
        pytest.raises(PositionExpired, match=r"from offset 0, and holds \[1, 2\)"),
    ):
        kafka.wait_until(lambda: bool(reader.poll(0.1)), 10.0, "an error")


def test_a_topic_that_does_not_exist_is_named(kafka: KafkaHarness) -> None:
    with kafka.log.reader({at(kafka.name("nowhere")): 0}) as reader, pytest.raises(UnknownTopic, match="nowhere"):
        reader.poll(1.0)


def test_a_recreated_topic_is_not_mistaken_for_the_old_one(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    with kafka.log.reader({at(topic): 0}) as reader:
        reader.poll(0.0)
        kafka.recreate_topic(topic)
        with pytest.raises((TopicRecreated, UnknownTopic)):
            kafka.wait_until(lambda: bool(reader.poll(0.1)), 10.0, "an error")
