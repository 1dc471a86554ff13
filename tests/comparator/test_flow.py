from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from comparator.answers import absent
from comparator.backlog import Backlog
from comparator.examples import ExamplesTaken
from comparator.flow import QUIET_S, Flow, answered_to
from comparator.join import Join
from comparator.judging import EXACT
from comparator.routed import RoutedFrame
from comparator.tally import Tally
from comparator.tracks import Track

if TYPE_CHECKING:
    from understudy.deployments.plan import Part
from understudy.core.batches import build_columns, relocate

PRODUCTION = Track("m:p", "answering")
SHADOW = Track("m:s", "shadow")
LIMIT = 10
NOW_S = 100.0


@pytest.fixture
def join() -> Join:
    tally = Tally(1, EXACT, ExamplesTaken(0))
    return Join(tally, {lane: Backlog(lane) for lane in (PRODUCTION, SHADOW)})


@pytest.fixture
def flow() -> Flow:
    return Flow(LIMIT)


def hear(flow: Flow, now_s: float = NOW_S, **stored_ms: int) -> None:
    """What was read last of each topic was stored at these times."""
    for feed in ("routes", "predictions", "shadow_predictions"):
        if feed in stored_ms:
            batch = relocate(build_columns([None], [b"x"], [0]), 0, append_time_ms=stored_ms[feed])
            flow.streams[feed].hear(batch, now_s)


def part_of(track: Track) -> Part:
    return "production" if track.kind == "answering" else "shadow"


def settle_production(join: Join, to: int) -> None:
    """Production has answered so much."""
    backlog = join.backlogs[PRODUCTION]
    backlog.frontier = backlog.opinions_to = to


def owe(join: Join, lane: Track, records: int, *, frames: int = 1) -> None:
    for i in range(frames):
        join.backlogs[lane].route(RoutedFrame(i * records, (i + 1) * records, records, 1, i, part=part_of(lane)))


def keep(join: Join, lane: Track, answers: int) -> None:
    join.backlogs[lane].answers.extend(absent(at, "answered", lane.version, 1, at) for at in range(answers))


def test_a_lane_that_is_late_although_its_topic_is_read_is_parked(join: Join, flow: Flow) -> None:
    owe(join, SHADOW, 100)
    settle_production(join, LIMIT)
    assert flow.late(join, NOW_S) == []

    settle_production(join, LIMIT + 1)

    assert answered_to(join) == LIMIT + 1
    assert flow.late(join, NOW_S) == [SHADOW]
    assert flow.paused(join, NOW_S) == set()


def test_a_topic_that_is_read_from_the_past_is_waited_for(join: Join, flow: Flow) -> None:
    owe(join, SHADOW, 100)
    settle_production(join, LIMIT + 1)
    hear(flow, predictions=60_000, shadow_predictions=10_000)

    assert flow.late(join, NOW_S) == []
    assert flow.paused(join, NOW_S) == {"predictions"}

    assert flow.late(join, NOW_S + QUIET_S + 1) == [SHADOW], "nothing came any more"
    assert flow.paused(join, NOW_S + QUIET_S + 1) == set()


def test_topics_read_at_the_same_time_do_not_wait_for_each_other(join: Join, flow: Flow) -> None:
    owe(join, SHADOW, 100)
    settle_production(join, LIMIT + 1)
    hear(flow, predictions=60_000, shadow_predictions=59_500)

    assert flow.paused(join, NOW_S) == set()
    assert flow.late(join, NOW_S) == [SHADOW]


def test_shadows_wait_for_production_that_is_read_from_the_past(join: Join, flow: Flow) -> None:
    owe(join, SHADOW, 100)
    keep(join, SHADOW, LIMIT + 1)
    assert flow.late(join, NOW_S) == [SHADOW]

    hear(flow, predictions=10_000, shadow_predictions=60_000)

    assert flow.late(join, NOW_S) == []
    assert flow.paused(join, NOW_S) == {"shadow_predictions"}


@pytest.mark.parametrize(("lane", "paused"), [(PRODUCTION, {"predictions"}), (SHADOW, {"shadow_predictions"})], ids=str)
def test_answers_wait_for_their_routes_and_no_lane_is_late_for_that(
    join: Join, flow: Flow, lane: Track, paused: set[str]
) -> None:
    keep(join, lane, LIMIT + 1)

    assert flow.paused(join, NOW_S) == paused
    assert flow.late(join, NOW_S) == []


def test_routes_wait_while_every_lane_has_many(join: Join, flow: Flow) -> None:
    for lane in (PRODUCTION, SHADOW):
        owe(join, lane, 1, frames=LIMIT)
    assert flow.paused(join, NOW_S) == set()

    hear(flow, routes=60_000, predictions=10_000)

    assert flow.paused(join, NOW_S) == {"routes"}


def test_a_lane_with_very_many_frames_is_parked_shadows_first(join: Join, flow: Flow) -> None:
    for lane in (PRODUCTION, SHADOW):
        owe(join, lane, 1, frames=LIMIT + 1)

    assert flow.late(join, NOW_S) == [SHADOW, PRODUCTION]
