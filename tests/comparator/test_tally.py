from __future__ import annotations

from typing import Any

import pytest

from comparator.answers import Answer, absent
from comparator.examples import ExamplesTaken
from comparator.judging import EXACT
from comparator.tally import Cell, Group, Tally
from understudy.deployments.plan import Lane

LANE, OTHER = Lane("m:s", "shadow"), Lane("m:t", "shadow")
BLOCK_MS = 1_000


@pytest.fixture
def tally() -> Tally:
    return Tally(BLOCK_MS, EXACT, ExamplesTaken(1))


def said(version: str = "m:p", **fields: Any) -> Answer:
    return Answer(5, 6, 9, "answered", version, 1, 2_500, label=0)._replace(**fields)


def cells(tally: Tally) -> dict[tuple[Group, str | None], Cell]:
    return {(group, name): cell for group, name, cell in tally}


def test_a_pair_is_counted_in_its_block_and_its_slices(tally: Tally) -> None:
    tally.pair(LANE, 3, said(slices=("origin=JFK",), model_time=40), said(number=1.0, model_time=50))

    group = Group(LANE, "m:p", 3, 2_000)
    found = cells(tally)
    assert found.keys() == {(group, None), (group, "origin=JFK")}
    for cell in found.values():
        assert (cell.counts, cell.production_times, cell.candidate_times) == ({"mismatched": 1}, {40: 1}, {50: 1})
        assert cell.fields["number"].mismatched == 1
    assert len(found[group, None].examples) == 1
    assert found[group, "origin=JFK"].examples == []


def test_groups_differ_by_lane_version_revision_and_block(tally: Tally) -> None:
    for lane, version, revision, time_ms in [
        (LANE, "m:p", 1, 0),
        (OTHER, "m:p", 1, 0),
        (LANE, "m:q", 1, 0),
        (LANE, "m:p", 2, 0),
        (LANE, "m:p", 1, 1_000),
        (LANE, "m:p", 1, 999),
    ]:
        tally.pair(lane, revision, said(version), said(event_time_ms=time_ms))

    assert sorted(cell.counts["matched"] for cell in cells(tally).values()) == [1, 1, 1, 1, 2]


def test_without_any_row_there_is_no_block(tally: Tally) -> None:
    tally.pair(LANE, 1, absent(5, "unrouted", "", 1, 9), absent(5, "missing", "m:s", 1, 9))

    assert cells(tally).keys() == {(Group(LANE, None, 1, None), None)}


def test_the_ledger_counts_beside_the_pairs(tally: Tally) -> None:
    for lane in (LANE, OTHER, LANE):
        tally.ledger(lane, 1, "answered")
        tally.pair(lane, 1, said(), said())
    tally.ledger(LANE, 1, "routed", 10)

    assert cells(tally)[Group(LANE, None, 1, None), None].counts == {"answered": 2, "routed": 10}
    assert cells(tally)[Group(OTHER, None, 1, None), None].counts == {"answered": 1}


def test_a_fact_is_counted_always_and_shown_once(tally: Tally) -> None:
    for at in (5, 6):
        tally.fact(LANE, absent(at, "missing", "m:s", 1, 9), "missing")

    cell = cells(tally)[Group(LANE, None, 1, None), None]
    assert cell.counts == {"missing": 2}
    assert [example.source_offset for example in cell.examples] == [5]


def test_after_it_was_written_counting_begins_anew_but_examples_do_not(tally: Tally) -> None:
    tally.pair(LANE, 1, said(), said(label=1))
    tally.ledger(LANE, 1, "answered")
    tally.clear()
    assert len(tally) == 0

    tally.pair(LANE, 1, said(), said(label=1))
    tally.ledger(LANE, 1, "answered")

    assert len(tally) == 2
    assert [cell.examples for cell in cells(tally).values()] == [[], []]


def test_cells_merge(tally: Tally) -> None:
    for label in (0, 1, 0):
        tally.pair(LANE, 1, said(model_time=4), said(label=label, number=2.0, model_time=5))
    whole = Cell()
    for cell in [*cells(tally).values(), *cells(tally).values()]:
        whole.merge(cell)

    assert whole.counts == {"mismatched": 6}
    assert (whole.production_times, whole.candidate_times, whole.fields["number"].count) == ({4: 6}, {5: 6}, 6)
    assert len(whole.examples) == 2
