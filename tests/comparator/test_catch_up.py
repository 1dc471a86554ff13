"""Lanes that fall behind: what they cost while they are away, and what is counted when they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.comparing import NAMES, PRODUCTION, TOPICS, World, answer, counts_of, route, shadow

from comparator.ledger import ledger
from comparator.partition import Options
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.deployments.plan import Lane

LATE = shadow("late")
PROMPT = shadow("prompt")
MAX_LAG = 10
RECORDS = 200


@pytest.fixture
def world() -> World:
    """A shadow that keeps up, and one that has not answered anything of many records."""
    world = World(Options(max_lag_records=MAX_LAG))
    for base in range(0, RECORDS, 5):
        offsets = range(base, base + 5)
        world.routes(*(route(lane, offsets) for lane in (PRODUCTION, PROMPT, LATE)))
        answer_all(world, PRODUCTION, offsets)
        answer_all(world, PROMPT, offsets)
        world.show()
        world.poll()
    return world


def answer_all(world: World, lane: Lane, offsets: range) -> None:
    world.answers(*(answer(lane, at) for at in offsets))


def test_a_dead_lane_holds_back_neither_other_lanes_nor_positions(world: World) -> None:
    assert counts_of(world.rows, PROMPT)["matched"] == RECORDS
    assert counts_of(world.rows, PRODUCTION)["answered"] == RECORDS
    assert ledger(world.rows).lanes[LATE].in_flight == RECORDS
    for name in NAMES:
        assert world.committed[name].offset == world.topics[name].batches[-1].next_offset


def test_a_dead_lane_costs_nothing_across_restarts_either(world: World) -> None:
    for _ in range(3):
        world.restart()
        world.poll()
        world.poll()

    assert world.rereads == 0
    assert len(world.state._join.opinions) == 0


def test_what_waits_for_a_lane_stays_bounded() -> None:
    world = World(Options(max_lag_records=MAX_LAG))
    most = 0
    for base in range(0, RECORDS, 5):
        offsets = range(base, base + 5)
        world.routes(route(PRODUCTION, offsets), route(LATE, offsets))
        answer_all(world, PRODUCTION, offsets)
        world.show()
        world.poll()
        most = max(most, len(world.state._join.opinions))

    assert 0 < most <= MAX_LAG + 5


@pytest.mark.parametrize("restarts", [False, True])
def test_a_lane_that_comes_back_is_compared_in_full_and_goes_on_with_the_others(world: World, restarts: bool) -> None:
    for base in range(0, RECORDS, 5):
        answer_all(world, LATE, range(base, base + 5))
        world.show()
        world.poll(most=3)
        if restarts:
            world.restart()
    world.run(most=3)
    assert counts_of(world.rows, LATE) == {"routed": RECORDS, "answered": RECORDS, "matched": RECORDS}

    read_again = world.rereads
    offsets = range(RECORDS, RECORDS + 5)
    world.routes(*(route(lane, offsets) for lane in (PRODUCTION, PROMPT, LATE)))
    for lane in (PRODUCTION, PROMPT, LATE):
        answer_all(world, lane, offsets)
    world.run()

    assert counts_of(world.rows, LATE)["matched"] == RECORDS + 5
    assert world.rereads == read_again


def test_pages_of_the_past_stay_behind_the_position_and_are_asked_for_at_once(world: World) -> None:
    answer_all(world, LATE, range(5))
    world.show()

    advance = world.poll()

    assert advance.wake_s == 0.0
    assert advance.reread
    assert all(offset < world._next[at.topic] for at, offset in advance.reread.items())


def test_a_page_that_did_not_come_is_asked_for_again(world: World) -> None:
    answer_all(world, LATE, range(RECORDS))
    world.show()
    for _ in range(3):
        asked = world.poll().reread
        world._advance = type(world._advance)()  # the log had no answer in time
        assert world.poll().reread == asked
    world.run()

    assert counts_of(world.rows, LATE)["matched"] == RECORDS


def nothing_removed(_: World) -> None:
    pass


def remove_most(name: str) -> Callable[[World], None]:
    return lambda world: world.expire(name, world.topics[name].end - RECORDS // 2 - 2)


def remove_all(name: str) -> Callable[[World], None]:
    return lambda world: world.expire(name, world.topics[name].end)


@pytest.mark.parametrize(
    "remove",
    [nothing_removed, *(how(name) for name in NAMES for how in (remove_most, remove_all))],
)
def test_what_retention_has_removed_meanwhile_is_expired_and_never_missing(
    world: World, remove: Callable[[World], None]
) -> None:
    answer_all(world, LATE, range(RECORDS // 2))
    answer_all(world, LATE, range(RECORDS // 2, RECORDS))
    world.show()
    world.poll()
    remove(world)
    world.run()
    world.routes(route(PRODUCTION, [RECORDS]), route(LATE, [RECORDS]))
    world.answers(answer(PRODUCTION, RECORDS))
    world.answers(answer(LATE, RECORDS))
    world.run()

    counts = counts_of(world.rows, LATE)
    unpaired = sum(n for kind, n in counts.items() if kind in {"unpaired_expired", "unpaired_production_expired"})
    assert ledger(world.rows).residual == 0
    assert ledger(world.rows).lanes[LATE].in_flight == 0
    assert counts["matched"] + unpaired == RECORDS + 1
    assert bool(unpaired) is (remove is not nothing_removed)


def test_production_that_was_away_is_counted_when_it_comes_back() -> None:
    world = World(Options(max_lag_records=MAX_LAG))
    for base in range(0, RECORDS, 5):
        world.routes(*(route(lane, range(base, base + 5)) for lane in (PRODUCTION, PROMPT)))
        answer_all(world, PROMPT, range(base, base + 5))
        world.show()
        world.poll()
    for at in range(0, RECORDS, 20):
        answer_all(world, PRODUCTION, range(at, at + 20))
        world.show()
        world.poll(most=2)
        world.restart()
    world.run(most=2)

    assert counts_of(world.rows, PRODUCTION) == {"routed": RECORDS, "answered": RECORDS}
    assert counts_of(world.rows, PROMPT) == {"routed": RECORDS, "answered": RECORDS, "matched": RECORDS}
    assert TopicPartition(TOPICS.routes, 0) not in world.poll().reread
