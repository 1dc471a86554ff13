from __future__ import annotations

import pytest
from support.driving import at, batch, values_of
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import Output
from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.log.reading import partitions_of, read_to_end


@pytest.fixture
def harness() -> MemoryHarness:
    return MemoryHarness()


def values(harness: MemoryHarness, *topics: str) -> list[str]:
    return [
        value for _, each in read_to_end(harness.log, *topics, clock=harness.clock.now_s) for value in values_of([each])
    ]


def test_everything_in_several_topics_is_read_in_order_per_partition(harness: MemoryHarness) -> None:
    one, two = harness.create_topic("one", 2), harness.create_topic("two")
    harness.append(one, 0, batch("a0", "a1"), batch("a2"))
    harness.append(one, 1, batch("b0"))
    harness.append(two, 0, batch("c0"))

    found = list(read_to_end(harness.log, one, two, clock=harness.clock.now_s))

    by_partition = {at_: values_of([each for where, each in found if where == at_]) for at_, _ in found}
    assert by_partition == {at(one, 0): ["a0", "a1", "a2"], at(one, 1): ["b0"], at(two, 0): ["c0"]}


def test_empty_topics_have_nothing_to_read(harness: MemoryHarness) -> None:
    assert values(harness, harness.create_topic("one", 3)) == []


def test_reading_passes_markers_and_aborted_records(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one")
    harness.open_transaction([Output(topic, 0, batch("kept"))]).end(commit=True)
    harness.open_transaction([Output(topic, 0, batch("lost"))]).end(commit=False)

    assert values(harness, topic) == ["kept"]


def test_reading_begins_at_what_is_left(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one")
    harness.append(topic, 0, batch("a0"), batch("a1"), batch("a2"))
    harness.delete_records(topic, 0, 2)

    assert values(harness, topic) == ["a2"]


def test_what_comes_later_is_left_out(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one")
    harness.append(topic, 0, batch("a0"), batch("a1"))
    reading = read_to_end(harness.log, topic, clock=harness.clock.now_s)
    _, first = next(reading)
    harness.append(topic, 0, batch("a2"))

    rest = [each for _, each in reading]

    assert values_of([first, *rest]) == ["a0", "a1"]


def test_an_open_transaction_is_waited_for(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one", 2)
    harness.append(topic, 1, batch("b0"))
    transaction = harness.open_transaction([Output(topic, 0, batch("a0"))])
    reading = read_to_end(harness.log, topic, clock=harness.clock.now_s)
    assert values_of([next(reading)[1]]) == ["b0"]

    transaction.end(commit=True)

    assert values_of(each for _, each in reading) == ["a0"]


def test_a_transaction_that_stays_open_ends_the_patience(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one")
    harness.open_transaction([Output(topic, 0, batch("a0"))])

    with pytest.raises(LogUnavailable, match=r"one\[0\] at 0"):
        list(read_to_end(harness.log, topic, patience_s=3.0, clock=harness.clock.now_s))


def test_a_missing_topic_is_named(harness: MemoryHarness) -> None:
    topic = harness.create_topic("one")

    with pytest.raises(UnknownTopic, match="nowhere"):
        values(harness, topic, "nowhere")


def test_partitions_come_in_the_order_of_the_topics(harness: MemoryHarness) -> None:
    one, two = harness.create_topic("one"), harness.create_topic("two", 2)

    with harness.log.admin() as admin:
        assert partitions_of(admin, [two, one]) == [at(two, 0), at(two, 1), at(one, 0)]
