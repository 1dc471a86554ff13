"""Readers of named partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import PATIENCE_S, POLL_S, at, batch, end_of, values_of

from understudy.core.log.contract import Output
from understudy.core.log.errors import PositionExpired, UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.harness import LogHarness

    from understudy.core.log.contract import Reader, TopicPartition


def read_until(harness: LogHarness, reader: Reader, condition: Callable[[], bool]) -> dict[TopicPartition, list[str]]:
    """What polls bring until the condition holds."""
    found: dict[TopicPartition, list[str]] = {}

    def polled() -> bool:
        for partition, batches in reader.poll(POLL_S).items():
            found.setdefault(partition, []).extend(values_of(batches))
        return condition()

    harness.wait_until(polled, PATIENCE_S, "the reader's progress")
    return found


def test_a_reader_begins_where_it_is_told(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 2)
    harness.append(topic, 0, batch("a0", "a1"), batch("a2"))
    harness.append(topic, 1, batch("b0"), batch("b1"))

    with harness.log.reader({at(topic, 0): 1, at(topic, 1): 1}) as reader:
        found = read_until(
            harness, reader, lambda: reader.position(at(topic, 0)) == 3 == reader.position(at(topic, 1)) + 1
        )

    assert found == {at(topic, 0): ["a1", "a2"], at(topic, 1): ["b1"]}


def test_a_reader_moves_over_markers_and_aborted_records_to_the_end(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.open_transaction([Output(topic, 0, batch("kept"))]).end(commit=True)
    harness.open_transaction([Output(topic, 0, batch("lost"))]).end(commit=False)

    with harness.log.reader({at(topic): 0}) as reader:
        end = end_of(harness, at(topic))
        found = read_until(harness, reader, lambda: reader.position(at(topic)) >= end)

    assert end == 4
    assert found == {at(topic): ["kept"]}


def test_a_reader_of_nothing_but_aborted_records_reaches_the_end(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.open_transaction([Output(topic, 0, batch("lost"))]).end(commit=False)

    with harness.log.reader({at(topic): 0}) as reader:
        found = read_until(harness, reader, lambda: reader.position(at(topic)) == 2)

    assert found == {}


def test_a_reader_waits_for_an_open_transaction(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    transaction = harness.open_transaction([Output(topic, 0, batch("inside"))])
    harness.append(topic, 0, batch("behind"))

    with harness.log.reader({at(topic): 0}) as reader:
        assert reader.poll(0.5) == {}
        assert reader.position(at(topic)) == 0
        transaction.end(commit=True)
        found = read_until(harness, reader, lambda: reader.position(at(topic)) == 3)

    assert found == {at(topic): ["inside", "behind"]}


def test_a_reader_of_an_unknown_topic_is_told_so(harness: LogHarness) -> None:
    with (
        harness.log.reader({at(harness.name("nowhere")): 0}) as reader,
        pytest.raises(UnknownTopic, match="nowhere"),
    ):
        read_until(harness, reader, lambda: False)


def test_a_reader_below_what_is_left_is_told_so(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0"), batch("a1"))
    harness.delete_records(topic, 0, 1)

    with harness.log.reader({at(topic): 0}) as reader, pytest.raises(PositionExpired, match=topic):
        read_until(harness, reader, lambda: False)
