"""Outputs, positions and notes take effect together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from support.driving import Driver, at, batch, begin_at, end_of, position_of, seen
from support.harness import Killed, crash_at

from understudy.core.batches import Codec
from understudy.core.log.contract import Output, Phase, Position
from understudy.core.log.errors import Fenced, NoteTooLong, OutputMissing, OutputTooLarge, UnknownTopic

if TYPE_CHECKING:
    from support.harness import LogHarness

PROMPT_MS = 2_000
"""About a second, and as much again for a busy machine."""
PHASES: tuple[Phase, ...] = get_args(Phase)


@pytest.fixture
def source(harness: LogHarness) -> str:
    """An input topic with records "a0" to "a5" in three batches, from whose beginning the group starts."""
    topic = harness.create_topic("input")
    begin_at(harness, "group", {at(topic): Position(0)})
    harness.append(topic, 0, batch("a0", "a1"), batch("a2", "a3"), batch("a4", "a5"))
    return topic


@pytest.fixture
def target(harness: LogHarness) -> str:
    return harness.create_topic("output")


SENT = ("a0", "a1", "a2", "a3", "a4", "a5")


def test_outputs_positions_and_notes_are_committed_together(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.commit(driver.copies(target), {at(source): Position(6, "so far")})

    assert seen(harness, target) == list(SENT)
    assert position_of(harness, "group", at(source)) == Position(6, "so far")


def test_positions_default_to_what_was_polled_with_the_last_note(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    assert driver.commit([], {at(source): Position(2, "a note")})
    harness.append(source, 0, batch("a6"))
    driver.until_holds("a6")

    assert driver.copy(target)

    assert position_of(harness, "group", at(source)) == Position(7, "a note")
    assert seen(harness, target) == ["a6"]


def test_positions_may_stay_behind_what_was_polled(harness: LogHarness, source: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    assert driver.commit([], {at(source): Position(3, "in mid-batch")})
    driver.session.close()

    successor = Driver(harness, [source])
    successor.until_holds("a3", "a4", "a5")

    assert successor.owned == {at(source): Position(3, "in mid-batch")}


def test_outputs_alone_move_no_position(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.commit(driver.copies(target), {})

    assert seen(harness, target) == list(SENT)
    assert position_of(harness, "group", at(source)) == Position(0)


def test_a_commit_of_nothing_writes_nothing(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.commit([], {})

    assert end_of(harness, at(target)) == 0
    assert position_of(harness, "group", at(source)) == Position(0)


def test_several_batches_of_one_partition_keep_their_order(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    sent = [f"{i:02}" for i in range(20)]

    assert driver.commit([Output(target, 0, batch(value)) for value in sent])
    assert driver.commit([Output(target, 0, batch(value)) for value in sent])

    assert seen(harness, target) == sent * 2


def test_one_transaction_writes_to_several_topics_and_partitions(harness: LogHarness, source: str, target: str) -> None:
    wide = harness.create_topic("wide", 3)
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.commit([Output(wide, 2, batch("w2")), Output(target, 0, batch("t0")), Output(wide, 0, batch("w0"))])

    assert [seen(harness, wide, partition) for partition in range(3)] == [["w0"], [], ["w2"]]
    assert seen(harness, target) == ["t0"]


@pytest.mark.parametrize("codec", list(Codec))
def test_outputs_of_every_codec_are_readable(harness: LogHarness, source: str, target: str, codec: Codec) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    sent = [f"{i:03} the same words again and again" for i in range(100)]

    assert driver.commit([Output(target, 0, batch(*sent, codec=codec))])

    assert seen(harness, target) == sent


def test_forwarded_batches_keep_keys_values_and_create_times(harness: LogHarness, source: str, target: str) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.copy(target)

    assert [record[1:] for record in harness.read_committed(target)] == [
        record[1:] for record in harness.read_committed(source)
    ]


@pytest.mark.parametrize("phase", PHASES)
def test_after_a_crash_in_any_phase_a_restart_does_each_record_once(
    harness: LogHarness, source: str, target: str, phase: Phase
) -> None:
    first = Driver(harness, [source], probe=crash_at(phase, nth=2 if phase == "polled" else 1))
    with pytest.raises(Killed):
        first.copy_until(target, lambda: False, "a crash")
    harness.kill(first.session)
    harness.append(source, 0, batch("a6"))

    second = Driver(harness, [source])
    second.copy_until(target, lambda: len(seen(harness, target)) >= 7, "all records")

    assert seen(harness, target) == [*SENT, "a6"]
    assert second.poll().batches == {}


@pytest.mark.parametrize("phase", ["begun", "produced", "positioned"])
def test_what_a_crash_left_open_is_aborted_by_the_next_instance(
    harness: LogHarness, source: str, target: str, phase: Phase
) -> None:
    first = Driver(harness, [source], probe=crash_at(phase), transaction_timeout_s=60.0)
    with pytest.raises(Killed):
        first.copy_until(target, lambda: False, "a crash")
    harness.kill(first.session)
    assert seen(harness, target) == []

    second = Driver(harness, [source], transaction_timeout_s=60.0)
    second.until_holds(*SENT)

    assert second.owned == {at(source): Position(0)}
    assert second.commit([Output(target, 0, batch("redone"))])
    assert seen(harness, target) == ["redone"]


def test_a_transaction_left_open_times_out(harness: LogHarness, source: str, target: str) -> None:
    first = Driver(harness, [source], probe=crash_at("produced"), transaction_timeout_s=1.0)
    with pytest.raises(Killed):
        first.copy_until(target, lambda: False, "a crash")
    harness.kill(first.session)
    harness.append(target, 0, batch("behind"))

    harness.wait_until(lambda: seen(harness, target) == ["behind"], 15.0, "the transaction aborted")


def test_closing_aborts_what_is_open(harness: LogHarness, source: str, target: str) -> None:
    first = Driver(harness, [source], probe=crash_at("produced"), transaction_timeout_s=60.0)
    with pytest.raises(Killed):
        first.copy_until(target, lambda: False, "a crash")
    first.session.close()
    harness.append(target, 0, batch("behind"))

    harness.wait_until(lambda: seen(harness, target) == ["behind"], 5.0, "the transaction aborted")


def test_an_output_that_is_too_large_commits_nothing_and_the_session_goes_on(harness: LogHarness, source: str) -> None:
    small = harness.create_topic("small", config={"max.message.bytes": "1000"})
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    with pytest.raises(OutputTooLarge, match=small) as refusal:
        driver.commit([Output(small, 0, batch("fits")), Output(small, 0, batch("x" * 1_000))])

    assert refusal.value.topic == small
    assert seen(harness, small) == []
    driver.until_rebuilt(at(source))
    assert driver.owned == {at(source): Position(0)}
    driver.until_holds(*SENT)
    assert driver.copy(small)
    assert seen(harness, small) == list(SENT)


def test_after_a_failure_nothing_is_committed_before_the_next_poll(
    harness: LogHarness, source: str, target: str
) -> None:
    small = harness.create_topic("small", config={"max.message.bytes": "1000"})
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    with pytest.raises(OutputTooLarge):
        driver.commit([Output(small, 0, batch("x" * 1_000))])

    assert not driver.commit(driver.copies(target), {at(source): Position(6)})
    assert not driver.commit(driver.copies(target), {})

    assert seen(harness, target) == []
    driver.until_rebuilt(at(source))
    driver.until_holds(*SENT)
    assert driver.copy(target)
    assert seen(harness, target) == list(SENT)


def test_a_batch_of_exactly_the_limit_passes(harness: LogHarness, source: str) -> None:
    largest = batch("x" * 5_000)
    topic = harness.create_topic("exact", config={"max.message.bytes": str(largest.size_bytes)})
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    assert driver.commit([Output(topic, 0, largest)])
    with pytest.raises(OutputTooLarge):
        driver.commit([Output(topic, 0, batch("x" * 5_001))])

    assert seen(harness, topic) == ["x" * 5_000]


def test_a_note_that_is_too_long_commits_nothing_and_the_session_goes_on(
    harness: LogHarness, source: str, target: str
) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)

    with pytest.raises(NoteTooLong):
        driver.commit(driver.copies(target), {at(source): Position(6, "ü" * 2_001)})

    assert seen(harness, target) == []
    driver.until_rebuilt(at(source))
    driver.until_holds(*SENT)
    assert driver.commit(driver.copies(target), {at(source): Position(6, "ü" * 2_000)})
    assert seen(harness, target) == list(SENT)
    assert position_of(harness, "group", at(source)) == Position(6, "ü" * 2_000)


def test_an_output_to_an_unknown_topic_commits_nothing_and_the_session_goes_on(
    harness: LogHarness, source: str, target: str
) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    nowhere = harness.name("nowhere")

    with pytest.raises(OutputMissing, match=nowhere) as refusal:
        driver.commit([Output(target, 0, batch("lost")), Output(nowhere, 0, batch("lost"))])

    assert refusal.value.topic == nowhere
    assert isinstance(refusal.value, UnknownTopic)
    assert seen(harness, target) == []
    driver.until_rebuilt(at(source))
    driver.until_holds(*SENT)
    assert driver.copy(target)
    assert seen(harness, target) == list(SENT)


def test_an_output_to_a_partition_that_does_not_exist_is_refused_within_seconds(
    harness: LogHarness, source: str, target: str
) -> None:
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    small = harness.create_topic("small")

    with pytest.raises(OutputMissing, match=rf"{small}\[7\] does not exist") as refusal:
        driver.commit([Output(target, 0, batch("lost")), Output(small, 7, batch("lost"))])

    assert refusal.value.topic == small
    assert seen(harness, target) == []
    driver.until_rebuilt(at(source))
    driver.until_holds(*SENT)
    assert driver.copy(target)
    assert seen(harness, target) == list(SENT)


def test_an_output_topic_that_is_deleted_is_refused_at_once_and_the_session_goes_on(
    harness: LogHarness, source: str, target: str
) -> None:
    # Given a session that has written to a topic
    doomed = harness.create_topic("doomed")
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    assert driver.commit([Output(target, 0, batch("kept")), Output(doomed, 0, batch("gone"))], {})
    # When the topic is deleted
    harness.delete_topic(doomed)
    began_ms = harness.now_ms()
    with pytest.raises(OutputMissing, match=doomed) as refusal:
        driver.commit([Output(target, 0, batch("lost")), Output(doomed, 0, batch("lost"))], {at(source): Position(6)})
    # Then the next commit says so soon, has no effect, and the session goes on
    assert refusal.value.topic == doomed
    assert harness.now_ms() - began_ms < PROMPT_MS
    assert seen(harness, target) == ["kept"]
    driver.until_rebuilt(at(source))
    driver.until_holds(*SENT)
    assert driver.copy(target)
    assert harness.now_ms() - began_ms < 3 * PROMPT_MS
    assert seen(harness, target) == ["kept", *SENT]


def test_an_output_topic_that_is_made_again_is_written_to(harness: LogHarness, source: str) -> None:
    topic = harness.create_topic("output")
    driver = Driver(harness, [source])
    driver.until_holds(*SENT)
    assert driver.session.commit([Output(topic, 0, batch("gone"))], {})
    harness.recreate_topic(topic)

    driver.copy_until(topic, lambda: seen(harness, topic) == list(SENT), "the copies")


def commit_or_poll(driver: Driver, target: str) -> None:
    """What a run loop does: a log may say at first only that the transaction is lost."""
    assert not driver.copy(target)
    driver.poll()


def test_an_older_instance_of_a_slot_cannot_commit(harness: LogHarness, source: str, target: str) -> None:
    old = Driver(harness, [source])
    old.until_holds(*SENT)
    new = Driver(harness, [source])
    new.until_holds(*SENT)

    with pytest.raises(Fenced):
        commit_or_poll(old, target)

    assert seen(harness, target) == []
    assert new.copy(target)
    assert seen(harness, target) == list(SENT)


def test_an_older_instance_of_a_slot_finds_out_when_it_polls(harness: LogHarness, source: str) -> None:
    old = Driver(harness, [source], session_timeout_s=3.0)
    old.until_holds(*SENT)
    new = Driver(harness, [source], session_timeout_s=3.0)
    new.until_holds(*SENT)

    with pytest.raises(Fenced):
        old.until(lambda: False, "being fenced")


def test_an_older_instance_closes_without_harm_to_the_newer(harness: LogHarness, source: str, target: str) -> None:
    old = Driver(harness, [source])
    old.until_holds(*SENT)
    new = Driver(harness, [source])
    new.until_holds(*SENT)

    old.session.close()

    assert new.copy(target)
    assert seen(harness, target) == list(SENT)
    assert new.poll().revoked == frozenset()
