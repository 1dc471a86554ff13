from __future__ import annotations

import threading
from itertools import islice

import pytest

from understudy.app.records.reading_rows import Source
from understudy.app.records.tailing import LAST, Wanted, tail
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, Output
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.memory import MemoryLog, VirtualClock

TOPIC = "t"


@pytest.fixture
def log() -> MemoryLog:
    """Records 0 to 39, one a transaction, in two partitions in turn; a millisecond apart."""
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic(TOPIC, 2)])
    for number in range(40):
        append(log, number)
    return log


def append(log: MemoryLog, number: int) -> None:
    with log.writer("test") as writer:
        assert writer.commit([Output(TOPIC, number % 2, build([Record(None, b"%d" % number, number)]))])


def source() -> Source:
    return Source(TOPIC, "raw", lambda value: {"number": int(value or b"-1")})


def numbers(log: MemoryLog, wanted: Wanted) -> list[int]:
    return [each.fields["number"] for each in tail(log, source(), wanted, lambda: False) if each.fields]


def test_the_last_records_of_all_partitions_are_shown_in_time_order(log: MemoryLog) -> None:
    assert numbers(log, Wanted()) == list(range(40 - LAST, 40))
    assert numbers(log, Wanted(limit=3)) == [37, 38, 39]


def test_everything_from_the_beginning(log: MemoryLog) -> None:
    assert sorted(numbers(log, Wanted(from_beginning=True))) == list(range(40))
    assert len(numbers(log, Wanted(from_beginning=True, limit=7))) == 7


def test_an_empty_topic_shows_nothing(log: MemoryLog) -> None:
    with log.admin() as admin:
        admin.create([NewTopic("empty", 3)])

    assert list(tail(log, Source("empty", "raw", lambda _: {}), Wanted(from_beginning=True), lambda: False)) == []


def test_following_goes_on_with_what_comes(log: MemoryLog) -> None:
    entries = tail(log, source(), Wanted(limit=5, follow=True), lambda: False)
    first = [each.fields for each in islice(entries, 5)]

    assert first == [{"number": number} for number in range(35, 40)]
    assert list(entries) == []


def test_following_from_the_beginning_waits_for_more(log: MemoryLog) -> None:
    entries = tail(log, source(), Wanted(from_beginning=True, follow=True), lambda: False)
    assert len(list(islice(entries, 40))) == 40

    append(log, 40)

    assert next(entries).fields == {"number": 40}


def test_following_ends_when_it_is_told_to(log: MemoryLog) -> None:
    stop = threading.Event()
    seen = []
    for each in tail(log, source(), Wanted(from_beginning=True, follow=True), stop.is_set):
        seen.append(each.fields)
        if len(seen) == 40:
            stop.set()

    assert len(seen) == 40


def test_a_missing_topic_is_named() -> None:
    with pytest.raises(UnknownTopic, match="The topic t does not exist"):
        list(tail(MemoryLog(), source(), Wanted(), lambda: False))


def test_the_last_records_are_those_that_came_last_where_the_topic_keeps_the_time() -> None:
    clock = VirtualClock(start_s=1.0)
    log = MemoryLog(clock)
    with log.admin() as admin:
        admin.create([NewTopic(TOPIC, 2, config={"message.timestamp.type": "LogAppendTime"})])
    with log.writer("test") as writer:
        for partition, value in ((1, b"1"), (0, b"2")):
            assert writer.commit([Output(TOPIC, partition, build([Record(None, value, 0)]))])
            clock.advance(1.0)

    assert [each.timestamp_ms for each in tail(log, source(), Wanted(), lambda: False)] == [1_000, 2_000]
    assert numbers(log, Wanted(limit=1)) == [2]
