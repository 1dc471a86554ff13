"""Writers outside any group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, end_of, seen

from understudy.core.log.contract import Output
from understudy.core.log.errors import Fenced, OutputTooLarge, UnknownTopic

if TYPE_CHECKING:
    from support.harness import LogHarness

    from understudy.core.log.contract import Writer


def test_a_writer_appends_in_order_and_again(harness: LogHarness) -> None:
    topic = harness.create_topic("output", 2)

    with harness.log.writer(harness.name("writer")) as writer:
        assert writer.commit(
            [Output(topic, 0, batch("a0")), Output(topic, 1, batch("b0")), Output(topic, 0, batch("a1"))]
        )
        assert writer.commit([Output(topic, 0, batch("a2"))])

    assert seen(harness, topic, 0) == ["a0", "a1", "a2"]
    assert seen(harness, topic, 1) == ["b0"]


def test_a_writer_of_nothing_writes_nothing(harness: LogHarness) -> None:
    topic = harness.create_topic("output")

    with harness.log.writer(harness.name("writer")) as writer:
        assert writer.commit([])

    assert end_of(harness, at(topic)) == 0


def test_a_writer_appends_all_or_nothing(harness: LogHarness) -> None:
    topic = harness.create_topic("output")
    small = harness.create_topic("small", config={"max.message.bytes": "1000"})

    with harness.log.writer(harness.name("writer")) as writer:
        with pytest.raises(OutputTooLarge, match=small):
            writer.commit([Output(topic, 0, batch("lost")), Output(small, 0, batch("x" * 1_000))])
        assert writer.commit([Output(topic, 0, batch("kept"))])

    assert seen(harness, topic) == ["kept"]
    assert seen(harness, small) == []


def test_a_writer_to_an_unknown_topic_is_told_so(harness: LogHarness) -> None:
    topic, nowhere = harness.create_topic("output"), harness.name("nowhere")

    with harness.log.writer(harness.name("writer")) as writer:
        with pytest.raises(UnknownTopic, match=nowhere):
            writer.commit([Output(topic, 0, batch("lost")), Output(nowhere, 0, batch("lost"))])
        assert writer.commit([Output(topic, 0, batch("kept"))])

    assert seen(harness, topic) == ["kept"]


def commit_twice(writer: Writer, output: Output) -> None:
    """What a writer does that is told at first only that its transaction is lost."""
    assert not writer.commit([output])
    writer.commit([output])


def test_a_newer_writer_of_the_same_id_fences_the_older(harness: LogHarness) -> None:
    topic = harness.create_topic("output")

    with harness.log.writer(harness.name("writer")) as old:
        assert old.commit([Output(topic, 0, batch("a0"))])
        with harness.log.writer(harness.name("writer")) as new:
            assert new.commit([Output(topic, 0, batch("a1"))])
            with pytest.raises(Fenced):
                commit_twice(old, Output(topic, 0, batch("lost")))
            assert new.commit([Output(topic, 0, batch("a2"))])

    assert seen(harness, topic) == ["a0", "a1", "a2"]


def test_writers_of_different_ids_write_side_by_side(harness: LogHarness) -> None:
    topic = harness.create_topic("output")

    with harness.log.writer(harness.name("one")) as one, harness.log.writer(harness.name("other")) as other:
        assert one.commit([Output(topic, 0, batch("a0"))])
        assert other.commit([Output(topic, 0, batch("a1"))])
        assert one.commit([Output(topic, 0, batch("a2"))])

    assert seen(harness, topic) == ["a0", "a1", "a2"]


def test_an_id_that_was_taken_fences_who_had_it_before_anything_is_written(harness: LogHarness) -> None:
    topic, name = harness.create_topic("output"), harness.name("writer")

    with harness.log.writer(name) as older:
        assert older.take()
        assert older.commit([Output(topic, 0, batch("a"))])
        with harness.log.writer(name) as newer:
            assert newer.take()
            with pytest.raises(Fenced):
                commit_twice(older, Output(topic, 0, batch("lost")))
            assert newer.commit([Output(topic, 0, batch("b"))])

    assert seen(harness, topic) == ["a", "b"]


def test_an_id_that_was_taken_and_lost_is_not_taken_again(harness: LogHarness) -> None:
    topic, name = harness.create_topic("output"), harness.name("writer")

    with harness.log.writer(name) as older:
        assert older.take()
        with harness.log.writer(name) as newer:
            assert newer.take()
            with pytest.raises(Fenced):
                commit_twice(older, Output(topic, 0, batch("lost")))
            with pytest.raises(Fenced):
                older.take()

    assert seen(harness, topic) == []
