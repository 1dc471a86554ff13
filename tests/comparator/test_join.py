from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from comparator.answers import absent
from comparator.backlog import Backlog
from comparator.examples import ExamplesTaken
from comparator.join import Join
from comparator.judging import EXACT
from comparator.routed import RoutedFrame
from comparator.tally import Tally
from comparator.tracks import Track

if TYPE_CHECKING:
    from understudy.deployments.plan import Part

PRODUCTION = Track("m:p", "answering")
CANARY, TRIAL, MIRROR = Track("m:c", "answering"), Track("m:c", "canary"), Track("m:p", "shadow")
FIRST, SECOND = Track("m:a", "shadow"), Track("m:b", "shadow")


@pytest.fixture
def join() -> Join:
    return Join(Tally(1_000, EXACT, ExamplesTaken(0)))


def send(join: Join, base: int, after: int, *lanes: Track, row: int = 0, part: Part | None = None) -> None:
    for lane in lanes:
        frame = RoutedFrame(base, after, after - base, 1, row, part=part or part_of(lane))
        join.backlogs.setdefault(lane, Backlog(lane)).route(frame)
        if lane.kind == "answering":
            join.take_answering(frame)
    join.routes_to = after


def part_of(lane: Track) -> Part:
    return "production" if lane.kind == "answering" else "shadow"


def reply(join: Join, lane: Track, *offsets: int) -> None:
    backlog = join.backlogs.setdefault(lane, Backlog(lane))
    for at in offsets:
        assert backlog.answer(absent(at, "answered", lane.version, 1, 100 + at)._replace(event_time_ms=at))


def counts(join: Join, lane: Track) -> dict[str, int]:
    found: dict[str, int] = {}
    for group, name, cell in join.tally:
        if group.lane == lane.lane and name is None:
            found |= cell.counts
    return found


def test_a_shadows_record_is_settled_when_production_has_answered_it(join: Join) -> None:
    send(join, 0, 2, PRODUCTION, FIRST)
    reply(join, FIRST, 0, 1)
    join.settle()
    assert counts(join, FIRST) == {}

    reply(join, PRODUCTION, 0)
    join.settle()

    assert counts(join, FIRST) == {"answered": 1, "matched": 1}
    assert counts(join, PRODUCTION) == {"answered": 1}


def test_productions_answers_are_kept_until_every_shadow_has_used_them(join: Join) -> None:
    send(join, 0, 3, PRODUCTION, FIRST, SECOND)
    reply(join, PRODUCTION, 0, 1, 2)
    reply(join, FIRST, 0, 1, 2)
    join.settle()
    assert (len(join.opinions), join.floor()) == (3, 0)

    reply(join, SECOND, 0, 1)
    join.settle()
    assert (len(join.opinions), join.floor()) == (1, 2)

    reply(join, SECOND, 2)
    join.settle()
    assert (len(join.opinions), join.floor()) == (0, None)


def test_without_shadows_nothing_is_kept(join: Join) -> None:
    send(join, 0, 3, PRODUCTION)
    reply(join, PRODUCTION, 0, 1, 2)
    join.settle()

    assert len(join.opinions) == 0
    assert join.oldest() == {}


def test_says_which_rows_are_still_needed(join: Join) -> None:
    send(join, 0, 2, PRODUCTION, FIRST, row=7)
    send(join, 2, 4, PRODUCTION, FIRST, row=9)
    reply(join, PRODUCTION, 0, 1, 2)
    reply(join, FIRST, 0, 1, 2, 3)
    join.settle()

    assert join.oldest() == {"routes": 9, "shadow_predictions": 103}
    assert join.oldest_for(PRODUCTION) == {"routes": 9}
    assert join.oldest_for(FIRST) == {"routes": 9, "shadow_predictions": 103}


def test_a_missing_record_is_a_fact_of_its_lane_and_unpaired(join: Join) -> None:
    send(join, 0, 2, PRODUCTION, FIRST)
    reply(join, PRODUCTION, 1)
    reply(join, FIRST, 0, 1)
    join.settle()

    assert counts(join, PRODUCTION) == {"missing": 1, "answered": 1}
    assert counts(join, FIRST) == {"answered": 2, "unpaired_production_missing": 1, "matched": 1}


def test_what_no_answering_lane_was_sent_is_unrouted_but_for_parked_ones(join: Join) -> None:
    send(join, 0, 1, FIRST)
    reply(join, FIRST, 0)
    join.may_owe = lambda at: at == 0
    join.settle()
    assert counts(join, FIRST) == {}

    join.may_owe = lambda _: False
    join.settle()

    assert counts(join, FIRST) == {"unrouted": 1, "answered": 1, "unpaired_production_unrouted": 1}


def test_what_an_earlier_owner_counted_is_settled_for_others_only(join: Join) -> None:
    join.backlogs[PRODUCTION] = Backlog(PRODUCTION, frontier=0, counted_to=2)
    send(join, 0, 3, PRODUCTION, FIRST)
    reply(join, PRODUCTION, 0, 1, 2)
    reply(join, FIRST, 0, 1, 2)
    join.settle()

    assert counts(join, PRODUCTION) == {"answered": 1}
    assert counts(join, FIRST) == {"answered": 3, "matched": 3}


def test_a_canary_and_shadows_are_compared_with_production_s_mirror(join: Join) -> None:
    send(join, 0, 2, PRODUCTION, FIRST)
    send(join, 2, 3, FIRST)
    send(join, 2, 3, MIRROR, part="mirror")
    send(join, 2, 3, CANARY, TRIAL, part="canary")
    for lane, *offsets in ((PRODUCTION, 0, 1), (FIRST, 0, 1, 2), (CANARY, 2), (TRIAL, 2)):
        reply(join, lane, *offsets)
    join.settle()
    assert counts(join, CANARY) == {"answered": 1}, "the ledger waits for nobody"
    assert counts(join, FIRST) == {"answered": 2, "matched": 2}

    reply(join, MIRROR, 2)
    join.settle()

    assert counts(join, CANARY) == {"answered": 1, "matched": 1}
    assert counts(join, FIRST) == {"answered": 3, "matched": 3}
    assert counts(join, MIRROR) == {"answered": 1}
    assert (len(join.opinions), join.oldest()) == (0, {})


def test_on_a_share_without_a_mirror_a_shadow_is_unpaired_and_the_canary_only_counted(join: Join) -> None:
    send(join, 0, 2, FIRST)
    send(join, 0, 2, CANARY, TRIAL, part="canary")
    reply(join, FIRST, 0, 1)
    reply(join, TRIAL, 0)
    join.settle()

    assert counts(join, FIRST) == {"answered": 2, "unpaired_canary": 2}
    assert counts(join, CANARY) == {}
    assert (join.backlogs[TRIAL].frontier, join.backlogs[CANARY].owed) == (1, 2)


def test_reclaimed_answers_are_counted_and_no_evidence(join: Join) -> None:
    send(join, 0, 2, PRODUCTION, FIRST)
    for at in (0, 1):
        row = absent(at, "answered", PRODUCTION.version, 1, 100 + at)._replace(event_time_ms=at, reclaimed=at == 0)
        assert join.backlogs[PRODUCTION].answer(row)
    reply(join, FIRST, 0, 1)
    join.settle()

    assert counts(join, PRODUCTION) == {"answered": 2, "reclaimed": 1}
    assert counts(join, FIRST) == {"answered": 2, "unpaired_production_withdrawn": 1, "matched": 1}
