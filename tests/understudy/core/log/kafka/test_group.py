from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from kafka.future import Future
from support.driving import at, batch, values_of
from support.kafka_harness import wait_until

from understudy.core.log.contract import EMPTY, SessionSpec, TopicPartition
from understudy.core.log.errors import LogError
from understudy.core.log.kafka.client import Address
from understudy.core.log.kafka.fetch import OutOfRange
from understudy.core.log.kafka.group import LastingJoin, Membership, Ownership, RebalanceListener, check_slot, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.kafka_harness import KafkaHarness

    from understudy.core.batches import Batch


@pytest.mark.parametrize("slot", ["", "a b", "a/b", "ä", ".", "..", "x" * 250])
def test_names_that_kafka_refuses_are_refused(slot: str) -> None:
    with pytest.raises(LogError, match="letters, digits"):
        check_slot(slot)


def test_a_plain_name_is_a_slot() -> None:
    check_slot("endpoint.router.host-1_0")


def test_a_partition_is_served_where_it_is_owned_in_every_topic() -> None:
    owned = [at("a", 0), at("a", 1), at("b", 1), at("b", 2)]
    assert served(owned, ["a", "b"]) == {at("a", 1), at("b", 1)}
    assert served([], ["a"]) == frozenset()


class HeldConsumer:
    """What a listener asks of a consumer."""

    def __init__(self) -> None:
        self.held: list[tuple[str, int]] = []

    def seek(self, partition: object, offset: int) -> None:
        assert offset == 0, partition

    def pause(self, partition: TopicPartition) -> None:
        self.held.append((partition.topic, partition.partition))

    def group_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(generation_id=1, member_id="m", group_instance_id="i")


def test_what_was_away_between_two_looks_is_gained_anew() -> None:
    consumer = HeldConsumer()
    listener = RebalanceListener(consumer)
    listener.on_partitions_assigned([("t", 0), ("t", 1)])
    listener.take_change()

    listener.on_partitions_assigned([("t", 0)])
    listener.on_partitions_assigned([("t", 0), ("t", 1)])

    assert listener.take_change() == Ownership(frozenset({at("t", 0), at("t", 1)}), False, frozenset({at("t", 1)}))
    assert sorted(consumer.held) == [("t", 0), ("t", 1), ("t", 1)]


def test_a_join_that_is_done_already_is_still_awaited() -> None:
    attempt = Future()
    join = LastingJoin(attempt)
    attempt.success(b"assignment")
    results: list[bytes] = []

    join.add_callback(results.append)

    assert (join.is_done, results) == (False, [b"assignment"])


@pytest.fixture
def source(kafka: KafkaHarness) -> str:
    return kafka.create_topic("source", 2)


@pytest.fixture
def member(kafka: KafkaHarness, source: str) -> Iterator[Membership]:
    assert kafka.log
    member = Membership(Address(kafka._bootstrap, EMPTY), SessionSpec(kafka.name("group"), (source,), kafka.name("a")))
    wait_until(lambda: member.knows([source]), 10.0, "metadata")
    yield member
    member.close(5.0)


def take_change(member: Membership) -> Ownership:
    changes: list[Ownership] = []

    def changed() -> bool:
        assert member.poll(0.05) == {}
        change = member.take_change()
        changes.extend([change] if change else [])
        return bool(changes)

    wait_until(changed, 20.0, "a rebalance")
    return changes[0]


@pytest.mark.kafka
def test_what_is_assigned_is_held_until_it_is_placed_and_let_flow(
    kafka: KafkaHarness, source: str, member: Membership
) -> None:
    kafka.append(source, 0, batch("a", "b"))
    kafka.append(source, 1, batch("c"))
    assert member.member is None
    change = take_change(member)
    both = frozenset({at(source, 0), at(source, 1)})
    assert change == Ownership(both, lost=False, gained=both)
    assert member.member is not None
    assert member.poll(0.2) == {}, "it reads before it knows where to start"
    member.place({at(source, 0): 1, at(source, 1): 0})
    member.let_flow([at(source, 0)])
    got: list[Batch] = []

    def read() -> bool:
        polled = member.poll(0.05)
        assert at(source, 1) not in polled
        got.extend(polled.get(at(source, 0), ()))
        return bool(got)

    wait_until(read, 10.0, "records")
    assert values_of(got) == ["b"]


@pytest.mark.kafka
def test_an_offset_that_is_not_held_is_reported(source: str, member: Membership) -> None:
    take_change(member)
    member.place({at(source, 0): 9, at(source, 1): 0})
    member.let_flow([at(source, 0)])
    with pytest.raises(OutOfRange, match=r"source\[0\] does not hold offset 9"):
        wait_until(lambda: bool(member.poll(0.05)), 10.0, "an error")


@pytest.mark.kafka
def test_a_member_that_joins_anew_has_lost_what_it_had(member: Membership) -> None:
    take_change(member)
    member.rejoin()
    assert member.is_forgotten
    member.readmit()
    assert take_change(member).lost


@pytest.mark.kafka
@pytest.mark.parametrize("forget", [Membership.rejoin, lambda each: each._consumer._coordinator.reset_generation()])
def test_a_generation_that_is_forgotten_when_a_join_has_brought_it_is_joined_anew(
    kafka: KafkaHarness, source: str, member: Membership, forget: Callable[[Membership], None]
) -> None:
    coordinator = member._consumer._coordinator
    take_change(member)
    before = coordinator._generation.generation_id
    spec = SessionSpec(kafka.name("group"), (source,), kafka.name("b"))
    other = Membership(Address(kafka._bootstrap, EMPTY), spec)

    def join_is_under_way() -> bool:
        other.poll(0.01)
        member.poll(0.001)
        return coordinator._join_task is not None

    def join_is_done() -> bool:
        other.poll(0.01)
        return bool(coordinator._generation.generation_id != before)

    def both_have_one() -> bool:
        if member.is_forgotten:
            member.readmit()
        other.poll(0.01)
        member.poll(0.01)
        owned = [change.partitions for each in (member, other) if (change := each.take_change())]
        shares.extend(len(each) for each in owned)
        return shares[-2:] == [1, 1] and coordinator.stable()

    shares: list[int] = []
    wait_until(join_is_under_way, 20.0, "a join")
    wait_until(join_is_done, 20.0, "a generation")
    forget(member)

    wait_until(both_have_one, 20.0, "one partition each")
    other.close(5.0)


@pytest.mark.kafka
def test_a_topic_that_is_not_what_it_was_is_doubted(kafka: KafkaHarness, source: str, member: Membership) -> None:
    topic_id = kafka._client.topics([source])[source].topic_id
    take_change(member)
    wait_until(lambda: not member.doubts({source: topic_id}), 10.0, "settled metadata")
    assert member.doubts({source: "another id"})
