"""Shares of the keys: exactly the routing function, in order, whatever the batches look like."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pile import compacted, stored
from support.routing import PARTITION, TOPICS, V1, V2, V4, Carried, carried, expected, owed, routed, routes

from router.gathering import Limits, gather
from router.splitting import SLACK_BYTES, Portions
from understudy.core.batches import Codec, relocate
from understudy.core.batches.build import sealed
from understudy.core.batches.header import HEADER_BYTES
from understudy.core.frames import MAX_SPAN
from understudy.deployments.plan import Canary, Lane, Plan
from understudy.deployments.routing import BUCKETS, bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.batches import Batch

SALT = 77
LIMITS = Limits(merge_below_bytes=10_000, frame_bytes=100_000)

Shape = tuple[int, list[bytes | None], Codec, int, bool]
"""A batch: offsets missing before it, keys, codec, size of values, and whether compaction took records."""

shapes = st.lists(
    st.tuples(
        st.integers(0, 1_500),
        st.lists(st.one_of(st.none(), st.binary(max_size=3)), min_size=1, max_size=40),
        st.sampled_from(list(Codec)),
        st.integers(0, 400),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
shares = st.sampled_from([0, 1, 10_000, 250_000, 500_000, 999_999, BUCKETS])


def batches_of(shapes: Sequence[Shape]) -> list[Batch]:
    batches, offset = [], 0
    for gap, keys, codec, size, is_compacted in shapes:
        offset += gap
        if is_compacted:
            batches.append(compacted([offset + 3 * i for i in range(len(keys))], codec=codec))
        else:
            batches.append(stored([b"%d" % i + b"x" * size for i in range(len(keys))], offset, codec=codec, keys=keys))
        offset = batches[-1].next_offset
    return batches


def canary(share_ppm: int, *, mirrored: bool = True) -> Plan:
    return Plan(1, V1, (V4,), Canary(V2, share_ppm, mirrored), SALT)


def taken(batches: Sequence[Batch], share_ppm: int) -> list[Carried]:
    """What the routing function gives to the share, looked at record by record."""
    return [record for record in expected(batches) if bucket(record[1], SALT, PARTITION, record[0]) < share_ppm]


@settings(max_examples=150, deadline=None)
@given(shapes, shares, st.sampled_from([0, 500, 65_536]), st.sampled_from([1, 2_000, 1 << 20]))
def test_each_lane_has_exactly_its_share_in_order_and_rows_that_say_so(
    shapes: list[Shape], share_ppm: int, merge_below_bytes: int, frame_bytes: int
) -> None:
    batches = batches_of(shapes)
    share = taken(batches, share_ppm)
    rest = [record for record in expected(batches) if record not in share]

    pile, _ = routed(canary(share_ppm), *batches, limits=Limits(merge_below_bytes, frame_bytes=frame_bytes))

    for lane, topic, records in (
        (Lane(V1, "answering"), TOPICS.requests(V1), rest),
        (Lane(V2, "answering"), TOPICS.requests(V2), share),
        (Lane(V1, "shadow"), TOPICS.shadow_requests(V1), share),
        (Lane(V4, "shadow"), TOPICS.shadow_requests(V4), expected(batches)),
    ):
        assert carried(pile, topic) == records
        assert owed(pile, lane) == [offset for offset, *_ in records]


@settings(max_examples=50, deadline=None)
@given(shapes, st.lists(shares, min_size=2, max_size=2))
def test_a_larger_share_has_all_of_a_smaller_one(shapes: list[Shape], sizes: list[int]) -> None:
    batches = batches_of(shapes)

    smaller, larger = (
        {offset for offset, *_ in carried(routed(canary(size), *batches)[0], TOPICS.requests(V2))}
        for size in sorted(sizes)
    )

    assert smaller <= larger


def test_what_a_share_is_due_can_be_told_without_building_batches() -> None:
    batches = [stored([b"x"] * 300, 10, keys=[b"%d" % i for i in range(300)]), compacted([400, 403])]
    portions = Portions(gather(batches, LIMITS), SALT, PARTITION, LIMITS)

    for wanted in (range(0), range(1), range(50_000), range(50_000, BUCKETS), range(BUCKETS, BUCKETS), range(BUCKETS)):
        assert [list(offsets) for offsets in portions.offsets(wanted)] == [
            list(frame.offsets) for frame in portions.frames(wanted)
        ]


def test_lanes_of_all_records_have_their_batches_byte_for_byte_beside_a_canary() -> None:
    batch = stored([b"x" * 300] * 400, 0, codec=Codec.GZIP)

    _, advance = routed(canary(50_000), batch)

    forwarded = [output.batch.data for output in advance.outputs if output.topic == TOPICS.shadow_requests(V4)]
    assert forwarded[1:] == [batch.data]


@pytest.mark.parametrize(("share_ppm", "whole", "none"), [(0, V1, V2), (BUCKETS, V2, V1)])
def test_a_share_of_nothing_or_all_splits_nothing(share_ppm: int, whole: str, none: str) -> None:
    batch = stored([b"x" * 300] * 400, 0, codec=Codec.GZIP)

    pile, advance = routed(canary(share_ppm), batch)

    forwarded = [output.batch.data for output in advance.outputs if output.topic == TOPICS.requests(whole)]
    assert forwarded[1:] == [batch.data]
    assert pile.partitions(TOPICS.requests(none)) == []
    assert Lane(none, "answering") not in {Lane(row["version"], row["role"]) for row in routes(pile)}


def test_the_mirror_has_the_very_batches_of_the_canary() -> None:
    batches = [stored([b"x" * 30] * 90, 90 * i, keys=[b"%d" % n for n in range(90)]) for i in range(20)]

    _, advance = routed(canary(50_000), *batches)

    sent = {
        topic: [output.batch for output in advance.outputs if output.topic == topic][1:]
        for topic in (TOPICS.requests(V2), TOPICS.shadow_requests(V1))
    }
    answering, mirror = sent.values()
    assert all(one is other for one, other in zip(answering, mirror, strict=True))


def test_a_small_share_comes_in_few_batches() -> None:
    batches = [stored([b"x" * 300] * 200, 200 * i, keys=[b"%d" % n for n in range(200)]) for i in range(15)]

    _, advance = routed(canary(50_000), *batches)

    sizes = [output.batch.count for output in advance.outputs if output.topic == TOPICS.requests(V2)]
    assert sum(sizes[1:]) == len(taken(batches, 50_000)) > 100
    assert len(sizes[1:]) == 1


def test_headers_and_rows_tell_a_share_by_a_bitmap() -> None:
    batch = stored([b"x"] * 100, 1_000, keys=[b"%d" % n for n in range(100)])

    pile, _ = routed(canary(250_000), batch)

    [row] = [row for row in routes(pile) if row["part"] == "canary"]
    offsets = [offset for offset, *_ in taken([batch], 250_000)]
    assert (row["base_offset"], row["count"], row["share_ppm"]) == (offsets[0], len(offsets), 250_000)
    assert row["span"] == offsets[-1] - offsets[0] + 1 <= MAX_SPAN
    assert owed(pile, Lane(V2, "answering")) == offsets


def test_a_part_that_we_compress_worse_is_cut_until_lanes_can_take_it() -> None:
    value = random.Random(1).randbytes(40_000)
    plain = stored([value] * 20, 0, keys=[b"%d" % n for n in range(20)])
    # Linked blocks see that the records are alike. Ours are independent, as Kafka's own reader wants them.
    packed = lz4.frame.compress(plain.data[HEADER_BYTES:], block_linked=True, store_size=False)
    batch = relocate(sealed(plain.header._replace(attributes=Codec.LZ4), packed), 0)

    pile, advance = routed(canary(300_000), batch)

    sizes_bytes = [output.batch.size_bytes for output in advance.outputs if output.topic == TOPICS.requests(V1)]
    assert max(sizes_bytes) <= batch.size_bytes + SLACK_BYTES < sum(sizes_bytes)
    assert carried(pile, TOPICS.requests(V2)) == taken([batch], 300_000)
    assert carried(pile, TOPICS.requests(V1)) == [
        each for each in expected([batch]) if each not in taken([batch], 300_000)
    ]
