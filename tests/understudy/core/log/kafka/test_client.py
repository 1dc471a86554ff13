from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from kafka import errors
from support.driving import at

from understudy.app.brokers.local import running_broker
from understudy.core.log.contract import EMPTY
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.kafka.client import Address, Client, by_node, by_topic, ensure, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.kafka_harness import KafkaHarness


@pytest.fixture
def client(kafka_bootstrap: str) -> Iterator[Client]:
    client = Client(Address(kafka_bootstrap, EMPTY))
    yield client
    client.close()


def test_partitions_are_grouped_as_requests_want_them() -> None:
    grouped = by_topic([(at("a", 1), "x"), (at("b"), "y"), (at("a", 0), "z")])
    assert grouped == {"a": [(1, "x"), (0, "z")], "b": [(0, "y")]}
    assert by_node({at("a", 0): 1, at("a", 1): 2, at("b"): 1}) == {1: (at("a", 0), at("b")), 2: (at("a", 1),)}


def test_an_error_code_becomes_the_library_s_error() -> None:
    ensure(0, "nothing")
    with pytest.raises(errors.NotLeaderForPartitionError, match="topic-1"):
        ensure(6, "topic-1")


def test_a_server_list_is_split() -> None:
    assert Address("a:1, b:2", EMPTY).servers() == ["a:1", "b:2"]


@pytest.mark.kafka
def test_topics_are_described_and_unknown_ones_left_out(kafka: KafkaHarness, client: Client) -> None:
    topic = kafka.create_topic("topic", 3)
    found = client.topics([topic, kafka.name("nowhere")])
    assert found.keys() == {topic}
    assert found[topic].leaders.keys() == {0, 1, 2}
    assert client.topics([]) == {}


@pytest.mark.kafka
def test_leaders_are_found_and_an_unknown_topic_is_named(kafka: KafkaHarness, client: Client) -> None:
    topic = kafka.create_topic("topic", 2)
    leaders = client.leaders([at(topic, 0), at(topic, 1)])
    assert leaders.keys() == {at(topic, 0), at(topic, 1)}
    with pytest.raises(UnknownTopic, match="nowhere"):
        client.leaders([at(kafka.name("nowhere"))])
    with pytest.raises(errors.LeaderNotAvailableError):
        client.leaders([at(topic, 7)])


@pytest.mark.kafka
def test_what_passes_is_tried_again_and_what_does_not_is_raised(client: Client) -> None:
    outcomes = iter([errors.NotCoordinatorError("moved"), errors.NodeNotReadyError("starting")])

    def attempt() -> str:
        for outcome in outcomes:
            raise outcome
        return "done"

    def refuse() -> None:
        raise errors.GroupAuthorizationFailedError("group")

    assert client.retry(attempt, time.monotonic() + 10) == "done"
    with pytest.raises(errors.GroupAuthorizationFailedError):
        client.retry(refuse, time.monotonic() + 10)


@pytest.mark.kafka
def test_a_deadline_ends_the_trying(client: Client) -> None:
    def attempt() -> None:
        raise errors.NotCoordinatorError("moved")

    began = time.monotonic()
    with pytest.raises(errors.NotCoordinatorError):
        client.retry(attempt, began + 0.1)
    assert time.monotonic() - began < 5.0


@pytest.mark.kafka
def test_the_cluster_says_which_transactions_it_speaks(client: Client, kafka_bootstrap: str) -> None:
    assert kafka_bootstrap
    assert client.transaction_version() in {1, 2}
    with running_broker(features={"transaction.version": 1}) as old:
        older = Client(Address(old.bootstrap, EMPTY))
        assert older.transaction_version() == 1
        older.close()


def test_where_nobody_answers_is_told_with_what_the_client_said_once() -> None:
    address = Address("here:1", {}, connect_timeout_s=2.0)

    told = str(unavailable(address, errors.KafkaTimeoutError("no bootstrap")))

    assert told.startswith("No broker answers at here:1 within 2 s. Check kafka.bootstrap")
    assert told.endswith("The client said: KafkaTimeoutError: no bootstrap")
    assert str(unavailable(address, OSError("refused"))).endswith("The client said: OSError: refused")
