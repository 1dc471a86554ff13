from __future__ import annotations

import pytest

from comparator.answers import Answer, absent
from comparator.opinions import Opinions
from comparator.routed import RoutedFrame
from comparator.tracks import Track

PRODUCTION, NEXT, MIRROR = Track("m:p", "answering"), Track("m:q", "answering"), Track("m:p", "shadow")


def frame(base: int, after: int, row: int) -> RoutedFrame:
    return RoutedFrame(base, after, after - base, 1, row)


def answer(at: int, row: int, version: str = "m:p") -> Answer:
    return absent(at, "answered", version, 1, row)


@pytest.fixture
def kept() -> Opinions:
    """Production and its mirror shared a range, and then came one frame more of the first."""
    kept = Opinions()
    for at, row in ((0, 10), (2, 12)):
        kept.put(PRODUCTION, frame(0, 3, 5), at, answer(at, row))
    kept.put(MIRROR, frame(1, 2, 6), 1, answer(1, 91))
    kept.put(PRODUCTION, frame(3, 5, 7), 3, answer(3, 13))
    return kept


def test_answers_are_found_whichever_lane_gave_them(kept: Opinions) -> None:
    assert [found and found.offset for found in map(kept.get, range(5))] == [10, 91, 12, 13, None]
    assert (kept.count_of("predictions"), kept.count_of("shadow_predictions")) == (3, 1)


def test_the_oldest_rows_from_which_it_can_be_rebuilt(kept: Opinions) -> None:
    assert set(kept.oldest_rows()) == {("routes", 5), ("predictions", 10), ("routes", 6), ("shadow_predictions", 91)}
    assert set(kept.oldest_rows(2)) == {("routes", 5), ("predictions", 12)}
    assert set(kept.oldest_rows(4)) == {("routes", 7)}
    assert set(kept.oldest_rows(5)) == set()


def test_what_nobody_waits_for_is_dropped(kept: Opinions) -> None:
    kept.drop_to(2)
    assert [kept.get(at) is None for at in range(4)] == [True, True, False, False]
    assert (len(kept), set(kept.oldest_rows())) == (2, {("routes", 5), ("predictions", 12)})

    kept.drop_to(None)
    assert (len(kept), set(kept.oldest_rows())) == (0, set())


def test_what_another_one_kept_from_further_back_is_taken_over(kept: Opinions) -> None:
    late = Opinions()
    late.put(PRODUCTION, frame(3, 5, 7), 3, answer(3, 13))
    late.put(PRODUCTION, frame(3, 5, 7), 4, answer(4, 14))
    late.put(NEXT, frame(5, 6, 8), 5, answer(5, 15, "m:q"))

    late.take_over(kept)

    assert [found and found.offset for found in map(late.get, range(6))] == [10, 91, 12, 13, 14, 15]
    late.drop_to(3)
    assert (len(late), min(late.oldest_rows())) == (3, ("predictions", 13))


def test_of_a_range_one_record_is_kept() -> None:
    kept = Opinions()

    kept.put(PRODUCTION, frame(0, 5, 1), 3, answer(0, 9)._replace(after=5))

    found = kept.get(3)
    assert found is not None
    assert found.source_offset == 3
