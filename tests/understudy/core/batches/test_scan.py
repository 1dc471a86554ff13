from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batch_oracle import altered, ours, written

from understudy.core.batches import (
    AbortedTransaction,
    Batch,
    Codec,
    Record,
    batches_in,
    build,
    committed,
    control_batch,
    parse,
    relocate,
    restamp,
    scan,
)
from understudy.core.log.errors import CorruptBatch


@dataclass
class Partition:
    """A partition as a broker keeps it: stored batches, open transactions, and the index of the aborted ones."""

    stored: list[Batch] = field(default_factory=list)
    opened: dict[int, int] = field(default_factory=dict)
    aborted: list[tuple[AbortedTransaction, int]] = field(default_factory=list)
    next_offset: int = 0

    def append(self, batch: Batch) -> None:
        self.stored.append(relocate(batch, self.next_offset))
        self.next_offset = self.stored[-1].next_offset

    def write(self, *values: bytes, producer_id: int | None = None) -> None:
        batch = build([Record(None, value, 0) for value in values])
        if producer_id is not None:
            self.opened.setdefault(producer_id, self.next_offset)
            stamp = restamp(batch, producer_id=producer_id, producer_epoch=0, base_sequence=0, transactional=True)
            batch = parse(stamp)
        self.append(batch)

    def end(self, producer_id: int, *, commit: bool) -> None:
        first_offset = self.opened.pop(producer_id)
        if not commit:
            self.aborted.append((AbortedTransaction(first_offset, producer_id), self.next_offset))
        self.append(control_batch(commit=commit, producer_id=producer_id, producer_epoch=0, timestamp_ms=0))

    def aborted_from(self, offset: int) -> list[AbortedTransaction]:
        """Those that a broker lists to one that fetches from `offset` on."""
        return [transaction for transaction, marker in self.aborted if marker >= offset]

    @property
    def data(self) -> bytes:
        return b"".join(batch.data for batch in self.stored)


def values(batches: list[Batch]) -> list[bytes | None]:
    return [value for batch in batches for value in batch.columns.values]


def read(partition: Partition, offset: int = 0) -> list[bytes | None]:
    return values(list(scan(partition.data, offset, partition.aborted_from(offset)).batches))


def test_aborted_records_are_left_out_and_what_was_written_between_them_is_kept() -> None:
    log = Partition()
    log.write(b"a1", producer_id=1)
    log.write(b"b1", producer_id=2)
    log.write(b"plain")
    log.write(b"a2", producer_id=1)
    log.end(1, commit=False)
    log.write(b"b2", producer_id=2)
    log.end(2, commit=True)
    log.write(b"a3", producer_id=1)
    log.end(1, commit=True)

    scanned = scan(log.data, 0, log.aborted_from(0))

    assert values(list(scanned.batches)) == [b"b1", b"plain", b"b2", b"a3"]
    assert scanned.next_offset == log.next_offset == 9


def test_without_the_list_of_aborted_transactions_all_records_are_read_but_no_markers() -> None:
    log = Partition()
    log.write(b"a1", producer_id=1)
    log.end(1, commit=False)

    assert values(list(scan(log.data, 0).batches)) == [b"a1"]


def test_the_position_moves_over_what_is_left_out() -> None:
    log = Partition()
    log.write(b"a1", b"a2", producer_id=1)
    log.end(1, commit=False)

    assert scan(log.data, 0, log.aborted_from(0))[:2] == ([], 3)


def test_reading_begins_in_the_middle_of_a_batch() -> None:
    log = Partition()
    log.write(b"0", b"1", b"2")
    log.write(b"3", b"4")

    scanned = scan(log.data, 1)

    assert values(list(scanned.batches)) == [b"1", b"2", b"3", b"4"]
    assert [batch.from_offset for batch in scanned.batches] == [1, 3]
    assert [batch.is_forwardable for batch in scanned.batches] == [False, True]


def test_batches_below_the_offset_asked_for_only_move_the_bookkeeping() -> None:
    log = Partition()
    log.write(b"0", b"1", b"2")
    log.write(b"3")

    assert values(list(scan(log.data, 3).batches)) == [b"3"]
    assert scan(log.data, 9)[:2] == ([], 9)


def test_a_truncated_last_batch_is_left_out() -> None:
    log = Partition()
    log.write(b"0", b"1")
    log.write(b"2")
    whole = log.stored[0].size_bytes

    for end in range(whole, len(log.data)):
        scanned = scan(memoryview(log.data)[:end], 0)
        assert (values(list(scanned.batches)), scanned.next_offset) == ([b"0", b"1"], 2)
    for end in range(whole):
        assert scan(log.data[:end], 0)[:2] == ([], 0)


def test_a_corrupt_batch_is_found_wherever_it_stands() -> None:
    log = Partition()
    log.write(b"0", b"1")
    log.write(b"2")

    with pytest.raises(CorruptBatch, match="batch at offset 2"):
        scan(log.data[:-1] + b"!", 0)


def test_a_length_that_cannot_be_is_corrupt_and_not_a_batch_to_wait_for() -> None:
    data = build([Record(None, b"x", 0)]).data

    with pytest.raises(CorruptBatch, match="impossible length of 2,147,483,659"):
        scan(data[:8] + b"\x7f\xff\xff\xff" + data[12:], 0)


def test_batches_that_compaction_emptied_or_cut_are_passed_over() -> None:
    log = Partition()
    log.append(altered(build([Record(None, b"gone", 0)] * 3), b"", records=0))
    cut = parse(written([Record(None, b"3", 0), Record(None, b"5", 0)], Codec.ZSTD, deltas=[0, 2]))
    log.append(altered(cut, last_offset_delta=9))

    assert read(log) == [b"3", b"5"]
    assert read(log, 4) == [b"5"]
    assert scan(log.data, 6)[:2] == ([], 13)


def test_batches_in_gives_every_batch_with_its_own_offsets() -> None:
    log = Partition()
    log.write(b"a1", producer_id=1)
    log.end(1, commit=False)

    assert list(batches_in(log.data)) == log.stored
    assert list(batches_in(b"")) == []


def test_stored_batches_are_read_as_their_bytes_are() -> None:
    log = Partition()
    log.write(b"a1", b"a2", producer_id=1)
    log.end(1, commit=False)
    log.write(b"1", b"2")

    assert committed(log.stored, 4, log.aborted_from(4)) == scan(log.data, 4, log.aborted_from(4))
    assert [row.value for row in ours(committed(log.stored, 4).batches[0])] == [b"2"]


STEPS = st.lists(st.tuples(st.sampled_from(["write", "commit", "abort", "plain"]), st.integers(1, 3)), max_size=30)


@given(STEPS, st.data())
def test_whatever_the_order_of_transactions_exactly_the_committed_records_are_read(
    steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    log = Partition()
    fate: dict[int, list[int]] = {}
    lost: set[int] = set()
    for step, producer_id in steps:
        if step == "plain":
            log.write(b"%d" % log.next_offset)
        elif step == "write":
            fate.setdefault(producer_id, []).append(log.next_offset)
            log.write(b"%d" % log.next_offset, producer_id=producer_id)
        elif producer_id in log.opened:
            written_ = fate.pop(producer_id)
            lost.update(written_ if step == "abort" else ())
            log.end(producer_id, commit=step == "commit")
    for producer_id in list(log.opened):
        log.end(producer_id, commit=True)
    start = data.draw(st.integers(0, log.next_offset))

    wanted = [
        batch.base_offset
        for batch in log.stored
        if not batch.is_control and batch.base_offset >= start and batch.base_offset not in lost
    ]
    assert read(log, start) == [b"%d" % offset for offset in wanted]


@given(st.binary(max_size=200))
def test_rubbish_is_corrupt_or_nothing(rubbish: bytes) -> None:
    with contextlib.suppress(CorruptBatch):
        assert scan(rubbish, 0)[:2] == ([], 0)
