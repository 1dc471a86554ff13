"""What a session's polls bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import CREATED_MS, PATIENCE_S, Driver, at, batch, begin_at, values_of

from understudy.core.batches import Codec
from understudy.core.log.contract import Output, Position

if TYPE_CHECKING:
    from support.harness import LogHarness


def begin(harness: LogHarness, topic: str, *offsets: int) -> None:
    begin_at(harness, "group", {at(topic, i): Position(offset) for i, offset in enumerate(offsets)})


def test_batches_come_whole_and_in_order_per_partition(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 2)
    begin(harness, topic, 0, 0)
    harness.append(topic, 0, batch("a0", "a1"), batch("a2"), batch("a3", "a4"))
    harness.append(topic, 1, batch("b0"), batch("b1", "b2"))

    driver = Driver(harness, [topic])
    driver.until_holds("a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2")

    assert [values_of([each]) for each in driver.held[at(topic, 0)]] == [["a0", "a1"], ["a2"], ["a3", "a4"]]
    assert [values_of([each]) for each in driver.held[at(topic, 1)]] == [["b0"], ["b1", "b2"]]
    assert [each.base_offset for each in driver.held[at(topic, 0)]] == [0, 2, 3]


def test_a_batch_is_delivered_once_per_ownership_and_later_ones_follow(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    driver = Driver(harness, [topic])
    harness.append(topic, 0, batch("a0"))
    driver.until_holds("a0")
    assert driver.poll().batches == {}

    harness.append(topic, 0, batch("a1"))
    driver.until_holds("a0", "a1")

    assert driver.values() == ["a0", "a1"]


def test_many_batches_come_in_several_polls_without_loss(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    sent = [f"{i:04}" + "x" * 2_000 for i in range(60)]
    harness.append(topic, 0, *(batch(*sent[i : i + 4]) for i in range(0, 60, 4)))
    driver = Driver(harness, [topic], poll_bytes=20_000)

    polls = []
    driver.until_owns(at(topic))
    while len(driver.values()) < len(sent):
        polls.append(sum(map(len, driver.poll(PATIENCE_S).batches.values())))

    assert driver.values() == sent
    assert max(polls) < 15


@pytest.mark.parametrize("codec", list(Codec))
def test_every_codec_is_kept(harness: LogHarness, codec: Codec) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    sent = [f"{i:03} the same words again and again" for i in range(100)]
    harness.append(topic, 0, batch(*sent, codec=codec))

    driver = Driver(harness, [topic])
    driver.until_holds(*sent)

    assert driver.values() == sent
    assert driver.held[at(topic)][0].codec is codec
    assert driver.held[at(topic)][0].columns.timestamps_ms == [CREATED_MS + i for i in range(100)]


def test_an_empty_poll_brings_nothing_and_changes_nothing(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    driver = Driver(harness, [topic])
    driver.until_owns(at(topic))

    polled = driver.poll()

    assert (polled.batches, polled.assigned, polled.revoked, polled.reread) == ({}, {}, frozenset(), {})
    assert driver.commit()


def test_control_batches_and_aborted_records_are_invisible(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    harness.append(topic, 0, batch("a0"))
    harness.open_transaction([Output(topic, 0, batch("aborted"))]).end(commit=False)
    harness.open_transaction([Output(topic, 0, batch("a3"))]).end(commit=True)
    harness.open_transaction([Output(topic, 0, batch("aborted too"))]).end(commit=False)
    harness.append(topic, 0, batch("a7"))

    driver = Driver(harness, [topic])
    driver.until_holds("a0", "a3", "a7")

    assert [list(each.columns.offsets) for each in driver.held[at(topic)]] == [[0], [3], [7]]


def test_interleaved_transactions_are_told_apart(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    lost = harness.open_transaction([Output(topic, 0, batch("lost"))])
    kept = harness.open_transaction([Output(topic, 0, batch("kept"))])
    harness.append(topic, 0, batch("plain"))
    kept.end(commit=True)
    lost.end(commit=False)

    driver = Driver(harness, [topic])
    driver.until_holds("kept", "plain")

    assert driver.values() == ["kept", "plain"]


def test_an_open_transaction_holds_back_what_is_behind_it(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    harness.append(topic, 0, batch("before"))
    transaction = harness.open_transaction([Output(topic, 0, batch("inside"))])
    harness.append(topic, 0, batch("behind"))
    driver = Driver(harness, [topic])
    driver.until_holds("before")
    assert driver.poll(0.5).batches == {}

    transaction.end(commit=True)
    driver.until_holds("before", "inside", "behind")

    assert driver.values() == ["before", "inside", "behind"]


def test_offset_gaps_are_kept(harness: LogHarness) -> None:
    topic = harness.create_compacted("input", [batch("a0", "b1", "c2"), batch("b3", "d4")])
    begin(harness, topic, 0)

    driver = Driver(harness, [topic])
    driver.until_holds("a0", "c2", "b3", "d4")

    assert [offset for each in driver.held[at(topic)] for offset in each.columns.offsets] == [0, 2, 3, 4]
    assert not driver.held[at(topic)][0].is_forwardable


def test_append_times_come_beside_create_times(harness: LogHarness) -> None:
    topic = harness.create_topic("input", config={"message.timestamp.type": "LogAppendTime"})
    begin(harness, topic, 0)
    before_ms = harness.now_ms()
    harness.append(topic, 0, batch("a0", "a1"))

    driver = Driver(harness, [topic])
    driver.until_holds("a0", "a1")

    (held,) = driver.held[at(topic)]
    assert held.append_time_ms is not None
    assert before_ms <= held.append_time_ms <= harness.now_ms()
    assert held.columns.timestamps_ms == [CREATED_MS, CREATED_MS + 1]


def test_a_start_in_mid_batch_counts_from_there(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    harness.append(topic, 0, batch("a0", "a1", "a2"), batch("a3"))
    begin(harness, topic, 1)

    driver = Driver(harness, [topic])
    driver.until_holds("a1", "a2", "a3")

    first = driver.held[at(topic)][0]
    assert (first.base_offset, first.from_offset, first.next_offset) == (0, 1, 3)
    assert list(first.columns.offsets) == [1, 2]
    assert not first.is_forwardable


def test_paused_partitions_wait_and_lose_nothing(harness: LogHarness) -> None:
    topic = harness.create_topic("input", 2)
    begin(harness, topic, 0, 0)
    driver = Driver(harness, [topic])
    driver.until_owns(at(topic, 0), at(topic, 1))
    harness.append(topic, 0, batch("a0"))
    harness.append(topic, 1, batch("b0"))

    driver.until(lambda: driver.values() == ["b0"], "the other partition's", paused={at(topic, 0)})
    assert driver.poll(paused={at(topic, 0)}).batches == {}
    harness.append(topic, 0, batch("a1"))
    driver.until_holds("a0", "a1", "b0")

    assert driver.values(at(topic, 0)) == ["a0", "a1"]


def test_what_was_read_before_a_pause_is_not_read_again(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    driver = Driver(harness, [topic])
    harness.append(topic, 0, batch("a0"))
    driver.until_holds("a0")
    assert driver.poll(paused={at(topic)}).batches == {}
    harness.append(topic, 0, batch("a1"))
    assert driver.poll(paused={at(topic)}).batches == {}

    driver.until_holds("a0", "a1")

    assert driver.values() == ["a0", "a1"]


def test_what_was_read_can_be_read_again_up_to_the_position(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    harness.append(topic, 0, batch("a0", "a1"), batch("a2"))
    driver = Driver(harness, [topic])
    driver.until_holds("a0", "a1", "a2")
    assert driver.commit()
    harness.append(topic, 0, batch("a3"))

    polled = driver.poll(PATIENCE_S, paused={at(topic)}, reread={at(topic): 1})

    assert polled.batches == {}
    assert values_of(polled.reread[at(topic)]) == ["a1", "a2"]
    driver.until_holds("a3")


def test_reading_again_skips_aborted_records_and_goes_on_in_pieces(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    sent = [f"{i:02}" + "x" * 1_000 for i in range(20)]
    for value in sent[:10]:
        harness.append(topic, 0, batch(value))
    harness.open_transaction([Output(topic, 0, batch("lost" + "x" * 4_000))]).end(commit=False)
    for value in sent[10:]:
        harness.append(topic, 0, batch(value))
    driver = Driver(harness, [topic], poll_bytes=3_000)
    driver.until_holds(*sent)

    found: list[str] = []
    offset = 0
    while len(found) < len(sent):
        pieces = driver.poll(PATIENCE_S, reread={at(topic): offset}).reread[at(topic)]
        found += values_of(pieces)
        offset = pieces[-1].next_offset

    assert found == sent


def test_reading_again_leaves_out_what_retention_has_removed(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, 0)
    driver = Driver(harness, [topic])
    harness.append(topic, 0, batch("a0"), batch("a1"), batch("a2"))
    driver.until_holds("a0", "a1", "a2")
    assert driver.commit()

    harness.delete_records(topic, 0, 2)
    some = driver.poll(PATIENCE_S, reread={at(topic): 0}).reread
    harness.delete_records(topic, 0, 3)
    nothing = driver.poll(PATIENCE_S, reread={at(topic): 0}).reread

    assert values_of(some[at(topic)]) == ["a2"]
    assert nothing == {at(topic): []}


def test_several_input_topics_are_read_side_by_side(harness: LogHarness) -> None:
    left, right = harness.create_topic("left"), harness.create_topic("right")
    begin_at(harness, "group", {at(left): Position(0), at(right): Position(1)})
    harness.append(left, 0, batch("l0"))
    harness.append(right, 0, batch("r0"), batch("r1"))

    driver = Driver(harness, [left, right])
    driver.until_holds("l0", "r1")

    assert driver.values(at(left)) == ["l0"]
    assert driver.values(at(right)) == ["r1"]


def test_topics_that_become_visible_at_different_times_are_read_as_they_come(harness: LogHarness) -> None:
    left, right = harness.create_topic("left"), harness.create_topic("right")
    begin_at(harness, "group", {at(left): Position(0), at(right): Position(0)})
    early = harness.open_transaction([Output(left, 0, batch("l0"))])
    late = harness.open_transaction([Output(right, 0, batch("r0"))])
    driver = Driver(harness, [left, right])
    driver.until_owns(at(left), at(right))

    early.end(commit=True)
    driver.until_holds("l0")
    assert driver.commit()
    assert driver.poll(0.5).batches == {}
    late.end(commit=True)
    driver.until_holds("r0")

    assert driver.commit()
