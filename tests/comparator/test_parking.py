"""A canary, its mirror, or production that is away: who waits for whom, and who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.comparing import NAMES, PRODUCTION, TOPICS, World, answer, counts_of, failure, route, shadow

from comparator.ledger import ledger
from comparator.partition import Options
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

CANARY, MIRROR, SHADOW = Lane("m:canary", "answering"), Lane(PRODUCTION.version, "shadow"), shadow("s")
MAX_LAG = 10
RECORDS = 200
SHARE = range(0, RECORDS, 5)
"""The canary's records: one in five."""


@pytest.fixture
def world() -> World:
    return World(Options(max_lag_records=MAX_LAG))


def release(world: World, answering: Sequence[Lane], *, mirrored: bool = True) -> None:
    """Production, a canary and a shadow are sent many records; only some lanes answer."""
    for base in range(0, RECORDS, 5):
        frame = range(base, base + 5)
        sent = {PRODUCTION: frame[1:], CANARY: frame[:1], SHADOW: frame} | ({MIRROR: frame[:1]} if mirrored else {})
        parts = {PRODUCTION: "production", CANARY: "canary", MIRROR: "mirror", SHADOW: "shadow"}
        world.routes(*(route(lane, offsets, part=parts[lane]) for lane, offsets in sent.items()))  # type: ignore[arg-type] # parts by name
        for lane in answering:
            if lane in sent:
                answer_all(world, lane, sent[lane])
        world.show()
        world.poll()


def answer_all(world: World, lane: Lane, offsets: Sequence[int]) -> None:
    world.answers(*(answer(lane, at) for at in offsets))


def assert_positions_are_at_the_ends(world: World) -> None:
    for name in NAMES:
        last = world.topics[name].batches[-1:]
        assert world.committed[name].offset == (last[0].next_offset if last else 0)


def test_a_dead_canary_holds_back_neither_production_nor_shadows_nor_positions(world: World) -> None:
    release(world, [PRODUCTION, MIRROR, SHADOW])

    assert counts_of(world.rows, SHADOW)["matched"] == RECORDS
    assert counts_of(world.rows, PRODUCTION)["answered"] == RECORDS - len(SHARE)
    assert counts_of(world.rows, MIRROR)["answered"] == len(SHARE)
    assert counts_of(world.rows, CANARY) == {"routed": len(SHARE)}
    assert_positions_are_at_the_ends(world)


def test_a_canary_that_comes_back_is_compared_in_full(world: World) -> None:
    release(world, [PRODUCTION, MIRROR, SHADOW])
    world.restart()
    for at in SHARE:
        world.answers(failure(CANARY, at) if at % 2 else answer(CANARY, at))
    world.run(most=3)

    failed = len([at for at in SHARE if at % 2])
    assert counts_of(world.rows, CANARY) == {
        "routed": len(SHARE),
        "answered": len(SHARE) - failed,
        "failed": failed,
        "matched": len(SHARE) - failed,
        "failed_candidate": failed,
    }
    assert {row["against"] for row in world.rows if row["version"] == CANARY.version} == {None, PRODUCTION.version}
    assert ledger(world.rows).in_flight == 0


def test_beside_a_dead_canary_without_a_mirror_a_shadow_goes_on_unpaired_on_the_share(world: World) -> None:
    release(world, [PRODUCTION, SHADOW], mirrored=False)

    assert counts_of(world.rows, SHADOW) == {
        "routed": RECORDS,
        "answered": RECORDS,
        "matched": RECORDS - len(SHARE),
        "unpaired_canary": len(SHARE),
    }
    assert_positions_are_at_the_ends(world)


def test_a_canary_without_a_mirror_has_only_its_ledger(world: World) -> None:
    release(world, [PRODUCTION, CANARY, SHADOW], mirrored=False)

    assert counts_of(world.rows, CANARY) == {"routed": len(SHARE), "answered": len(SHARE)}


@pytest.mark.parametrize("restarts", [False, True])
def test_without_its_mirror_a_canary_is_answered_and_compared_later(world: World, restarts: bool) -> None:
    release(world, [PRODUCTION, CANARY, SHADOW])
    assert counts_of(world.rows, CANARY) == {"routed": len(SHARE), "answered": len(SHARE)}
    assert counts_of(world.rows, PRODUCTION)["answered"] == RECORDS - len(SHARE)
    assert_positions_are_at_the_ends(world)

    for at in SHARE:
        world.answers(answer(MIRROR, at, label=at % 2))
        world.show()
        world.poll(most=2)
        if restarts:
            world.restart()
    world.run(most=2)

    mismatched = len([at for at in SHARE if at % 2])
    for lane in (CANARY, SHADOW):
        assert counts_of(world.rows, lane)["mismatched"] == mismatched
        assert counts_of(world.rows, lane)["matched"] == counts_of(world.rows, lane)["answered"] - mismatched
    assert ledger(world.rows).in_flight == ledger(world.rows).residual == 0


def test_while_production_is_away_a_canary_is_compared_with_its_mirror_once_production_is_back(world: World) -> None:
    release(world, [CANARY, MIRROR, SHADOW])
    world.restart()
    answer_all(world, PRODUCTION, [at for at in range(RECORDS) if at not in SHARE])
    world.run(most=2)

    assert counts_of(world.rows, CANARY)["matched"] == len(SHARE)
    assert counts_of(world.rows, SHADOW)["matched"] == RECORDS


def test_a_dead_shadow_is_counted_when_it_is_back_and_the_other_one_once() -> None:
    world, dead = World(Options(max_lag_records=MAX_LAG)), shadow("dead")
    for base in range(0, RECORDS, 5):
        frame = range(base, base + 5)
        world.routes(*(route(lane, frame) for lane in (PRODUCTION, SHADOW, dead)))
        answer_all(world, PRODUCTION, frame)
        answer_all(world, SHADOW, frame)
        world.show()
        world.poll(lost=base % 3 == 0)
        if base % 2:
            world.restart()
    world.run()
    assert counts_of(world.rows, SHADOW) == {"routed": RECORDS, "answered": RECORDS, "matched": RECORDS}

    answer_all(world, dead, range(RECORDS))
    world.run(most=2)

    assert counts_of(world.rows, SHADOW)["matched"] == counts_of(world.rows, dead)["matched"] == RECORDS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_what_retention_removed_while_a_canary_was_away_is_expired_and_never_missing(
    world: World, name: str, share: float
) -> None:
    release(world, [PRODUCTION, MIRROR, SHADOW])
    answer_all(world, CANARY, SHARE)
    world.show()
    world.poll()
    world.expire(name, int(world.topics[name].end * share))
    world.run()

    counts = counts_of(world.rows, CANARY)
    unpaired = sum(n for kind, n in counts.items() if kind in {"unpaired_expired", "unpaired_production_expired"})
    is_lost = name != TOPICS.predictions or share == 1.0  # its own answers are all at the end
    assert bool(unpaired) is is_lost
    assert counts.get("matched", 0) + unpaired == len(SHARE)
    assert (ledger(world.rows).in_flight, ledger(world.rows).residual) == (0, 0)
    assert counts_of(world.rows, SHADOW)["matched"] == RECORDS
