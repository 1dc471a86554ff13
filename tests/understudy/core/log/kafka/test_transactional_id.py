from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.driving import batch, seen
from support.kafka_harness import KafkaHarness
from support.kafka_producing import commit, crash, make_producer, outputs, stop_at

from understudy.app.brokers.local import running_broker
from understudy.core.log.contract import EMPTY
from understudy.core.log.errors import Fenced
from understudy.core.log.kafka.client import Address, Client
from understudy.core.log.kafka.transactional_id import TransactionalId

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kafka


def test_a_first_taker_learns_how_the_transaction_of_the_one_before_had_ended(
    kafka: KafkaHarness, client: Client
) -> None:
    topic = kafka.create_topic("topic")

    def former() -> str | None:
        later = TransactionalId(client, kafka.name("id"), 5.0, 2)
        later.take(time.monotonic() + 30)
        return later.former

    assert former() is None
    producer = make_producer(client, kafka)
    commit(producer, outputs(topic, "first"))
    assert former() == "commit"
    assert former() is None
    with pytest.raises(InterruptedError):
        make_producer(client, kafka).commit(outputs(topic, "open"), None, stop_at("positioned"))
    assert former() is None


@pytest.mark.parametrize(("phase", "expected"), [("positioned", ["second"]), ("ending", ["first", "second"])])
def test_a_broker_that_crashes_in_a_transaction_fences_nobody(tmp_path: Path, phase: str, expected: list[str]) -> None:
    # Given a transaction that is open, or whose end was not answered
    with running_broker(tmp_path) as broker:
        kafka = KafkaHarness(broker.bootstrap)
        topic = kafka.create_topic("topic")
        client = Client(Address(broker.bootstrap, EMPTY))
        producer = make_producer(client, kafka)
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
        older = make_producer(old_client, kafka)
        with pytest.raises(InterruptedError):
            older.commit(outputs(topic, "first"), None, stop_at(phase))
        newer = make_producer(new_client, kafka) if is_before else None
        crash(tmp_path)
        newer = newer or make_producer(new_client, kafka)
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
