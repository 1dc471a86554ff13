from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lanes import VERSION, event
from support.pile import stored

from understudy.core.frames import bitmap_of
from workers.owed import Account, Debt, expired, pieces, stand_in

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from understudy.core.batches.records import Columns
    from understudy.deployments.plan import Role

OTHER = "flights:v9"


def route(offsets: Sequence[int], **changes: Any) -> dict[str, Any]:
    """A row of routes, a frame of these offsets unless changed."""
    span = offsets[-1] - offsets[0] + 1
    row = {
        "kind": "frame",
        "version": VERSION,
        "role": "answering",
        "revision": 4,
        "source_partition": 3,
        "base_offset": offsets[0],
        "span": span,
        "count": len(offsets),
        "share_ppm": 50_000,
        "bitmap": None if span == len(offsets) else bitmap_of(offsets, offsets[0]),
    }
    return {**row, **changes}


def answer(offset: int, span: int = 1, **changes: Any) -> dict[str, Any]:
    row = {"routed_version": VERSION, "lane": "answering", "source_partition": 3, "source_offset": offset, "span": span}
    return {**row, **changes}


def account(routes: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> Account:
    made = Account(VERSION)
    for row in routes:
        made.routed(row, 1_000)
    for row in answers:
        made.answered(row)
    return made


def owed(made: Account, cut: Collection[tuple[Role, int]] = ()) -> list[tuple[str, int, int, list[int]]]:
    """Role, partition, revision, offsets of each debt."""
    return [
        (debt.role, debt.header.source_partition, debt.header.revision, list(debt.header.offsets()))
        for debt in made.debts(cut)
    ]


def test_what_was_sent_and_has_no_row_is_owed_with_what_its_frame_said() -> None:
    made = account([route([10, 11, 12, 13]), route([20, 22], revision=5)], [answer(11), answer(20)])

    assert owed(made) == [("answering", 3, 4, [10, 12, 13]), ("answering", 3, 5, [22])]
    assert [debt.header.share_ppm for debt in made.debts()] == [50_000, 50_000]


@pytest.mark.parametrize(
    "changes", [{"kind": "end"}, {"kind": "excluded"}, {"kind": "adopted"}, {"version": OTHER}], ids=str
)
def test_rows_that_sent_this_version_nothing_owe_nothing(changes: dict[str, Any]) -> None:
    assert owed(account([route([10, 11], **changes)], [])) == []


@pytest.mark.parametrize("changes", [{"routed_version": OTHER}, {"lane": "shadow"}, {"source_partition": 2}], ids=str)
def test_rows_of_others_settle_nothing(changes: dict[str, Any]) -> None:
    assert owed(account([route([10])], [answer(10, **changes)])) == [("answering", 3, 4, [10])]


def test_a_withdrawn_range_settles_all_of_it() -> None:
    made = account([route(range(10, 20), role="shadow")], [answer(12, span=5, lane="shadow")])

    assert owed(made) == [("shadow", 3, 4, [10, 11, 17, 18, 19])]


def test_ranges_settle_what_lies_in_them_however_long_they_are() -> None:
    made = account([route(range(4_000, 21_000))], [answer(4_001, span=16_998)])

    assert owed(made) == [("answering", 3, 4, [4_000, 20_999])]


CUT: Final[list[tuple[Role, int]]] = [("answering", 3)]


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([answer(13), answer(15)], [14, 16]),
        ([answer(13), answer(11, routed_version=OTHER)], [14, 15, 16]),
        ([answer(15, routed_version=OTHER), answer(14, routed_version=OTHER)], [14, 15, 16]),
        ([answer(11, source_partition=2), answer(11, lane="shadow")], []),
        ([], []),
    ],
    ids=["before its own", "before its own rather than others'", "before any other's", "of another lane", "all"],
)
def test_where_rows_are_not_kept_back_to_the_beginning_what_they_may_have_told_is_given_up(
    rows: list[dict[str, Any]], left: list[int]
) -> None:
    made = account([route(range(10, 17)), route(range(10, 12), role="shadow")], rows)

    found = [offset for role, _, _, offsets in owed(made, CUT) for offset in offsets if role == "answering"]

    assert found == left
    assert {role for role, *_ in owed(made, CUT)} >= {"shadow"}


@given(
    sent=st.lists(st.sets(st.integers(0, 60), min_size=1), max_size=4),
    told=st.sets(st.integers(0, 60)),
)
def test_debts_and_rows_together_are_what_was_sent(sent: list[set[int]], told: set[int]) -> None:
    frames = [sorted({100 * index + offset for offset in offsets}) for index, offsets in enumerate(sent)]
    rows = {100 * index + offset for index in range(4) for offset in told}
    made = account([route(offsets) for offsets in frames], [answer(offset) for offset in rows])

    found = [offset for *_, offsets in owed(made) for offset in offsets]

    assert found == sorted({offset for offsets in frames for offset in offsets} - rows)


def debt_of(offsets: Sequence[int]) -> Debt:
    made = Account(VERSION)
    made.routed(route(offsets), 1_000)
    [debt] = made.debts()
    return debt


def records(*offsets: int) -> dict[int, Columns]:
    return {offset: stored([event(offset)], offset).columns for offset in offsets}


def test_the_records_that_are_still_there_come_in_parts() -> None:
    debt = debt_of(range(10, 16))

    parts = list(pieces(debt, records(10, 11, 13, 14, 15, 99), limit=2))

    assert [list(part.source_offsets) for part in parts] == [[10, 11], [13, 14], [15]]
    assert parts[1].columns.values == [event(13), event(14)]
    assert parts[1].columns.keys == [b"k13", b"k14"]


def test_records_that_are_gone_fail_as_expired() -> None:
    outcomes = expired(debt_of(range(10, 14)), records(11, 12))

    assert outcomes is not None
    assert list(outcomes.part.source_offsets) == [10, 13]
    assert [getattr(result, "kind", None) for result in outcomes.results] == ["expired", "expired"]
    assert expired(debt_of([10]), records(10)) is None


def test_a_part_that_nobody_read_has_the_time_of_its_route() -> None:
    part = stand_in(debt_of([10, 12]), [10, 12])

    assert (list(part.source_offsets), list(part.columns.timestamps_ms), len(part.columns)) == (
        [10, 12],
        [1_000] * 2,
        2,
    )
