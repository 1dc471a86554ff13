from __future__ import annotations

from support.driving import batch, seen
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import Output


def test_a_lost_transaction_may_be_written_again() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    harness.log.faults.befall("lost before", "lost after")

    with harness.log.writer("writer") as writer:
        assert [writer.commit([Output("one", 0, batch(value))]) for value in ("a0", "a1", "a2")] == [False, False, True]

    assert seen(harness, "one") == ["a1", "a2"]


def test_a_closed_writer_leaves_nothing_open() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    writer = harness.log.writer("writer")
    assert writer.commit([Output("one", 0, batch("a0"))])

    writer.close()
    harness.append("one", 0, batch("a1"))

    assert seen(harness, "one") == ["a0", "a1"]
