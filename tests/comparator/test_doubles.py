from __future__ import annotations

from comparator.doubles import REMEMBERED_FRAMES, REMEMBERED_OFFSETS, Doubles
from comparator.routed import RoutedFrame
from comparator.tracks import Track

PRODUCTION, CANARY = Track("m:p", "answering"), Track("m:c", "answering")


def frame(base: int, after: int, bitmap: int | None = None) -> RoutedFrame:
    """Bit i of the bitmap stands for base + i."""
    if bitmap is None:
        return RoutedFrame(base, after, after - base, 1, base)
    return RoutedFrame(base, after, bitmap.bit_count(), 1, base, bitmap.to_bytes(8, "little"))


def test_a_canary_and_production_interleave_without_sharing_a_record() -> None:
    doubles = Doubles()

    found = [
        doubles.count(PRODUCTION, frame(0, 6, 0b101101)),
        doubles.count(CANARY, frame(1, 5, 0b1001)),
        doubles.count(CANARY, frame(6, 12, 0b111000)),
        doubles.count(PRODUCTION, frame(6, 12, 0b000111)),
    ]

    assert found == [0, 0, 0, 0]


def test_records_that_both_were_sent_are_counted_wherever_their_frames_begin() -> None:
    doubles = Doubles()
    for base in range(0, 300, 3):
        assert doubles.count(PRODUCTION, frame(base, base + 3)) == 0

    assert doubles.count(CANARY, frame(7, 14, 0b1000011)) == 3
    assert doubles.count(CANARY, frame(299, 310)) == 1
    assert doubles.count(CANARY, frame(310, 320)) == 0


def test_a_lane_that_is_sent_something_again_is_still_looked_through() -> None:
    doubles = Doubles()
    for base, after in ((0, 5), (5, 10), (2, 7)):
        doubles.count(PRODUCTION, frame(base, after))

    assert doubles.count(CANARY, frame(3, 4)) == 1


def test_only_so_much_is_remembered() -> None:
    doubles = Doubles()
    for base in range(5 * REMEMBERED_FRAMES):
        doubles.count(PRODUCTION, frame(base, base + 1))
    assert doubles.count(CANARY, frame(0, 5 * REMEMBERED_FRAMES)) <= 2 * REMEMBERED_FRAMES

    doubles.count(PRODUCTION, frame(3 * REMEMBERED_OFFSETS, 3 * REMEMBERED_OFFSETS + 1))
    assert doubles.count(PRODUCTION, frame(0, 10)) == 0
