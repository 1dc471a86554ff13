from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batch_oracle import CODECS, RECORDS, altered, expected, ours, seen, written

from understudy.core.batches import (
    Batch,
    Codec,
    DecompressionTooLarge,
    Record,
    build,
    merge,
    parse,
    rebuild,
    relocate,
    restamp,
    split,
)
from understudy.core.batches.records import MAX_RECORDS

THREE = [Record(b"a", b"1", 30), Record(None, b"2", 10, (("h", None),)), Record(b"c", None, 20)]


def whole(batch: Batch | None) -> Batch:
    assert batch is not None
    return batch


@given(RECORDS, CODECS, st.data())
def test_a_split_puts_every_record_on_its_side(records: list[Record], codec: Codec, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(records), max_size=len(records)))
    source = relocate(parse(written(records, codec)), 700)

    sides = split(source, chosen)

    for part, wanted in zip(sides, (True, False), strict=True):
        mine = [record for record, choice in zip(records, chosen, strict=True) if choice is wanted]
        if not mine:
            assert part is None
            continue
        side = whole(part)
        assert side.is_forwardable
        assert (side.codec, side.base_timestamp_ms) == (codec, source.base_timestamp_ms)
        assert side.max_timestamp_ms == max(record.timestamp_ms for record in mine)
        sent = restamp(side, producer_id=1, producer_epoch=0, base_sequence=0, transactional=True)
        assert seen(sent) == expected(mine)


def test_a_batch_that_stays_whole_keeps_its_bytes() -> None:
    batch = build(THREE, codec=Codec.ZSTD)

    assert split(batch, [True] * 3) == (batch, None)
    assert split(batch, [False] * 3) == (None, batch)


def test_a_batch_read_from_its_middle_is_split_from_there() -> None:
    batch = parse(relocate(build(THREE), 10).data, from_offset=11)

    chosen, rest = split(batch, [True, True])

    assert [row.value for row in ours(whole(chosen))] == [b"2", None]
    assert whole(chosen).is_forwardable
    assert rest is None


def test_a_split_needs_one_answer_for_each_record_and_the_records_own_times() -> None:
    with pytest.raises(ValueError, match="2 choices for 3 records"):
        split(build(THREE), [True, False])
    with pytest.raises(ValueError, match="rebuild it first"):
        split(relocate(build(THREE), 0, append_time_ms=1), [True] * 3)


@given(st.lists(st.tuples(RECORDS, CODECS), min_size=1, max_size=4))
def test_merged_batches_read_as_one(parts: list[tuple[list[Record], Codec]]) -> None:
    batches = [parse(written(records, codec)) for records, codec in parts]

    merged = merge(batches)

    assert merged.is_forwardable
    assert merged.codec is batches[0].codec
    assert seen(merged.data) == expected([record for records, _ in parts for record in records])


@given(RECORDS, CODECS, st.data())
def test_merging_what_was_split_gives_back_every_record(
    records: list[Record], codec: Codec, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(records)))

    parts = [side for side in split(build(records, codec=codec), [at < cut for at in range(len(records))]) if side]

    assert ours(merge(parts)) == expected(records)


def test_merging_goes_by_what_counts_of_each_batch() -> None:
    mid_batch = parse(relocate(build(THREE), 10).data, from_offset=12)
    gaps = parse(written(THREE, deltas=[0, 4, 9]))
    appended = relocate(build(THREE), 40, append_time_ms=999)

    merged = merge([mid_batch, gaps, appended])

    assert [row.key for row in seen(merged.data)] == [b"c", b"a", None, b"c", b"a", None, b"c"]
    assert [row.timestamp_ms for row in seen(merged.data)] == [20, 30, 10, 20, 999, 999, 999]


def test_merging_stops_at_the_bound() -> None:
    bombs = [build([Record(None, bytes(600_000), 0)], codec=Codec.ZSTD)] * 3

    assert merge(bombs, max_bytes=1_900_000).count == 3
    with pytest.raises(DecompressionTooLarge, match=r"1,700,000 bytes .* merge fewer"):
        merge(bombs, max_bytes=1_700_000)


def test_merging_never_makes_a_batch_that_cannot_be_read_again() -> None:
    half = build([Record(None, None, 0)] * (MAX_RECORDS // 2 + 1), codec=Codec.ZSTD)

    with pytest.raises(DecompressionTooLarge, match="records"):
        merge([half, half])


def test_there_must_be_something_to_merge() -> None:
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([])
    with pytest.raises(ValueError, match="at least 1"):
        merge([altered(build(THREE), b"", records=0)])


@pytest.mark.parametrize("codec", Codec)
def test_rebuilding_makes_any_batch_forwardable(codec: Codec) -> None:
    gaps = relocate(parse(written(THREE, codec, deltas=[0, 4, 9])), 10)

    rebuilt = rebuild(parse(gaps.data, from_offset=12))

    assert rebuilt.is_forwardable
    assert rebuilt.codec is codec
    assert seen(rebuilt.data) == expected(THREE[1:])


def test_rebuilding_makes_an_append_time_the_create_time() -> None:
    rebuilt = rebuild(relocate(build(THREE), 10, append_time_ms=999))

    assert rebuilt.append_time_ms is None
    assert (rebuilt.base_timestamp_ms, rebuilt.max_timestamp_ms) == (999, 999)
    assert [row.timestamp_ms for row in seen(rebuilt.data)] == [999, 999, 999]
