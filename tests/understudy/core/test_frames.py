from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import single_object
from schemas.contracts import contract
from understudy.core.batches import Batch, Record, build, parse, relocate
from understudy.core.frames import (
    MAX_SPAN,
    FrameError,
    FrameHeader,
    FrameReader,
    FrameSlice,
    bitmap_of,
    end_of,
    frame_of,
    header_batch,
)

OFFSETS = st.sets(st.integers(0, 300), min_size=1).map(sorted)


def records(offsets: list[int]) -> list[Record]:
    return [Record(b"k", b"%d" % offset, 1_000 + offset) for offset in offsets]


def lane(*batches: Batch) -> list[Batch]:
    """The batches one behind the other, each followed by the marker of its transaction."""
    stored: list[Batch] = []
    next_offset = 50
    for batch in batches:
        stored.append(relocate(batch, next_offset, append_time_ms=9))
        next_offset = stored[-1].next_offset + 1
    return stored


def fed(reader: FrameReader, batches: list[Batch]) -> list[FrameSlice]:
    return [part for batch in batches for part in reader.feed(batch)]


def sources(parts: list[FrameSlice]) -> list[tuple[int, bytes | None]]:
    return [pair for part in parts for pair in zip(part.source_offsets, part.columns.values, strict=True)]


@given(OFFSETS, st.integers(0, 1 << 40))
def test_a_header_names_exactly_its_offsets(offsets: list[int], base: int) -> None:
    wanted = [base + offset for offset in offsets]

    header = frame_of(wanted, revision=3, source_partition=7)

    assert list(header.offsets()) == wanted
    assert (header.count, header.base_offset) == (len(wanted), wanted[0])
    assert header.base_offset + header.span == wanted[-1] + 1
    assert (header.bitmap is None) == (header.span == header.count)


def test_offsets_without_gaps_are_a_range() -> None:
    assert frame_of(range(5, 9), revision=1, source_partition=0).offsets() == range(5, 9)


def test_bits_are_counted_from_the_least_significant_of_the_first_byte() -> None:
    assert bitmap_of([10, 11, 18, 25], 10) == bytes([0b11, 0b1000_0001])


def test_a_frame_over_too_wide_a_range_is_refused() -> None:
    assert frame_of([0, MAX_SPAN - 1], revision=1, source_partition=0).count == 2
    with pytest.raises(ValueError, match="make two"):
        frame_of([0, MAX_SPAN], revision=1, source_partition=0)


def test_the_header_travels_as_a_single_object_of_the_contract_in_a_batch_of_its_own() -> None:
    header = frame_of([4, 6], revision=3, source_partition=7, share_ppm=50_000)

    batch = header_batch(header, 1_234)

    assert (batch.count, batch.columns.keys, batch.base_timestamp_ms) == (1, [None], 1_234)
    assert batch.is_forwardable
    value = batch.columns.values[0]
    assert value is not None
    schema = contract("frame_header")
    assert single_object.decode(value, lambda _: schema) == {
        "revision": 3,
        "source_partition": 7,
        "base_offset": 4,
        "span": 3,
        "count": 2,
        "share_ppm": 50_000,
        "bitmap": b"\x05",
    }


def test_records_are_given_their_source_offsets_over_as_many_batches_as_they_come_in() -> None:
    header = frame_of([4, 6, 7, 9], revision=1, source_partition=0)
    batches = lane(header_batch(header, 0), build(records([4, 6])), build(records([7])), build(records([9])))

    parts = fed(FrameReader(), batches)

    assert sources(parts) == [(4, b"4"), (6, b"6"), (7, b"7"), (9, b"9")]
    assert [part.first for part in parts] == [0, 2, 3]
    assert [part.done for part in parts] == [2, 3, 4]
    assert [part.is_last for part in parts] == [False, False, True]
    assert {part.header_offset for part in parts} == {50}
    assert [list(part.columns.offsets) for part in parts] == [[52, 53], [55], [57]]
    assert [part.next_offset for part in parts] == [54, 56, 58]
    assert {part.header for part in parts} == {header}
    assert list(parts[0].columns.timestamps_ms) == [1_004, 1_006]


def test_frames_follow_each_other_and_an_end_closes_the_lane() -> None:
    end = end_of(revision=2, source_partition=0, base_offset=6)
    batches = lane(
        header_batch(frame_of([4, 5], revision=1, source_partition=0), 0),
        build(records([4, 5])),
        header_batch(end, 0),
        header_batch(frame_of([9], revision=3, source_partition=0), 0),
        build(records([9])),
    )

    parts = fed(FrameReader(), batches)

    assert [(part.header.revision, part.header.is_end) for part in parts] == [(1, False), (2, True), (3, False)]
    assert sources(parts) == [(4, b"4"), (5, b"5"), (9, b"9")]
    assert parts[1].header == end
    assert (len(parts[1].columns), parts[1].is_last) == (0, True)
    assert parts[1].next_offset == parts[1].header_offset + 1


def test_headers_and_records_may_even_share_a_batch() -> None:
    first, second = frame_of([4], revision=1, source_partition=0), frame_of([5, 6], revision=2, source_partition=0)
    header_records = [header_batch(header, 0).columns.values[0] for header in (first, second)]
    rows = [Record(None, header_records[0], 0), *records([4]), Record(None, header_records[1], 0), *records([5, 6])]

    assert sources(fed(FrameReader(), lane(build(rows)))) == [(4, b"4"), (5, b"5"), (6, b"6")]


def test_a_record_that_looks_like_a_header_is_a_record() -> None:
    header = frame_of([4, 5], revision=1, source_partition=0)
    lookalike = header_batch(header, 0)
    batches = lane(header_batch(header, 0), lookalike, build(records([5])))

    parts = fed(FrameReader(), batches)

    assert sources(parts) == [(4, lookalike.columns.values[0]), (5, b"5")]


@pytest.mark.parametrize("done", range(6))
def test_records_done_before_are_not_given_again(done: int) -> None:
    offsets = [4, 6, 7, 9, 10]
    frames = [header_batch(frame_of(offsets, revision=1, source_partition=0), 0)]
    batches = lane(*frames, build(records([4, 6])), build(records([7, 9, 10])), *frames, build(records(offsets)))

    parts = fed(FrameReader(done), batches)

    again = [(offset, b"%d" % offset) for offset in offsets]
    assert sources(parts) == again[done:] + again
    assert parts[0].first == (done if done < 5 else 0)
    assert parts[-1].is_last


def test_a_lane_is_read_from_a_header_in_mid_batch_on() -> None:
    header = header_batch(frame_of([4], revision=1, source_partition=0), 0).columns.values[0]
    stored = relocate(build([*records([1]), Record(None, header, 0), *records([4])]), 50)

    assert sources(FrameReader().feed(parse(stored.data, from_offset=51))) == [(4, b"4")]


def test_more_records_done_than_the_frame_has_is_an_error() -> None:
    batch = lane(header_batch(frame_of([4], revision=1, source_partition=0), 0))[0]

    with pytest.raises(FrameError, match=r"2 records of the frame at offset 50 .* has 1"):
        FrameReader(2).feed(batch)


@pytest.mark.parametrize("value", [None, b"", b"no header", b"\xc3\x01" + bytes(8), b"\xc3\x01" + b"\xff" * 30])
def test_what_is_no_header_where_one_must_be_is_an_error_that_names_the_offset(value: bytes | None) -> None:
    batch = relocate(build([Record(None, value, 0)]), 50)

    with pytest.raises(FrameError, match="offset 50"):
        FrameReader().feed(batch)


@pytest.mark.parametrize(
    "header",
    [
        FrameHeader(1, 0, 4, span=3, count=2),
        FrameHeader(1, 0, 4, span=3, count=2, bitmap=b"\x07"),
        FrameHeader(1, 0, 4, span=3, count=2, bitmap=b"\x0a"),
        FrameHeader(1, 0, 4, span=2, count=3, bitmap=b"\x07"),
        FrameHeader(1, 0, 4, span=-1, count=-1),
        FrameHeader(1, 0, 4, span=1 << 30, count=1 << 30),
        FrameHeader(1, 0, 4, span=3, count=0),
    ],
)
def test_a_header_that_contradicts_itself_is_an_error(header: FrameHeader) -> None:
    with pytest.raises(FrameError, match="offset 50 contradicts itself"):
        FrameReader().feed(relocate(header_batch(header, 0), 50))


@given(st.binary(max_size=60))
def test_a_damaged_header_raises_nothing_but_a_frame_error(rubbish: bytes) -> None:
    value = header_batch(frame_of([4, 6], revision=1, source_partition=0), 0).columns.values[0]
    assert value is not None

    with contextlib.suppress(FrameError):
        FrameReader().feed(build([Record(None, value[:10] + rubbish, 0)]))
