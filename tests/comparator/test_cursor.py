from __future__ import annotations

from comparator.cursor import Cursor
from understudy.core.batches import Batch, build_columns, parse


def batch(base: int, count: int, since: int = 0) -> Batch:
    return parse(build_columns([None] * count, [b"x"] * count, [0] * count, base_offset=base).data, 0, since)


def test_a_page_is_moved_over_and_the_next_one_begins_at_its_last_row() -> None:
    cursor = Cursor(3, 3)

    cursor.turn([batch(0, 5, 3), batch(6, 2)], 20)

    assert (cursor.anchor, cursor.next, cursor.page, cursor.lost) == (7, 8, 7, False)


def test_a_page_without_new_rows_is_followed_by_what_lies_behind_it() -> None:
    cursor = Cursor(7, 8)

    cursor.turn([batch(6, 2, 7)], 20)
    assert (cursor.page, cursor.lost) == (8, False)

    cursor.turn([batch(9, 3)], 20)
    assert (cursor.page, cursor.next, cursor.lost) == (11, 12, False)


def test_a_page_that_begins_behind_the_anchor_shows_that_rows_are_lost() -> None:
    cursor = Cursor(3, 3)

    cursor.turn([batch(6, 2)], 20)

    assert cursor.lost


def test_an_empty_page_says_that_nothing_is_left_up_to_the_position() -> None:
    cursor = Cursor(3, 3)

    cursor.turn([], 20)

    assert (cursor.next, cursor.lost) == (20, True)


def test_rows_of_the_present_are_followed() -> None:
    cursor = Cursor(3, 8)

    cursor.follow(batch(9, 2))

    assert (cursor.anchor, cursor.next) == (10, 11)
