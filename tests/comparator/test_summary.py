from __future__ import annotations

import json

import pytest
from support.comparing import DAY_MS, PRODUCTION, World, answer, failure, route, shadow

from comparator.partition import Options
from comparator.summary import Comparison, summarise
from understudy.deployments.plan import Lane
from understudy.statistics.sketch import RELATIVE_ERROR

CANDIDATE, SILENT = shadow("candidate"), shadow("silent")


@pytest.fixture
def world() -> World:
    """Ten records over two days; the candidate differs once, fails once, and takes ten times as long."""
    world = World(Options())
    for base in (0, 5):
        offsets = range(base, base + 5)
        world.routes(*(route(lane, offsets) for lane in (PRODUCTION, CANDIDATE, SILENT)))
        times = {"event_time": base // 5 * DAY_MS, "slices": {"origin": "JFK" if base else "LGA"}}
        world.answers(*(answer(PRODUCTION, at, number=1.0, model_time_ns=1_000, **times) for at in offsets))
        world.answers(
            *(answer(CANDIDATE, at, number=1.0, model_time_ns=10_000, **times) for at in offsets[:-1]),
            answer(CANDIDATE, 4, number=3.0, model_time_ns=10_000, **times)
            if base == 0
            else failure(CANDIDATE, 9) | times,
        )
        world.run()
    return world


def test_says_how_a_shadow_compares_with_production(world: World) -> None:
    summary = summarise(world.rows)[CANDIDATE]

    assert summary.against == (PRODUCTION.version,)
    assert summary.whole.counts == {"matched": 8, "mismatched": 1, "failed_candidate": 1}
    assert (summary.whole.pairs, summary.whole.matched_share, summary.whole.mismatched_share) == (10, 0.8, 0.1)
    assert summary.whole.fields["number"].total == pytest.approx(2.0)
    assert [example.source_offset for example in summary.examples] == [4, 9]


def test_model_times_stand_side_by_side(world: World) -> None:
    whole = summarise(world.rows)[CANDIDATE].whole

    assert whole.production_time is not None
    assert whole.candidate_time is not None
    assert whole.production_time.p50_ns == pytest.approx(1_000, rel=RELATIVE_ERROR)
    assert whole.candidate_time.p99_ns == pytest.approx(10_000, rel=RELATIVE_ERROR)


def test_the_same_per_block_and_per_slice(world: World) -> None:
    summary = summarise(world.rows)[CANDIDATE]

    assert {block: each.counts for block, each in summary.blocks.items()} == {
        0: {"matched": 4, "mismatched": 1},
        DAY_MS: {"matched": 4, "failed_candidate": 1},
    }
    assert [summary.slices[name].pairs for name in ("origin=JFK", "origin=LGA")] == [5, 5]


def test_a_lane_that_answered_nothing_has_no_shares(world: World) -> None:
    silent = summarise(world.rows)[SILENT]

    assert (silent.whole.pairs, silent.whole.matched_share, silent.whole.production_time) == (0, None, None)
    assert silent.blocks == {}


def test_reasons_are_told_of_what_is_unpaired() -> None:
    world = World(Options())
    world.routes(route(PRODUCTION, range(2)), route(CANDIDATE, range(2)))
    world.answers(answer(PRODUCTION, 0), answer(PRODUCTION, 1))
    world.answers(answer(CANDIDATE, 1))
    world.run()

    whole = summarise(world.rows)[CANDIDATE].whole
    assert (whole.unpaired, whole.unpaired_told) == ({"missing": 1}, ["1: the candidate never answered"])


def test_the_most_frequent_reason_comes_first() -> None:
    counts = {"unpaired_canary": 2, "unpaired_withdrawn": 3_000, "unpaired_of_another_release": 1}

    assert Comparison(counts, {}, None, None).unpaired_told == [
        "3,000: the candidate was withdrawn",
        "2: the canary answered, and is not mirrored by production",
        "1: of_another_release",
    ]


def test_a_canary_beside_its_mirror_is_summarised_too() -> None:
    world, canary, mirror = World(Options()), Lane("m:canary", "answering"), Lane(PRODUCTION.version, "shadow")
    world.routes(
        route(PRODUCTION, [0, 1], part="production"),
        route(canary, [2], part="canary"),
        route(mirror, [2], part="mirror"),
    )
    world.answers(answer(PRODUCTION, 0), answer(PRODUCTION, 1), answer(canary, 2, label=1))
    world.answers(answer(mirror, 2))
    world.run()

    summary = summarise(world.rows)[canary]

    assert (summary.against, summary.whole.counts) == ((PRODUCTION.version,), {"mismatched": 1})
    assert json.loads(summary.examples[0].candidate or "") == {"label": 1}


def test_the_answering_lane_is_compared_with_nothing(world: World) -> None:
    assert PRODUCTION not in summarise(world.rows)
    assert summarise([]) == {}
