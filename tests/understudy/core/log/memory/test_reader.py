from __future__ import annotations

import threading

import pytest
from support.driving import at, batch, values_of
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import NewTopic, Output
from understudy.core.log.errors import CorruptBatch
from understudy.core.log.memory import MemoryLog


def test_a_poll_ends_when_only_the_position_moved() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    harness.open_transaction([Output("one", 0, batch("lost"))]).end(commit=False)
    reader = harness.log.reader({at("one"): 0})
    began_s = harness.clock.now_s()

    assert reader.poll(10.0) == {}

    assert (reader.position(at("one")), harness.clock.now_s()) == (2, began_s)


def test_a_poll_of_nothing_takes_the_time_that_it_may() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    began_s = harness.clock.now_s()

    assert harness.log.reader({at("one"): 0}).poll(10.0) == {}

    assert harness.clock.now_s() == began_s + 10.0


def test_a_corrupt_batch_is_an_error() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    harness.append("one", 0, batch("a0"))
    harness.log.overwrite(at("one"), [harness.log.raw(at("one"))[:-1] + b"?"])

    with pytest.raises(CorruptBatch):
        harness.log.reader({at("one"): 0}).poll(1.0)


def test_a_poll_wakes_as_soon_as_records_come() -> None:
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic("one", 1)])
    reader, waiting, found = log.reader({at("one"): 0}), threading.Event(), list[str]()

    def work() -> None:
        waiting.set()
        found.extend(values_of(reader.poll(60.0)[at("one")]))

    worker = threading.Thread(target=work)
    worker.start()
    waiting.wait(30.0)
    log.append(at("one"), batch("a0"))
    worker.join(30.0)

    assert found == ["a0"]
