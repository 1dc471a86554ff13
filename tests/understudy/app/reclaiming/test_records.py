from __future__ import annotations

import pytest
from support.pile import stored

from understudy.app.reclaiming.records import InputRecords
from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.log.memory import MemoryLog

AT = TopicPartition("input", 0)


@pytest.fixture
def log() -> MemoryLog:
    """Ten batches of ten records, whose values are their offsets."""
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic("input", 1)])
    for first in range(0, 100, 10):
        log.append(AT, stored([b"%d" % offset for offset in range(first, first + 10)], 0))
    return log


def test_records_are_found_by_their_offsets_from_front_to_back(log: MemoryLog) -> None:
    with InputRecords(log, AT, first=15) as records:
        first = records.find([15, 16, 31])
        second = records.find([32, 33])
        last = records.find(range(90, 100))

    assert [each.values for each in first.values()] == [[b"15"], [b"16"], [b"31"]]
    assert list(second) == [32, 33]
    assert list(last) == list(range(90, 100))


def test_what_is_gone_or_was_never_there_is_left_out(log: MemoryLog) -> None:
    log.delete_records(AT, 20)

    with InputRecords(log, AT, first=0) as records:
        found = records.find([5, 19, 20, 21, 99, 100, 250])

    assert list(found) == [20, 21, 99]
