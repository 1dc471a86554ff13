from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.driving import CREATED_MS, at, batch, values_of
from support.memory_harness import visible

from understudy.core.batches import parse, restamp
from understudy.core.log.errors import CorruptBatch, OutputTooLarge
from understudy.core.log.memory.storage import PartitionLog

if TYPE_CHECKING:
    from understudy.core.batches import Batch

NOW_MS = 1_700_000_000_000
PRODUCERS = (1, 2, 3)


def partition(max_message_bytes: int = 1_000_000, *, append_time: bool = False) -> PartitionLog:
    return PartitionLog(at("topic"), max_message_bytes=max_message_bytes, append_time=append_time)


def transactional(producer_id: int, *values: str) -> Batch:
    return parse(
        restamp(batch(*values), producer_id=producer_id, producer_epoch=0, base_sequence=0, transactional=True)
    )


def append(log: PartitionLog, *values: str) -> None:
    for value in values:
        log.append(batch(value), NOW_MS)


def test_offsets_are_given_in_order() -> None:
    log = partition()

    assert [log.append(batch("a0", "a1"), NOW_MS), log.append(batch("a2"), NOW_MS)] == [0, 2]
    assert (log.start_offset, log.stable_offset, log.end_offset) == (0, 3, 3)


def test_stored_batches_are_whole_record_batches() -> None:
    log = partition()
    log.append(batch("a0", "a1"), NOW_MS)
    log.append(batch("a2"), NOW_MS)

    assert [(record.offset, record.value) for record in visible(log.raw())] == [(0, b"a0"), (1, b"a1"), (2, b"a2")]


def test_append_times_are_put_into_the_header_only() -> None:
    log = partition(append_time=True)
    log.append(batch("a0", "a1"), NOW_MS)

    (stored,) = log.read(0, 1_000).batches

    assert stored.append_time_ms == NOW_MS
    assert stored.columns.timestamps_ms == [CREATED_MS, CREATED_MS + 1]


def test_a_batch_over_the_limit_is_refused() -> None:
    log = partition(max_message_bytes=batch("a0").size_bytes)
    append(log, "a0")

    with pytest.raises(OutputTooLarge, match=r"topic\[0\]"):
        append(log, "a00")

    assert log.end_offset == 1


def test_a_reading_takes_about_as_many_bytes_as_it_was_told_and_at_least_one_batch() -> None:
    log = partition()
    append(log, *"abcdef")
    size_bytes = batch("a").size_bytes

    assert values_of(log.read(0, 1).batches) == ["a"]
    assert values_of(log.read(0, 3 * size_bytes).batches) == ["a", "b", "c"]
    assert log.read(0, 3 * size_bytes).next_offset == 3


def test_a_reading_ends_below_a_bound() -> None:
    log = partition()
    append(log, *"abcdef")

    assert values_of(log.read(1, 10_000, below=4).batches) == ["b", "c", "d"]


def test_a_reading_that_finds_only_markers_moves_on() -> None:
    log = partition()
    log.append(transactional(1, "lost"), NOW_MS)
    log.end_transaction(1, 0, NOW_MS, commit=False)

    scanned = log.read(0, 10_000)

    assert (list(scanned.batches), scanned.next_offset) == ([], 2)


def test_a_reading_goes_on_over_what_is_not_visible_until_it_finds_something() -> None:
    log = partition()
    for _ in range(10):
        log.append(transactional(1, "lost" * 100), NOW_MS)
        log.end_transaction(1, 0, NOW_MS, commit=False)
    append(log, "found")

    assert values_of(log.read(0, 100).batches) == ["found"]


def test_the_end_of_a_transaction_that_wrote_nothing_here_leaves_no_marker() -> None:
    log = partition()

    log.end_transaction(1, 0, NOW_MS, commit=True)

    assert log.end_offset == 0


def test_times_are_found_in_batches_whose_records_are_out_of_order() -> None:
    log = partition()
    log.append(batch("a0", created_ms=CREATED_MS + 50), NOW_MS)
    log.append(batch("a1", created_ms=CREATED_MS), NOW_MS)
    log.append(batch("a2", created_ms=CREATED_MS + 100), NOW_MS)

    assert [log.offset_at(CREATED_MS + after) for after in (0, 50, 51, 100, 101)] == [0, 0, 2, 2, 3]


def test_times_below_what_is_left_are_not_found() -> None:
    log = partition()
    log.append(batch("a0", "a1", "a2"), NOW_MS)
    log.delete_before(1)

    assert log.offset_at(CREATED_MS) == 1


def test_deleting_records_keeps_the_batch_they_share_with_others() -> None:
    log = partition()
    log.append(batch("a0", "a1"), NOW_MS)
    log.append(batch("a2", "a3"), NOW_MS)

    log.delete_before(3)

    assert (log.start_offset, log.end_offset) == (3, 4)
    assert values_of(log.read(3, 1_000).batches) == ["a3"]


def test_deleting_goes_no_further_than_the_end() -> None:
    log = partition()
    append(log, "a")

    log.delete_before(7)

    assert (log.start_offset, log.end_offset) == (1, 1)


def test_a_corrupt_batch_is_an_error() -> None:
    log = partition()
    append(log, "a", "b")
    stored = log.raw()
    size_bytes = len(stored) // 2
    log.overwrite([stored[:size_bytes], stored[size_bytes:-1] + b"?"])

    assert values_of(log.read(0, 1).batches) == ["a"]
    with pytest.raises(CorruptBatch):
        log.read(1, 1)


Act = tuple[Literal["append", "plain", "commit", "abort"], int]
acts = st.lists(st.tuples(st.sampled_from(["append", "plain", "commit", "abort"]), st.sampled_from(PRODUCERS)))


@given(acts=acts, max_bytes=st.integers(1, 1_000))
def test_a_reader_sees_what_markers_say(acts: list[Act], max_bytes: int) -> None:
    log = partition()
    for number, (act, producer_id) in enumerate(acts):
        if act == "append":
            log.append(transactional(producer_id, f"{number}"), NOW_MS)
        elif act == "plain":
            append(log, f"{number}")
        else:
            log.end_transaction(producer_id, 0, NOW_MS, commit=act == "commit")

    found: list[int] = []
    offset = 0
    while (scanned := log.read(offset, max_bytes)).next_offset > offset:
        found += [each for stored in scanned.batches for each in stored.columns.offsets]
        offset = scanned.next_offset

    assert found == [record.offset for record in visible(log.raw())]
    assert offset == log.stable_offset
