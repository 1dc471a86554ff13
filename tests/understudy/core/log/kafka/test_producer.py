from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.driving import batch, seen
from support.kafka_producing import commit, make_producer, outputs

from understudy.core.batches import Batch, rebuild
from understudy.core.log.contract import Output
from understudy.core.log.errors import Fenced, OutputMissing, OutputTooLarge, UnknownTopic
from understudy.core.log.kafka.producer import TransactionLost

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

    from understudy.core.log.kafka.client import Client, TransactionVersion

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("version", [1, 2])
def test_many_batches_of_a_partition_keep_their_order_over_transactions(
    kafka: KafkaHarness, client: Client, version: TransactionVersion
) -> None:
    topic = kafka.create_topic("topic", 2)
    producer = make_producer(client, kafka, version)
    values = [f"v{i}" for i in range(150)]
    for first in range(0, 150, 75):
        part = values[first : first + 75]
        commit(producer, outputs(topic, *part) + outputs(topic, *part, partition=1))
    assert seen(kafka, topic, 0) == seen(kafka, topic, 1) == values


def test_a_batch_that_cannot_be_forwarded_as_it_is_is_rebuilt(kafka: KafkaHarness, client: Client) -> None:
    topic = kafka.create_topic("topic")
    whole = batch("a", "b", "c")
    begun = Batch(whole.data, 1, whole.header)
    assert not begun.is_forwardable
    commit(make_producer(client, kafka), [Output(topic, 0, begun), Output(topic, 0, rebuild(whole))])
    assert seen(kafka, topic) == ["b", "c", "a", "b", "c"]


def test_a_batch_beyond_the_topic_s_limit_is_named_and_nothing_is_committed(
    kafka: KafkaHarness, client: Client
) -> None:
    topic, small = kafka.create_topic("topic"), kafka.create_topic("small", config={"max.message.bytes": "1000"})
    producer = make_producer(client, kafka)
    commit(producer, outputs(topic, "first") + outputs(small, "first"))
    with pytest.raises(OutputTooLarge, match=r"small\[0\] takes.*max\.message\.bytes"):
        producer.commit(outputs(topic, "lost") + outputs(small, "x" * 2000))
    producer.initialise(time.monotonic() + 30)
    commit(producer, outputs(topic, "second"))
    assert seen(kafka, topic) == ["first", "second"]


def test_a_later_instance_fences_an_earlier_one_in_its_commit_and_its_recovery(
    kafka: KafkaHarness, client: Client
) -> None:
    topic = kafka.create_topic("topic")
    zombie = make_producer(client, kafka)
    commit(zombie, outputs(topic, "first"))
    commit(make_producer(client, kafka), outputs(topic, "second"))
    with pytest.raises(TransactionLost):
        zombie.commit(outputs(topic, "zombie"))
    with pytest.raises(Fenced, match=r"id.*must exit"):
        zombie.initialise(time.monotonic() + 30)
    assert seen(kafka, topic) == ["first", "second"]


def test_a_topic_that_does_not_exist_is_named(kafka: KafkaHarness, client: Client) -> None:
    with pytest.raises(UnknownTopic, match="nowhere"):
        make_producer(client, kafka).commit(outputs(kafka.name("nowhere"), "x"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_topic_that_is_deleted_is_named_by_the_next_transaction(
    kafka: KafkaHarness, client: Client, version: TransactionVersion
) -> None:
    topic, doomed = kafka.create_topic("topic"), kafka.create_topic("doomed")
    producer = make_producer(client, kafka, version)
    commit(producer, outputs(topic, "first") + outputs(doomed, "first"))
    kafka.delete_topic(doomed)
    with pytest.raises(OutputMissing, match="doomed"):
        producer.commit(outputs(topic, "lost") + outputs(doomed, "lost"))
    producer.initialise(time.monotonic() + 30)
    commit(producer, outputs(topic, "second"))
    assert seen(kafka, topic) == ["first", "second"]


def test_a_transaction_left_open_is_aborted_by_the_next_instance(kafka: KafkaHarness, client: Client) -> None:
    topic = kafka.create_topic("topic")

    def stop(phase: str) -> None:
        if phase == "produced":
            raise InterruptedError(phase)

    commit(make_producer(client, kafka), outputs(topic, "first"))
    with pytest.raises(InterruptedError):
        make_producer(client, kafka).commit(outputs(topic, "open"), None, stop)
    commit(make_producer(client, kafka), outputs(topic, "second"))
    assert seen(kafka, topic) == ["first", "second"]
