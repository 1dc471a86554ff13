from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from comparator.answers import Answer, absent
from comparator.backlog import Backlog
from comparator.routed import RoutedFrame
from comparator.tracks import Track

if TYPE_CHECKING:
    from understudy.deployments.plan import Part

TRACK = Track("m:v", "shadow")


def frame(
    base: int, after: int, *, bitmap: bytes | None = None, closes: bool = False, part: Part = "shadow"
) -> RoutedFrame:
    return RoutedFrame(base, after, after - base, 1, base, bitmap, closes, part)


def answered(at: int, *, after: int | None = None) -> Answer:
    found = absent(at, "answered" if after is None else "withdrawn", TRACK.version, 1, at)
    return found._replace(after=after or at + 1)


@dataclass
class Ear:
    """Takes what is settled, until it is told to wait."""

    settled: list[tuple[int, str | None]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    waits_at: int | None = None

    def take(self, _: Backlog, __: RoutedFrame, at: int, found: Answer | None) -> bool:
        if at == self.waits_at:
            return False
        self.settled.append((at, None if found is None else found.outcome))
        return True

    def drop(self, _: Backlog, found: Answer) -> None:
        self.dropped.append(found.source_offset)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def backlog(frames: list[RoutedFrame], answers: list[Answer]) -> Backlog:
    made = Backlog(TRACK)
    for each in frames:
        made.route(each)
    for found in answers:
        assert made.answer(found)
    return made


def test_records_are_settled_in_the_lanes_order_as_far_as_they_are_answered(ear: Ear) -> None:
    lane = backlog([frame(0, 2), frame(2, 4)], [answered(0), answered(1), answered(2)])

    lane.settle(4, ear.take, ear.drop)

    assert ear.settled == [(0, "answered"), (1, "answered"), (2, "answered")]
    assert (lane.frontier, lane.next_owed, lane.owed, lane.settled) == (3, 3, 1, 3)
    assert lane.owes_from == 3


def test_a_record_that_is_to_wait_is_offered_again(ear: Ear) -> None:
    lane = backlog([frame(0, 2)], [answered(0), answered(1)])
    ear.waits_at = 1
    lane.settle(2, ear.take, ear.drop)
    assert (lane.frontier, lane.owes_from, lane.compares_from) == (1, 1, 1)

    ear.waits_at = None
    lane.settle(2, ear.take, ear.drop)

    assert ear.settled == [(0, "answered"), (1, "answered")]
    assert (lane.owes_from, lane.compares_from) == (None, None)


def test_an_answer_waits_for_its_route(ear: Ear) -> None:
    lane = backlog([], [answered(5)])
    lane.settle(5, ear.take, ear.drop)
    assert (ear.settled, ear.dropped) == ([], [])

    lane.route(frame(5, 6))
    lane.settle(6, ear.take, ear.drop)

    assert ear.settled == [(5, "answered")]


def test_a_later_answer_shows_that_a_record_is_missing_once_its_route_is_known(ear: Ear) -> None:
    lane = backlog([frame(0, 2)], [answered(2)])
    lane.settle(2, ear.take, ear.drop)
    assert ear.settled == []

    lane.route(frame(2, 3))
    lane.settle(3, ear.take, ear.drop)

    assert ear.settled == [(0, None), (1, None), (2, "answered")]


def test_an_answer_without_a_route_shows_nothing_and_is_dropped_when_it_is_passed(ear: Ear) -> None:
    lane = backlog([frame(0, 2), frame(3, 4)], [answered(0), answered(2)])
    lane.settle(4, ear.take, ear.drop)
    assert (ear.settled, ear.dropped) == ([(0, "answered")], [])

    assert lane.answer(answered(3))
    lane.settle(4, ear.take, ear.drop)

    assert ear.settled == [(0, "answered"), (1, None), (3, "answered")]
    assert ear.dropped == [2]


def test_an_answer_for_which_no_route_can_come_any_more_is_dropped(ear: Ear) -> None:
    lane = backlog([], [answered(3)])

    lane.settle(4, ear.take, ear.drop)

    assert ear.dropped == [3]
    assert lane.frontier == 4


@pytest.mark.parametrize("again", [0, 1, 2])
def test_an_answer_out_of_order_is_refused(again: int, ear: Ear) -> None:
    lane = backlog([frame(0, 3)], [answered(0), answered(1)])
    lane.settle(3, ear.take, ear.drop)
    assert lane.answer(answered(2))

    assert not lane.answer(answered(again))


def test_a_withdrawn_range_settles_what_was_routed_in_it(ear: Ear) -> None:
    lane = backlog([frame(0, 1), frame(2, 8, bitmap=b"\x05")], [answered(0, after=3), answered(3, after=9)])

    lane.settle(8, ear.take, ear.drop)

    assert ear.settled == [(0, "withdrawn"), (2, "withdrawn"), (4, "withdrawn")]
    lane.settle(9, ear.take, ear.drop)
    assert not lane.answers
    assert ear.dropped == []


def test_a_half_settled_range_is_taken_again(ear: Ear) -> None:
    lane = Backlog(TRACK, frontier=2)

    assert lane.answer(answered(0, after=4))
    lane.route(frame(0, 4))
    lane.settle(4, ear.take, ear.drop)

    assert ear.settled == [(2, "withdrawn"), (3, "withdrawn")]


def test_a_route_that_comes_twice_is_settled_once(ear: Ear) -> None:
    lane = backlog([frame(0, 2), frame(0, 2), frame(1, 3)], [answered(0), answered(1), answered(2)])

    lane.settle(3, ear.take, ear.drop)

    assert [at for at, _ in ear.settled] == [0, 1, 2]


def test_an_end_closes_the_lane_and_a_later_frame_opens_it(ear: Ear) -> None:
    lane = backlog([frame(0, 1), frame(1, 1, closes=True)], [answered(0)])
    lane.settle(1, ear.take, ear.drop)
    assert lane.closed

    lane.route(frame(5, 6))
    lane.answer(answered(5))
    lane.settle(6, ear.take, ear.drop)

    assert not lane.closed


def test_what_is_to_be_compared_and_what_shows_production_are_told_apart() -> None:
    lane = backlog([frame(0, 2, part="mirror"), frame(2, 4), frame(4, 6, part="mirror")], [])

    assert (lane.owes_from, lane.compares_from, lane.opinions_to) == (0, 2, 6)
    assert [lane.owes_opinion(at) for at in range(7)] == [True, True, False, False, True, True, False]


def test_a_canarys_track_skips_what_the_lane_was_sent_as_production(ear: Ear) -> None:
    lane = Backlog(Track("m:v", "canary"))
    for each in (frame(0, 2, part="canary"), frame(2, 4, part="production"), frame(4, 5, part="canary")):
        lane.route(each)
    for at in (1, 2, 3, 4):
        assert lane.answer(answered(at))
    assert (lane.owed, lane.compares_from, lane.owes_opinion(2)) == (3, 0, False)

    lane.settle(5, ear.take, ear.drop)

    assert ear.settled == [(0, None), (1, "answered"), (4, "answered")]
    assert (lane.owed, lane.compared) == (0, 0)


def test_what_was_counted_is_settled_again_only_where_it_shows_production(ear: Ear) -> None:
    lane = Backlog(TRACK, frontier=0, counted_to=4)
    for each in (frame(0, 2), frame(2, 4, part="mirror"), frame(4, 6)):
        lane.route(each)
    for at in (2, 3, 4, 5):
        assert lane.answer(answered(at))
    assert (lane.owed, lane.compares_from) == (4, 4)

    lane.settle(6, ear.take, ear.drop)

    assert [at for at, _ in ear.settled] == [2, 3, 4, 5]
