from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.driving import batch, seen
from support.kafka_harness import KafkaHarness

from understudy.app.broker import running_broker, start, stop
from understudy.core.batches import Batch, rebuild
from understudy.core.log.contract import EMPTY, Output
from understudy.core.log.errors import Fenced, OutputMissing, OutputTooLarge, UnknownTopic
from understudy.core.log.kafka.client import Address, Client, TransactionVersion
from understudy.core.log.kafka.producer import Producer, TransactionLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from understudy.core.log.contract import Phase

pytestmark = pytest.mark.kafka


@pytest.fixture
def client(kafka_bootstrap: str) -> Iterator[Client]:
    client = Client(Address(kafka_bootstrap, EMPTY))
    yield client
    client.close()


def make(client: Client, kafka: KafkaHarness, version: TransactionVersion = 2) -> Producer:
    producer = Producer(client, kafka.name("id"), transaction_timeout_s=5.0, version=version)
    producer.initialise(time.monotonic() + 30)
    return producer


def outputs(topic: str, *values: str, partition: int = 0) -> list[Output]:
    return [Output(topic, partition, batch(value)) for value in values]


def commit(producer: Producer, sent: list[Output]) -> None:
    """Commit, again where a topic's leader was not ready yet."""
    deadline = time.monotonic() + 30
    while True:
        try:
            producer.commit(sent)
        except TransactionLost:
            assert time.monotonic() < deadline
            producer.initialise(deadline)
        else:
            return


@pytest.mark.parametrize("version", [1, 2])
def test_many_batches_of_a_partition_keep_their_order_over_transactions(
    kafka: KafkaHarness, client: Client, version: TransactionVersion
) -> None:
    topic = kafka.create_topic("topic", 2)
    producer = make(client, kafka, version)
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
    commit(make(client, kafka), [Output(topic, 0, begun), Output(topic, 0, rebuild(whole))])
    assert seen(kafka, topic) == ["b", "c", "a", "b", "c"]


def test_a_batch_beyond_the_topic_s_limit_is_named_and_nothing_is_committed(
    kafka: KafkaHarness, client: Client
) -> None:
    topic, small = kafka.create_topic("topic"), kafka.create_topic("small", config={"max.message.bytes": "1000"})
    producer = make(client, kafka)
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
    zombie = make(client, kafka)
    commit(zombie, outputs(topic, "first"))
    commit(make(client, kafka), outputs(topic, "second"))
    with pytest.raises(TransactionLost):
        zombie.commit(outputs(topic, "zombie"))
    with pytest.raises(Fenced, match=r"id.*must exit"):
        zombie.initialise(time.monotonic() + 30)
    assert seen(kafka, topic) == ["first", "second"]


def test_a_topic_that_does_not_exist_is_named(kafka: KafkaHarness, client: Client) -> None:
    with pytest.raises(UnknownTopic, match="nowhere"):
        make(client, kafka).commit(outputs(kafka.name("nowhere"), "x"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_topic_that_is_deleted_is_named_by_the_next_transaction(
    kafka: KafkaHarness, client: Client, version: TransactionVersion
) -> None:
    topic, doomed = kafka.create_topic("topic"), kafka.create_topic("doomed")
    producer = make(client, kafka, version)
    commit(producer, outputs(topic, "first") + outputs(doomed, "first"))
    kafka.delete_topic(doomed)
    with pytest.raises(OutputMissing, match="doomed"):
        producer.commit(outputs(topic, "lost") + outputs(doomed, "lost"))
    producer.initialise(time.monotonic() + 30)
    commit(producer, outputs(topic, "second"))
    assert seen(kafka, topic) == ["first", "second"]


def stop_at(phase: str) -> Callable[[Phase], None]:
    """A probe that gives up in a phase."""

    def probe(reached: Phase) -> None:
        if reached == phase:
            raise InterruptedError(reached)

    return probe


def crash(folder: Path) -> None:
    """Kill a broker, and start it again."""
    stop(folder, grace_s=0.0)
    start(folder)


@pytest.mark.parametrize(("phase", "expected"), [("positioned", ["second"]), ("ending", ["first", "second"])])
def test_a_broker_that_crashes_in_a_transaction_fences_nobody(tmp_path: Path, phase: str, expected: list[str]) -> None:
    # Given a transaction that is open, or whose end was not answered
    with running_broker(tmp_path) as broker:
        kafka = KafkaHarness(broker.bootstrap)
        topic = kafka.create_topic("topic")
        client = Client(Address(broker.bootstrap, EMPTY))
        producer = make(client, kafka)
        with pytest.raises(InterruptedError):
            producer.commit(outputs(topic, "first"), None, stop_at(phase))
        kafka.wait_until(lambda: seen(kafka, topic) == expected[:-1], 10.0, "the commit")
        # When the broker dies, comes back, and has ended it
        crash(tmp_path)
        after = KafkaHarness(broker.bootstrap)
        after.append(topic, 0, batch("behind"))
        after.wait_until(lambda: seen(after, topic) == [*expected[:-1], "behind"], 30.0, "the end of the transaction")
        # Then the producer goes on
        producer.initialise(time.monotonic() + 30)
        commit(producer, outputs(topic, "second"))
        assert seen(after, topic) == [*expected[:-1], "behind", "second"]
        for each in (client, kafka, after):
            each.close()


@pytest.mark.parametrize(
    ("phase", "is_before"), [("ending", True), ("ending", False), ("positioned", True), ("begun", True)]
)
def test_a_later_instance_fences_an_earlier_one_although_the_broker_crashed(
    tmp_path: Path, phase: str, *, is_before: bool
) -> None:
    # Given the same, and another instance that takes the id before the crash or after it
    with running_broker(tmp_path) as broker:
        kafka = KafkaHarness(broker.bootstrap)
        topic = kafka.create_topic("topic")
        old_client, new_client = (Client(Address(broker.bootstrap, EMPTY)) for _ in range(2))
        older = make(old_client, kafka)
        with pytest.raises(InterruptedError):
            older.commit(outputs(topic, "first"), None, stop_at(phase))
        newer = make(new_client, kafka) if is_before else None
        crash(tmp_path)
        newer = newer or make(new_client, kafka)
        # When the earlier one goes on, then it is fenced, and the later one is not
        with pytest.raises(Fenced, match=r"id.*must exit"):
            older.initialise(time.monotonic() + 30)
        commit(newer, outputs(topic, "second"))
        with pytest.raises(Fenced, match=r"id.*must exit"):
            older.initialise(time.monotonic() + 30)
        commit(newer, outputs(topic, "third"))
        after = KafkaHarness(broker.bootstrap)
        assert seen(after, topic)[-2:] == ["second", "third"]
        for each in (old_client, new_client, kafka, after):
            each.close()


def test_a_transaction_left_open_is_aborted_by_the_next_instance(kafka: KafkaHarness, client: Client) -> None:
    topic = kafka.create_topic("topic")

    def stop(phase: str) -> None:
        if phase == "produced":
            raise InterruptedError(phase)

    commit(make(client, kafka), outputs(topic, "first"))
    with pytest.raises(InterruptedError):
        make(client, kafka).commit(outputs(topic, "open"), None, stop)
    commit(make(client, kafka), outputs(topic, "second"))
    assert seen(kafka, topic) == ["first", "second"]
