from __future__ import annotations

from dataclasses import dataclass

import pytest
from support.driving import at, batch, values_of

from understudy.core.log.contract import NewTopic, Output, Position
from understudy.core.log.errors import Fenced
from understudy.core.log.memory.faults import Faults
from understudy.core.log.memory.groups import Group, Groups
from understudy.core.log.memory.topics import Topics
from understudy.core.log.memory.transactions import LAST_EPOCH, ProducerIdentity, Transactions

TIMEOUT_S = 5.0


@dataclass
class Bench:
    """A coordinator and what it works on."""

    topics: Topics
    groups: Groups
    faults: Faults
    transactions: Transactions

    def start(self, name: str = "id", now_s: float = 0.0) -> ProducerIdentity:
        return self.transactions.initialise(name, TIMEOUT_S, now_s)

    def append(self, identity: ProducerIdentity, value: str, topic: str = "one", now_s: float = 0.0) -> None:
        self.transactions.append(identity, Output(topic, 0, batch(value)), now_s)

    def visible(self, topic: str = "one") -> list[str]:
        return values_of(self.topics.partition(at(topic)).read(0, 1 << 20).batches)

    @property
    def group(self) -> Group:
        return self.groups.named("group")


@pytest.fixture
def bench() -> Bench:
    topics, faults = Topics(), Faults()
    for name in ("one", "two"):
        topics.create(NewTopic(name, 1))
    groups = Groups(topics)
    return Bench(topics, groups, faults, Transactions(topics, groups, faults))


def test_records_are_visible_when_the_transaction_ended(bench: Bench) -> None:
    identity = bench.start()
    bench.append(identity, "a0")
    assert bench.visible() == []

    bench.transactions.end(identity, 0.0, commit=True)

    assert bench.visible() == ["a0"]


def test_each_transaction_has_the_next_epoch_and_sequences_from_0(bench: Bench) -> None:
    identity = bench.start()
    bench.append(identity, "a0")
    bench.append(identity, "a1")
    identity = bench.transactions.end(identity, 0.0, commit=True)
    bench.append(identity, "a2")
    bench.transactions.end(identity, 0.0, commit=True)

    batches = bench.topics.partition(at("one")).read(0, 1 << 20).batches

    assert [(each.producer_epoch, each.base_sequence) for each in batches] == [(0, 0), (0, 1), (1, 0)]


def test_an_end_without_a_transaction_changes_nothing(bench: Bench) -> None:
    identity = bench.start()

    assert bench.transactions.end(identity, 0.0, commit=True) == identity
    assert bench.topics.partition(at("one")).end_offset == 0


def test_a_newcomer_aborts_and_fences(bench: Bench) -> None:
    old = bench.start()
    bench.append(old, "lost")
    new = bench.start()

    assert bench.topics.partition(at("one")).stable_offset == 2
    with pytest.raises(Fenced, match="id"):
        bench.append(old, "late")
    with pytest.raises(Fenced):
        bench.transactions.end(old, 0.0, commit=True)
    with pytest.raises(Fenced):
        bench.transactions.initialise("id", TIMEOUT_S, 0.0, old)
    assert bench.transactions.initialise("id", TIMEOUT_S, 0.0, new).epoch == new.epoch + 1


def test_other_ids_are_left_alone(bench: Bench) -> None:
    one, other = bench.start("one"), bench.start("other")
    bench.append(one, "a0")
    bench.append(other, "a1")

    bench.start("other")
    bench.transactions.end(one, 0.0, commit=True)

    assert bench.visible() == ["a0"]


def test_a_transaction_times_out_and_its_producer_is_fenced(bench: Bench) -> None:
    identity = bench.start()
    bench.append(identity, "lost", now_s=100.0)
    assert bench.transactions.due_s() == [105.0]

    bench.transactions.expire(104.9)
    assert bench.topics.partition(at("one")).stable_offset == 0
    bench.transactions.expire(105.0)

    assert bench.topics.partition(at("one")).stable_offset == 2
    with pytest.raises(Fenced, match="5 s"):
        bench.transactions.end(identity, 105.0, commit=True)
    assert bench.visible() == []


def test_positions_move_with_the_end(bench: Bench) -> None:
    identity = bench.start()
    bench.transactions.move(identity, "group", {at("one"): Position(1)}, 0.0)
    bench.transactions.move(identity, "group", {at("one"): Position(2)}, 0.0)
    assert (bench.group.pending, bench.group.positions) == ({at("one"): 1}, {})

    bench.transactions.end(identity, 0.0, commit=True)

    assert (bench.group.pending, bench.group.positions) == ({}, {at("one"): Position(2)})


def test_positions_stay_after_an_abort(bench: Bench) -> None:
    identity = bench.start()
    bench.transactions.move(identity, "group", {at("one"): Position(1)}, 0.0)

    bench.transactions.end(identity, 0.0, commit=False)

    assert (bench.group.pending, bench.group.positions) == ({}, {})


def test_topics_of_one_transaction_become_visible_at_different_times(bench: Bench) -> None:
    bench.faults.delay_markers("two", 2.0)
    identity = bench.start()
    bench.append(identity, "a0", "one")
    bench.append(identity, "b0", "two")

    identity = bench.transactions.end(identity, 100.0, commit=True)

    assert (bench.visible("one"), bench.visible("two")) == (["a0"], [])
    assert not bench.transactions.is_settled(identity)
    assert bench.transactions.due_s() == [102.0]
    bench.transactions.expire(102.0)
    assert bench.visible("two") == ["b0"]
    assert bench.transactions.is_settled(identity)


def test_after_the_last_epoch_comes_another_producer_id(bench: Bench) -> None:
    identity = bench.start()
    for _ in range(LAST_EPOCH):
        identity = bench.transactions.initialise("id", TIMEOUT_S, 0.0, identity)
    assert identity.epoch == LAST_EPOCH

    successor = bench.transactions.initialise("id", TIMEOUT_S, 0.0, identity)

    assert successor.epoch == 0
    assert successor.producer_id != identity.producer_id
    with pytest.raises(Fenced):
        bench.append(identity, "late")
