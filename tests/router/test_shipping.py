"""What lanes are sent, and the rows that account for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pile import compacted, stored
from support.routing import BASIC, INPUT, SHADOW, TOPICS, V1, V2, V4, carried, expected, owed, routed, routes

from router.adoption import Followed
from router.gathering import Limits
from understudy.core.batches import Codec, parse, relocate
from understudy.core.batches.build import sealed
from understudy.core.frames import MAX_SPAN
from understudy.core.log.contract import Position
from understudy.core.log.errors import CorruptBatch
from understudy.deployments.plan import Canary, Lane, Plan
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from understudy.core.batches import Batch


def test_a_lane_gets_the_header_then_the_batch_byte_for_byte() -> None:
    batch = stored([b"x" * 300] * 400, 1_000, codec=Codec.GZIP)

    _, advance = routed(BASIC, batch)

    header, forwarded, rows = advance.outputs
    assert [output.topic for output in advance.outputs] == [TOPICS.requests(V1)] * 2 + [TOPICS.routes]
    assert {output.partition for output in advance.outputs} == {3}
    assert header.batch.count == 1
    assert forwarded.batch.data == batch.data
    assert rows.batch.count == 1
    assert advance.positions == {INPUT: Position(1_400, Followed(BASIC).to_note())}


def test_every_lane_gets_the_same_records_under_the_same_offsets() -> None:
    batches = [stored([b"a", None, b""], 10), stored([b"d"] * 5, 13)]

    pile, _ = routed(Plan.shadow(1, V1, [V4, V2]), *batches)

    lanes = [TOPICS.requests(V1), TOPICS.shadow_requests(V4), TOPICS.shadow_requests(V2)]
    assert [carried(pile, lane) for lane in lanes] == [expected(batches)] * 3


def test_a_row_per_lane_and_frame_says_what_is_owed() -> None:
    pile, _ = routed(SHADOW, stored([b"a"] * 20, 100))

    row = {
        "kind": "frame",
        "role": "answering",
        "version": V1,
        "revision": 1,
        "source_partition": 3,
        "base_offset": 100,
        "span": 20,
        "count": 20,
        "share_ppm": 1_000_000,
        "bitmap": None,
        "shadows": [],
        "part": "production",
        "plan": None,
    }
    assert routes(pile) == [row, {**row, "role": "shadow", "version": V4, "part": "shadow"}]


def test_rows_of_a_partition_share_one_batch() -> None:
    limits = Limits(merge_below_bytes=0, frame_bytes=1)

    _, advance = routed(SHADOW, *(stored([b"x" * 100], offset) for offset in range(20)), limits=limits)

    rows = [output for output in advance.outputs if output.topic == TOPICS.routes]
    assert [output.batch.count for output in rows] == [40]


def test_small_neighbours_become_one_batch_with_every_record_as_it_was() -> None:
    batches = [stored([b"v%d" % offset], offset, time_ms=1_700_000_000_000 + offset) for offset in range(50)]

    pile, advance = routed(BASIC, *batches)

    assert [output.batch.count for output in advance.outputs if output.topic == TOPICS.requests(V1)] == [1, 50]
    assert carried(pile, TOPICS.requests(V1)) == expected(batches)


def test_large_batches_are_never_merged() -> None:
    batches = [stored([b"x" * 1_000] * 40, 40 * i) for i in range(3)]

    _, advance = routed(BASIC, *batches)

    forwarded = [output.batch.data for output in advance.outputs if output.topic == TOPICS.requests(V1)][1:]
    assert forwarded == [batch.data for batch in batches]


def test_a_frame_ends_where_it_would_become_large() -> None:
    batches = [stored([b"x" * 1_000] * 40, 40 * i) for i in range(6)]

    pile, _ = routed(BASIC, *batches, limits=Limits(frame_bytes=100_000))

    assert [(row["base_offset"], row["count"]) for row in routes(pile)] == [(0, 80), (80, 80), (160, 80)]
    assert carried(pile, TOPICS.requests(V1)) == expected(batches)


def test_offsets_missing_between_batches_are_told_by_a_bitmap() -> None:
    batches = [stored([b"a", b"b"], 8), stored([b"c"], 12)]

    pile, _ = routed(BASIC, *batches)

    assert [(row["base_offset"], row["span"], row["count"], row["bitmap"]) for row in routes(pile)] == [
        (8, 5, 3, bytes([0b10011]))
    ]
    assert [offset for offset, *_ in carried(pile, TOPICS.requests(V1))] == [8, 9, 12]


def test_a_wide_gap_begins_another_frame_instead_of_a_large_bitmap() -> None:
    batches = [stored([b"a"], 0), stored([b"b"], 10_000_000)]

    pile, _ = routed(BASIC, *batches)

    assert [(row["base_offset"], row["span"], row["bitmap"]) for row in routes(pile)] == [
        (0, 1, None),
        (10_000_000, 1, None),
    ]


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.GZIP])
def test_a_compacted_batch_is_rebuilt_with_its_offsets(codec: Codec) -> None:
    batch = compacted([3, 4, 9, 30], codec=codec)

    pile, advance = routed(SHADOW, batch)

    assert carried(pile, TOPICS.requests(V1)) == carried(pile, TOPICS.shadow_requests(V4)) == expected([batch])
    assert advance.positions[INPUT].offset == 31


def test_a_compacted_batch_wider_than_a_header_can_say_becomes_several_frames() -> None:
    batch = compacted([0, 5, MAX_SPAN - 1, MAX_SPAN, 3 * MAX_SPAN])

    pile, _ = routed(BASIC, batch)

    assert all(row["span"] <= MAX_SPAN for row in routes(pile))
    assert carried(pile, TOPICS.requests(V1)) == expected([batch])


def test_append_times_of_the_input_become_create_times() -> None:
    batch = relocate(stored([b"a", b"b"], 5), 5, append_time_ms=1_800_000_000_000)

    pile, _ = routed(BASIC, batch)

    assert {time_ms for *_, time_ms in carried(pile, TOPICS.requests(V1))} == {1_800_000_000_000}


def test_a_start_in_mid_batch_leaves_out_what_lies_before_it() -> None:
    batch = parse(stored([b"a", b"b", b"c"], 5).data, 0, from_offset=6)

    pile, advance = routed(BASIC, batch)

    assert [(offset, value) for offset, _, value, _ in carried(pile, TOPICS.requests(V1))] == [(6, b"b"), (7, b"c")]
    assert advance.positions[INPUT].offset == 8


def test_a_batch_emptied_by_compaction_moves_the_position_only() -> None:
    full = stored([b"a", b"b"], 5)
    emptied = parse(full.data, 0, from_offset=7)

    _, advance = routed(BASIC, emptied)

    assert list(advance.outputs) == []
    assert advance.positions == {INPUT: Position(7, Followed(BASIC).to_note())}


def unreadable(base_offset: int) -> Batch:
    """A compressed batch with a right checksum whose content is no gzip: brokers check, but only so far."""
    good = stored([b"a" * 100, b"b" * 100], base_offset, codec=Codec.GZIP)
    return sealed(good.header, b"no gzip at all")


def test_a_batch_that_cannot_be_read_is_forwarded_as_it_is() -> None:
    batches = [stored([b"a"], 4), unreadable(5), stored([b"c"], 7)]

    _, advance = routed(BASIC, *batches)

    forwarded = [output.batch.data for output in advance.outputs if output.topic == TOPICS.requests(V1)][1:]
    assert forwarded == [batch.data for batch in batches]


@pytest.mark.parametrize("mirrored", [True, False])
def test_a_batch_that_cannot_be_read_is_productions_beside_a_canary(*, mirrored: bool) -> None:
    plan = Plan(3, V1, (V4,), Canary(V2, BUCKETS - 1, mirrored))
    batches = [stored([b"a"], 4), unreadable(5), stored([b"c"], 7)]

    _, advance = routed(plan, *batches, limits=Limits(merge_below_bytes=0))

    sent = [(output.topic, output.batch.data) for output in advance.outputs]
    assert [topic for topic, data in sent if data == batches[1].data] == [
        TOPICS.requests(V1),
        TOPICS.shadow_requests(V4),
    ]
    others = [batch.data for batch in (batches[0], batches[2])]
    assert [data for topic, data in sent if topic == TOPICS.requests(V2) and data in others] == others
    assert advance.positions[INPUT].offset == 8


def test_a_batch_that_can_neither_be_forwarded_nor_read_stops_the_router_by_name() -> None:
    batch = relocate(unreadable(5), 5, append_time_ms=1_800_000_000_000)

    with pytest.raises(CorruptBatch, match=r"delay\.input\[3\], offsets 5 to 6: .* set the router's position behind"):
        routed(BASIC, batch)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3_000), st.integers(1, 30), st.sampled_from(list(Codec)[:2]), st.integers(0, 3_000)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0, 500, 65_536]),
    st.sampled_from([1, 2_000, 1 << 20]),
)
def test_every_record_of_every_poll_reaches_its_lane_once_and_in_order(
    shapes: list[tuple[int, int, Codec, int]], merge_below_bytes: int, frame_bytes: int
) -> None:
    batches, offset = [], 0
    for gap, count, codec, size in shapes:
        offset += gap
        batches.append(stored([b"%d" % i + b"x" * size for i in range(count)], offset, codec=codec))
        offset += count

    pile, advance = routed(BASIC, *batches, limits=Limits(merge_below_bytes, frame_bytes=frame_bytes))

    assert carried(pile, TOPICS.requests(V1)) == expected(batches)
    assert owed(pile, Lane(V1, "answering")) == [offset for batch in batches for offset in batch.columns.offsets]
    assert advance.positions[INPUT].offset == offset
