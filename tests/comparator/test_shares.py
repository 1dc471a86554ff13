from __future__ import annotations

import pytest

from comparator.routed import RoutedFrame
from comparator.shares import Shares


def frame(base: int, after: int, row: int, bitmap: bytes | None = None) -> RoutedFrame:
    count = after - base if bitmap is None else int.from_bytes(bitmap, "little").bit_count()
    return RoutedFrame(base, after, count, 1, row, bitmap, part="canary")


@pytest.fixture
def shares() -> Shares:
    """Of the records 0 to 9, a canary was sent 1, 3, 4 and 7."""
    shares = Shares()
    for each in (frame(1, 5, 10, b"\x0d"), frame(7, 8, 20)):
        shares.add(each)
    return shares


def test_says_which_records_a_canary_was_sent(shares: Shares) -> None:
    assert [at for at in range(10) if shares.has(at)] == [1, 3, 4, 7]


def test_a_frame_that_is_read_again_is_there_once(shares: Shares) -> None:
    for each in (frame(1, 5, 10, b"\x0d"), frame(7, 8, 20), frame(9, 10, 30)):
        shares.add(each)

    assert [at for at in range(10) if shares.has(at)] == [1, 3, 4, 7, 9]


def test_what_nobody_asks_for_is_dropped(shares: Shares) -> None:
    shares.drop_to(4)
    assert (shares.has(4), list(shares.oldest_rows())) == (True, [10])

    shares.drop_to(5)
    assert (shares.has(4), shares.has(7), list(shares.oldest_rows())) == (False, True, [20])

    shares.drop_to(None)
    assert (shares.has(7), list(shares.oldest_rows())) == (False, [])


def test_the_oldest_row_that_tells_of_a_record_or_a_later_one(shares: Shares) -> None:
    assert [list(shares.oldest_rows(at)) for at in (0, 4, 5, 7, 8)] == [[10], [10], [20], [20], []]
