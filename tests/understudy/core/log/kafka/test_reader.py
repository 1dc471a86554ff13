from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, values_of
from support.kafka_harness import KafkaHarness
from support.kafka_producing import crash

from understudy.app.brokers.local import running_broker
from understudy.core.log.contract import Output
from understudy.core.log.errors import PositionExpired, TopicRecreated, UnknownTopic

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.core.batches import Batch

pytestmark = pytest.mark.kafka

USUAL_DELAY_S = 0.05
"""From the answer to a commit to the answer of a poll; 0.3 ms where it was measured."""


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


def test_a_reader_that_waits_is_handed_a_record_when_it_is_committed(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    enough = 20
    seen_s: list[float] = []
    delays_s: list[float] = []

    def follow() -> None:
        with kafka.log.reader({at(topic): 0}) as reader:
            while len(seen_s) < enough:
                seen_s.extend(time.monotonic() for _ in reader.poll(0.5).get(at(topic), ()))

    with ThreadPoolExecutor(1) as pool, kafka.log.writer(kafka.name("writer")) as writer:
        following = pool.submit(follow)
        for number in range(1, enough + 1):
            assert writer.commit([Output(topic, 0, batch("a"))])
            committed_s = time.monotonic()
            kafka.wait_until(lambda: len(seen_s) == number or following.done(), 20.0, "the record")  # noqa: B023 - now
            delays_s.append(seen_s[-1] - committed_s)
        following.result(20.0)
    assert statistics.median(delays_s) < USUAL_DELAY_S


def test_a_reader_waits_for_a_broker_that_comes_back(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker, ThreadPoolExecutor(1) as pool:
        before = KafkaHarness(broker.bootstrap)
        topic = before.create_topic("topic")
        before.append(topic, 0, batch("before"))
        got: list[str] = []

        def follow() -> None:
            with before.log.reader({at(topic): 0}) as reader:
                while len(got) < 2:
                    got.extend(values_of(reader.poll(0.5).get(at(topic), ())))

        following = pool.submit(follow)
        before.wait_until(lambda: got == ["before"] or following.done(), 20.0, "the first record")
        before.close()
        crash(tmp_path)
        after = KafkaHarness(broker.bootstrap)
        after.append(topic, 0, batch("after"))
        following.result(30.0)
        assert got == ["before", "after"]
        after.close()
