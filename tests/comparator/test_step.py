from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.comparing import (
    DAY_MS,
    NAMES,
    PRODUCTION,
    TOPICS,
    World,
    answer,
    counts_of,
    failure,
    route,
    shadow,
    withdrawn,
)

from comparator.judging import Tolerance, Tolerances
from comparator.ledger import ledger
from comparator.notes import BadNote
from comparator.partition import Options
from comparator.reading import ForeignRow
from comparator.step import ComparatorStep
from schemas.encodings import RowDecoder, SchemaUnavailable
from understudy.core.log.contract import Polled, Position, TopicPartition
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from schemas.decoding import Row
    from schemas.encodings import RowEncoding

CANDIDATE = shadow("candidate")
OTHER = shadow("other")


@pytest.fixture
def world() -> World:
    return World(Options())


def routed_and_answered(world: World, count: int) -> None:
    """Both lanes are sent and answer so many records."""
    world.routes(route(PRODUCTION, range(count)), route(CANDIDATE, range(count)))
    world.answers(*(answer(PRODUCTION, at) for at in range(count)))
    world.answers(*(answer(CANDIDATE, at) for at in range(count)))


def test_pairs_are_matched_mismatched_or_failed_on_either_side(world: World) -> None:
    world.routes(route(PRODUCTION, range(5)), route(CANDIDATE, range(5)))
    world.answers(
        *(answer(PRODUCTION, at) for at in (0, 1)),
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


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("last", NAMES)
def test_topics_may_become_visible_in_any_order(world: World, first: str, last: str) -> None:
    routed_and_answered(world, 3)
    for name in (first, *(set(NAMES) - {first, last}), last):
        world.show(name)
        world.poll()
        world.restart()
    world.run()

    assert counts_of(world.rows, CANDIDATE) == {"routed": 3, "answered": 3, "matched": 3}
    assert counts_of(world.rows, PRODUCTION) == {"routed": 3, "answered": 3}


@pytest.mark.parametrize("encoding", ["avro", "json"])
def test_answers_are_read_in_the_encoding_of_the_settings(encoding: RowEncoding) -> None:
    world = World(Options(), encoding)
    routed_and_answered(world, 3)
    world.run()

    assert counts_of(world.rows, CANDIDATE)["matched"] == 3


def test_a_lost_commit_counts_nothing_and_nothing_is_counted_twice(world: World) -> None:
    routed_and_answered(world, 3)
    world.show()
    world.poll(lost=True)
    assert world.rows == []

    world.run()

    assert counts_of(world.rows, CANDIDATE) == {"routed": 3, "answered": 3, "matched": 3}


def test_what_was_counted_is_written_at_most_once_in_an_interval() -> None:
    world = World(Options(interval_s=10.0))
    routed_and_answered(world, 3)
    world.show()
    assert world.poll(passed_s=1.0).positions
    world.routes(route(PRODUCTION, range(3, 6)))
    world.show()

    waiting = world.poll(passed_s=4.0)
    assert (waiting.positions, waiting.outputs, waiting.wake_s) == ({}, [], 6.0)
    assert counts_of(world.rows, PRODUCTION)["routed"] == 3

    world.poll(passed_s=6.0)
    assert counts_of(world.rows, PRODUCTION)["routed"] == 6


def test_statistics_stand_by_block_of_event_time_and_by_slice(world: World) -> None:
    times = [0, DAY_MS - 1, DAY_MS]
    world.routes(route(PRODUCTION, range(3)), route(CANDIDATE, range(3)))
    for lane in (PRODUCTION, CANDIDATE):
        world.answers(
            *(answer(lane, at, event_time=times[at], slices={"origin": "JFK" if at else "LGA"}) for at in range(3))
        )
    world.run()

    pairs = {(row["block"], row["slice"]): row["counts"] for row in world.rows if row["block"] is not None}
    assert pairs == {
        (0, None): {"matched": 2},
        (0, "origin=LGA"): {"matched": 1},
        (0, "origin=JFK"): {"matched": 1},
        (DAY_MS, None): {"matched": 1},
        (DAY_MS, "origin=JFK"): {"matched": 1},
    }


def test_tolerances_decide_what_is_a_mismatch() -> None:
    world = World(Options(tolerances=Tolerances({"number": Tolerance(absolute=0.5)})))
    world.routes(route(PRODUCTION, range(2)), route(CANDIDATE, range(2)))
    world.answers(*(answer(PRODUCTION, at, number=1.0) for at in range(2)))
    world.answers(answer(CANDIDATE, 0, number=1.4), answer(CANDIDATE, 1, number=1.6))
    world.run()

    row = next(row for row in world.rows if row["block"] is not None)
    assert row["counts"] == {"matched": 1, "mismatched": 1}
    assert row["fields"]["number"]["mismatched"] == 1
    assert row["fields"]["number"]["sum_difference"] == pytest.approx(1.0)


def test_withdrawn_ranges_and_reclaimed_answers_are_unpaired(world: World) -> None:
    world.routes(route(PRODUCTION, range(6)), route(CANDIDATE, [0, 1, 3, 5]))
    world.answers(answer(PRODUCTION, 0, answered_version="m:older"), *(answer(PRODUCTION, at) for at in range(1, 6)))
    world.answers(
        answer(CANDIDATE, 0), withdrawn(CANDIDATE, 1, 3), withdrawn(CANDIDATE, 4, 2) | {"error_kind": "expired"}
    )
    world.run()

    assert counts_of(world.rows, CANDIDATE) == {
        "routed": 4,
        "answered": 1,
        "withdrawn": 2,
        "expired": 1,
        "unpaired_production_withdrawn": 1,
        "unpaired_withdrawn": 2,
        "unpaired_expired": 1,
    }


def test_first_examples_of_each_kind_are_kept_and_not_more_after_a_restart() -> None:
    world = World(Options(examples_per_kind=2))
    for at in range(6):
        world.routes(route(PRODUCTION, [at]), route(CANDIDATE, [at]))
        world.answers(answer(PRODUCTION, at))
        world.answers(answer(CANDIDATE, at, label=1))
        world.run()
        world.restart()

    examples = [example for row in world.rows for example in row["examples"]]
    assert [example["source_offset"] for example in examples] == [0, 1]
    assert examples[0] == {
        "kind": "mismatched",
        "source_offset": 0,
        "event_time": 0,
        "event_id": "e0",
        "production": json.dumps({"label": 0}),
        "candidate": json.dumps({"label": 1}),
    }


def test_a_closed_lane_is_forgotten_and_goes_on_when_it_is_deployed_again(world: World) -> None:
    routed_and_answered(world, 3)
    world.routes(route(CANDIDATE, [3], kind="end"))
    world.run()
    assert "candidate" not in world.committed[TOPICS.routes].note

    world.restart()
    world.routes(route(PRODUCTION, range(3, 6)), route(CANDIDATE, range(3, 6), revision=2))
    world.answers(*(answer(PRODUCTION, at) for at in range(3, 6)))
    world.answers(*(answer(CANDIDATE, at) for at in range(3, 6)))
    world.run()

    assert counts_of(world.rows, CANDIDATE) == {"routed": 6, "answered": 6, "matched": 6}
    assert {row["revision"] for row in world.rows} == {1, 2}


def test_what_could_not_be_sent_is_counted_as_excluded_and_owed_by_nobody(world: World) -> None:
    canary = Lane("m:canary", "answering")
    world.routes(
        route(PRODUCTION, range(4), kind="adopted", part="production"),
        route(PRODUCTION, range(4), part="production"),
        route(canary, [1, 3], kind="excluded", part="canary"),
        route(CANDIDATE, [0, 3], part="shadow"),
        route(CANDIDATE, [1, 2], kind="excluded", part="shadow"),
    )
    world.answers(*(answer(PRODUCTION, at) for at in range(4)))
    world.answers(*(answer(CANDIDATE, at) for at in (0, 3)))
    world.run()
    world.restart()
    world.run()

    assert counts_of(world.rows, canary) == {"excluded": 2}
    assert counts_of(world.rows, CANDIDATE) == {"routed": 2, "excluded": 2, "answered": 2, "matched": 2}
    assert (ledger(world.rows).in_flight, ledger(world.rows).residual) == (0, 0)


def test_lanes_hand_over_at_an_offset_and_answer_out_of_order_between_them(world: World) -> None:
    """A shadow becomes the canary, then production, and its predecessor a shadow."""
    first, then = Lane("m:v1", "answering"), Lane("m:v2", "answering")
    mirror, candidate, former = Lane("m:v1", "shadow"), Lane("m:v2", "shadow"), Lane("m:v1", "shadow")
    world.routes(route(first, range(4), part="production"), route(candidate, range(4), part="shadow"))
    world.routes(route(candidate, [4], kind="end"))
    world.routes(
        route(first, [4, 6], part="production"),
        route(then, [5, 7], part="canary"),
        route(mirror, [5, 7], part="mirror"),
    )
    world.routes(route(first, [8], kind="end"), route(mirror, [8], kind="end"))
    world.routes(route(then, range(8, 12), part="production"), route(former, range(8, 12), part="shadow"))
    world.answers(*(answer(then, at) for at in (5, 7, 8, 9, 10, 11)))
    world.answers(*(answer(mirror, at) for at in (5, 7, 8, 9, 10, 11)))
    world.show()
    world.poll()
    world.restart()
    world.answers(*(answer(candidate, at) for at in range(4)))
    world.answers(*(answer(first, at) for at in (0, 1, 2, 3, 4, 6)))
    world.run()

    assert counts_of(world.rows, first) == {"routed": 6, "answered": 6}
    assert counts_of(world.rows, then) == {"routed": 6, "answered": 6, "matched": 2}
    assert counts_of(world.rows, candidate) == {"routed": 4, "answered": 4, "matched": 4}
    assert counts_of(world.rows, former) == {"routed": 6, "answered": 6, "matched": 4}
    assert ledger(world.rows).residual == 0


def test_notes_stay_short_however_often_the_plan_changes_while_others_are_busy(world: World) -> None:
    """There is always something in flight, and with every change two lanes come and two end."""
    for i in range(60):
        canary, mirror, gone = Lane(f"m:v{i}", "answering"), Lane(PRODUCTION.version, "shadow"), shadow(f"s{i}")
        offsets = range(3 * i, 3 * i + 3)
        world.routes(
            route(PRODUCTION, offsets[:2], part="production", revision=i),
            route(canary, offsets[2:], part="canary", revision=i),
            route(mirror, offsets[2:], part="mirror", revision=i),
            route(gone, offsets, part="shadow", revision=i),
            *(route(lane, [3 * i + 3], kind="end", revision=i + 1) for lane in (canary, gone)),
        )
        world.answers(answer(mirror, 3 * i + 2), *(answer(gone, at) for at in offsets))
        world.show()
        world.poll()
        world.answers(*(answer(PRODUCTION, at) for at in offsets[:2]), answer(canary, 3 * i + 2))
    world.restart()
    world.show()
    world.poll(most=1_000)

    assert len(json.loads(world.committed[TOPICS.routes].note)["lanes"]) <= 4
    world.run()
    assert (ledger(world.rows).in_flight, ledger(world.rows).residual) == (0, 0)


def test_records_routed_to_two_lanes_or_to_none_are_a_residual(world: World) -> None:
    canary = Lane("m:canary", "answering")
    world.routes(route(PRODUCTION, [0, 1, 3]), route(canary, [1]), route(CANDIDATE, [0, 1, 2, 3]))
    world.answers(*(answer(PRODUCTION, at) for at in (0, 1, 3)))
    world.answers(answer(canary, 1))
    world.answers(*(answer(CANDIDATE, at) for at in range(4)))
    world.routes(route(PRODUCTION, [3]), route(PRODUCTION, [4]))
    world.answers(answer(PRODUCTION, 4))
    world.run()

    lanes = ledger(world.rows).lanes
    assert (lanes[canary].routed_twice, lanes[PRODUCTION].routed_twice, lanes[CANDIDATE].unrouted) == (1, 1, 1)
    assert lanes[PRODUCTION].routed == lanes[PRODUCTION].answered == 4
    assert ledger(world.rows).residual == 3


def test_an_answer_without_any_route_is_unexpected(world: World) -> None:
    routed_and_answered(world, 3)
    world.answers(answer(OTHER, 1))
    world.run()

    assert counts_of(world.rows, OTHER) == {"unexpected": 1}


def test_while_the_schema_registry_is_away_nothing_is_read_and_nothing_lost(world: World) -> None:
    avro = RowDecoder.of("avro", "prediction")
    away = [True]

    def decode(value: bytes | None) -> Row:
        if away[0]:
            raise SchemaUnavailable("no answer")
        return avro.decode(value)

    world.decoder = RowDecoder(decode)
    routed_and_answered(world, 3)
    world.show()
    waiting = world.poll()
    assert waiting.paused == {TopicPartition(name, 0) for name in NAMES}
    assert waiting.wake_s == 1.0

    away[0] = False
    world.run()

    assert counts_of(world.rows, CANDIDATE)["matched"] == 3


def test_a_foreign_record_stops_the_comparator_and_is_named(world: World) -> None:
    world.topics[TOPICS.predictions].append([b"hello"])
    world.show()

    with pytest.raises(ForeignRow, match="offset 0 of predictions"):
        world.poll()


def test_a_foreign_note_stops_the_comparator_and_is_named(world: World) -> None:
    world.committed[TOPICS.routes] = Position(0, "hello")

    with pytest.raises(BadNote, match="hello"):
        world.poll()


def test_a_partition_is_served_when_its_three_positions_are_known() -> None:
    step = ComparatorStep(TOPICS, RowDecoder.of("avro", "prediction"))
    topic = World(Options())
    topic.routes(route(PRODUCTION, range(3)))
    topic.show()
    batches = topic.topics[TOPICS.routes].between(0, None, 1)
    first, second, third = (TopicPartition(name, 0) for name in NAMES)

    early = step.advance(Polled({first: batches}, {first: Position(0)}), 0.0)
    assert not early.positions
    assert early.paused == {first, second, third}
    complete = step.advance(Polled({}, {second: Position(0), third: Position(0)}), 1.0)
    assert complete.positions[first].offset == 0
    assert json.loads(complete.positions[first].note)["seen"] == 1

    step.advance(Polled(revoked=frozenset({first, second, third})), 2.0)
    assert step.advance(Polled(), 9.0).positions == {}
