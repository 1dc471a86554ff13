from __future__ import annotations

import pytest

from comparator.answers import Answer, absent
from comparator.production import Production
from comparator.routed import RoutedFrame


def frame(base: int, after: int, row: int) -> RoutedFrame:
    return RoutedFrame(base, after, after - base, 1, row)


def answer(at: int, row: int, version: str = "m:p") -> Answer:
    return absent(at, "answered", version, 1, row)


@pytest.fixture
def kept() -> Production:
    """Two lanes that shared a range, and one frame more of the first."""
    kept = Production()
    for at, row in ((0, 10), (2, 12)):
        kept.put(frame(0, 3, 5), at, answer(at, row))
    kept.put(frame(1, 2, 6), 1, answer(1, 11, "m:c"))
    kept.put(frame(3, 5, 7), 3, answer(3, 13))
    return kept


def test_answers_are_found_whichever_lane_gave_them(kept: Production) -> None:
    assert [found and found.version for found in map(kept.get, range(5))] == ["m:p", "m:c", "m:p", "m:p", None]


def test_the_oldest_rows_from_which_it_can_be_rebuilt(kept: Production) -> None:
    assert (kept.oldest_answer(), kept.oldest_route()) == (10, 5)
    assert (kept.oldest_answer(1), kept.oldest_answer(2), kept.oldest_answer(4)) == (11, 12, None)
    assert (kept.oldest_route(2), kept.oldest_route(3), kept.oldest_route(5)) == (5, 7, None)


def test_what_nobody_waits_for_is_dropped(kept: Production) -> None:
    kept.drop_to(2)
    assert [kept.get(at) is None for at in range(4)] == [True, True, False, False]
    assert (len(kept), kept.oldest_answer(), kept.oldest_route()) == (2, 12, 5)

    kept.drop_to(None)
    assert (len(kept), kept.oldest_answer(), kept.oldest_route()) == (0, None, None)


def test_what_another_one_kept_from_further_back_is_taken_over(kept: Production) -> None:
    late = Production()
    late.put(frame(3, 5, 7), 3, answer(3, 13))
    late.put(frame(3, 5, 7), 4, answer(4, 14))

    late.take_over(kept)

    assert [found and found.offset for found in map(late.get, range(5))] == [10, 11, 12, 13, 14]
    late.drop_to(3)
    assert (len(late), late.oldest_answer(), late.oldest_route()) == (2, 13, 7)


def test_of_a_range_one_record_is_kept() -> None:
    kept = Production()

    kept.put(frame(0, 5, 1), 3, answer(0, 9)._replace(after=5))

    found = kept.get(3)
    assert found is not None
    assert found.source_offset == 3
