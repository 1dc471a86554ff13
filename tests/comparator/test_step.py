from __future__ import annotations

import pytest
from support.comparing import PRODUCTION, TOPICS, World, answer, counts_of, failure, route, shadow

from comparator.ledger import ledger
from comparator.partition import Options

CANDIDATE = shadow("candidate")
OTHER = shadow("other")


@pytest.fixture
def world() -> World:
    return World(Options())


def test_pairs_are_matched_mismatched_or_failed_on_either_side(world: World) -> None:
    world.routes(route(PRODUCTION, range(5)), route(CANDIDATE, range(5)))
    world.answers(
        answer(PRODUCTION, 0),
        answer(PRODUCTION, 1),
        failure(PRODUCTION, 2),
        answer(PRODUCTION, 3),
        failure(PRODUCTION, 4),
    )
    world.answers(
        answer(CANDIDATE, 0),
        answer(CANDIDATE, 1, label=1),
        answer(CANDIDATE, 2),
        failure(CANDIDATE, 3),
        failure(CANDIDATE, 4),
    )
    world.run()

    assert counts_of(world.rows, PRODUCTION) == {"routed": 5, "answered": 3, "failed": 2}
    assert counts_of(world.rows, CANDIDATE) == {
        "routed": 5,
        "answered": 3,
        "failed": 2,
        "matched": 1,
        "mismatched": 1,
        "failed_production": 1,
        "failed_candidate": 1,
        "failed_both": 1,
    }
    assert ledger(world.rows).residual == 0


@pytest.mark.parametrize("first", [TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions])
@pytest.mark.parametrize("last", [TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions])
def test_topics_may_become_visible_in_any_order(world: World, first: str, last: str) -> None:
    world.routes(route(PRODUCTION, range(3)), route(CANDIDATE, range(3)))
    world.answers(*(answer(PRODUCTION, at) for at in range(3)))
    world.answers(*(answer(CANDIDATE, at) for at in range(3)))
    for name in (first, *({TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions} - {first, last}), last):
        world.show(name)
        world.poll()
        world.restart()
    world.run()

    assert counts_of(world.rows, CANDIDATE) == {"routed": 3, "answered": 3, "matched": 3}
    assert counts_of(world.rows, PRODUCTION) == {"routed": 3, "answered": 3}
