from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.pile import compacted, stored

from router.gathering import Limits, gather
from understudy.core.batches import Codec
from understudy.core.frames import MAX_SPAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.batches import Batch

LIMITS = Limits(merge_below_bytes=10_000, frame_bytes=100_000)


def shapes(batches: Sequence[Batch], limits: Limits = LIMITS) -> list[list[int]]:
    """For each frame, the records of each of its batches."""
    return [[batch.count for batch in frame.batches] for frame in gather(batches, limits)]


def run(sizes: Sequence[int]) -> list[Batch]:
    """Batches of one record each, of about these sizes, without gaps."""
    return [stored([b"x" * (size - 80)], offset) for offset, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "frames"),
    [
        ([], []),
        ([100], [[1]]),
        ([4_000, 4_000], [[2]]),
        ([4_000, 4_000, 4_000], [[2, 1]]),
        ([20_000, 4_000, 4_000, 20_000], [[1, 2, 1]]),
        ([60_000, 60_000], [[1], [1]]),
        ([300_000], [[1]]),
        ([100] * 200, [[109, 91]]),
    ],
)
def test_batches_are_merged_while_small_and_framed_while_they_fit(sizes: list[int], frames: list[list[int]]) -> None:
    assert shapes(run(sizes)) == frames


def test_nothing_is_merged_where_the_settings_say_so() -> None:
    assert shapes(run([100, 100]), Limits(merge_below_bytes=0)) == [[1, 1]]


@pytest.mark.parametrize(("counts", "batches"), [([64, 64], [128]), ([65, 3, 4], [65, 7]), ([3, 65, 4], [3, 65, 4])])
def test_a_batch_of_many_records_is_cheaper_to_send_than_to_merge(counts: list[int], batches: list[int]) -> None:
    offsets = [sum(counts[:i]) for i in range(len(counts))]
    given = [stored([b"x"] * count, offset) for count, offset in zip(counts, offsets, strict=True)]

    assert shapes(given) == [batches]


def test_a_merged_batch_keeps_the_first_codec() -> None:
    batches = [stored([b"a" * 500], 0, codec=Codec.GZIP), stored([b"b" * 500], 1)]

    [frame] = gather(batches, LIMITS)

    assert [batch.codec for batch in frame.batches] == [Codec.GZIP]


@pytest.mark.parametrize(("gap", "frames"), [(1_024, 1), (1_025, 2)])
def test_a_gap_ends_a_frame_when_it_is_wide(gap: int, frames: int) -> None:
    assert len(gather([stored([b"a"], 0), stored([b"b"], 1 + gap)], LIMITS)) == frames


def test_a_frame_names_its_offsets() -> None:
    gapped, whole = gather([compacted([5, 6, 9]), stored([b"x" * 20_000], 10), stored([b"y"] * 3, 5_000)], LIMITS)

    assert list(gapped.offsets) == [5, 6, 9, 10]
    assert whole.offsets == range(5_000, 5_003)


def test_a_batch_wider_than_a_header_is_cut() -> None:
    offsets = [0, 1, MAX_SPAN, MAX_SPAN + 1]

    frames = gather([compacted(offsets)], LIMITS)

    assert [list(frame.offsets) for frame in frames] == [[0, 1], [MAX_SPAN, MAX_SPAN + 1]]
    assert [list(batch.columns.values) for frame in frames for batch in frame.batches] == [
        [b"v0", b"v1"],
        [b"v%d" % MAX_SPAN, b"v%d" % (MAX_SPAN + 1)],
    ]
