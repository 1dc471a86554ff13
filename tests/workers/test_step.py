from __future__ import annotations

import pytest
from support.lanes import (
    REQUESTS,
    SHADOW_REQUESTS,
    TOPICS,
    VERSION,
    Doubling,
    decoder,
    end,
    event,
    events,
    frame,
    lane,
)
from support.pile import stored
from support.working import Driver, piled, worker

from schemas.encodings import InputDecoder, SchemaUnavailable
from understudy.core.batches import Codec
from understudy.core.batches.build import sealed
from understudy.core.frames import encode_header, frame_of
from understudy.core.log.contract import Polled, Position

LANE = lane(REQUESTS)
SHADOW_LANE = lane(SHADOW_REQUESTS)


def test_every_record_is_answered_in_order_in_one_batch_under_its_key_and_time() -> None:
    pile = piled(frame(REQUESTS, [events(range(8), 100), events(range(8, 20), 108)]))
    driver = Driver(pile, worker(), LANE)

    advance = driver.advance()

    [output] = advance.outputs
    assert (output.topic, output.partition, output.batch.count) == (TOPICS.predictions, 3, 20)
    assert driver.sources() == list(range(100, 120))
    assert [row["number"] for row in driver.rows()] == [2.0 * x for x in range(20)]
    assert output.batch.columns.keys == [f"k{offset}".encode() for offset in range(100, 120)]
    times_ms = [*range(1_700_000_000_000, 1_700_000_000_008), *range(1_700_000_000_000, 1_700_000_000_012)]
    assert list(output.batch.columns.timestamps_ms) == [row["event_time"] for row in driver.rows()] == times_ms
    assert advance.positions == {LANE: Position(21)}


def test_the_model_is_asked_in_micro_batches_across_partitions() -> None:
    pile = piled(*(frame(REQUESTS, [events(range(6), 0)], partition=p) for p in range(4)))
    model = Doubling()
    driver = Driver(pile, worker(model), *(lane(REQUESTS, p) for p in range(4)))

    driver.advance()

    assert model.asked == [10, 10, 4]
    assert [driver.sources(partition=p) for p in range(4)] == [list(range(6))] * 4


def test_large_polls_are_worked_off_over_several_transactions() -> None:
    pile = piled(frame(REQUESTS, [events(range(100), 0)]))
    driver = Driver(pile, worker(), LANE)

    first = driver.advance()

    assert first.positions == {LANE: Position(0, '{"done":40}')}
    assert first.paused == {LANE}
    assert first.wake_s == 0.0
    assert driver.advance(paused=first.paused).positions == {LANE: Position(0, '{"done":80}')}
    last = driver.advance()
    assert (last.positions, last.paused, last.wake_s) == ({LANE: Position(101)}, frozenset(), None)
    assert driver.sources() == list(range(100))


def test_a_slow_model_commits_what_is_answered() -> None:
    pile = piled(frame(REQUESTS, [events(range(100), 0)]))
    driver = Driver(pile, worker(Doubling(time_ns=300_000_000)), LANE)

    assert driver.advance().positions == {LANE: Position(0, '{"done":10}')}


@pytest.mark.parametrize("lost_at", range(4))
def test_a_lost_commit_anywhere_repeats_nothing_and_loses_nothing(lost_at: int) -> None:
    pile = piled(frame(REQUESTS, [events(range(55), 0)]), frame(REQUESTS, [events(range(60), 55)]))
    driver = Driver(pile, worker(), LANE)

    for turn in range(6):
        driver.advance(lost=turn == lost_at)
        if turn == lost_at:
            driver.assign(driver.step)

    assert driver.sources() == list(range(115))


def test_restarts_make_progress_inside_one_long_frame() -> None:
    pile = piled(frame(REQUESTS, [events(range(70), 0), events(range(80), 70)]))
    driver = Driver(pile, worker(), LANE)

    for _ in range(4):
        driver.advance()
        driver.assign(worker())

    assert driver.sources() == list(range(150))
    assert driver.committed == {LANE: Position(pile.batches(REQUESTS, 3)[-1].next_offset)}


def test_a_revoked_partition_is_forgotten() -> None:
    pile = piled(
        frame(REQUESTS, [events(range(100), 0)], partition=0), frame(REQUESTS, [events(range(100), 0)], partition=1)
    )
    step = worker()
    driver = Driver(pile, step, lane(REQUESTS, 0), lane(REQUESTS, 1))
    driver.advance()

    advance = step.advance(Polled(revoked=frozenset({lane(REQUESTS, 0)})), 0.0)

    assert advance.positions.keys() == {lane(REQUESTS, 1)}
    assert {output.partition for output in advance.outputs} == {1}


def test_frames_with_gaps_keep_the_input_offsets() -> None:
    offsets = [5, 6, 9, 13]
    pile = piled(frame(REQUESTS, [events(range(4), 0)], source=offsets))
    driver = Driver(pile, worker(), LANE)

    driver.advance()

    assert driver.sources() == offsets


def test_end_frames_move_the_position_and_the_lane_goes_on_after_them() -> None:
    pile = piled(
        frame(REQUESTS, [events([1], 0)]) + end(REQUESTS, 1), end(REQUESTS, 1), frame(REQUESTS, [events([2], 7)])
    )
    driver = Driver(pile, worker(), LANE)

    driver.advance()

    assert driver.sources() == [0, 7]
    assert driver.committed == {LANE: Position(8)}


def test_an_end_alone_is_a_position_without_outputs() -> None:
    advance = Driver(piled(end(REQUESTS, 1)), worker(), LANE).advance()

    assert (list(advance.outputs), advance.positions) == ([], {LANE: Position(1)})


GARBAGE: list[bytes | None] = [
    b"\x93random\x00\xff\xfe bytes",
    event(2)[:-3],
    b"\xc3\x01" + b"12345678" + b"payload",
    b"",
    None,
    b"x" * 900_000,
    encode_header(frame_of([77], revision=9, source_partition=3)),
]


def test_garbage_gets_error_rows_and_dead_letters_and_its_neighbours_answers() -> None:
    values = [value for garbage in GARBAGE for value in (event(1), garbage)] + [event(1)]
    pile = piled(frame(REQUESTS, [stored(values, 200)]))
    driver = Driver(pile, worker(), LANE)

    driver.advance()
    driver.advance()

    rows = driver.rows()
    assert driver.sources() == list(range(200, 215))
    assert [row["outcome"] for row in rows] == ["answered", "failed"] * 7 + ["answered"]
    assert {row["error_kind"] for row in rows if row["outcome"] == "failed"} == {"undecodable"}
    letters = driver.out.records(TOPICS.dead_letters, 3)
    assert [letter.value for letter in letters] == GARBAGE
    assert [dict(letter.headers)["__connect.errors.offset"] for letter in letters] == [
        str(offset).encode() for offset in range(201, 215, 2)
    ]
    assert [letter.key for letter in letters] == [f"k{offset}".encode() for offset in range(201, 215, 2)]


def test_null_keys_stay_null() -> None:
    pile = piled(frame(REQUESTS, [stored([event(1), b"garbage"], 0, keys=[None, None])]))
    driver = Driver(pile, worker(), LANE)

    driver.advance()

    assert [record.key for record in driver.out.records(TOPICS.predictions, 3)] == [None, None]
    assert [record.key for record in driver.out.records(TOPICS.dead_letters, 3)] == [None]


def test_records_of_a_batch_that_cannot_be_read_each_get_an_error_row() -> None:
    good = stored([b"a" * 100, b"b" * 100], 1, codec=Codec.GZIP)
    pile = piled(frame(REQUESTS, [events([1], 0), sealed(good.header, b"no gzip"), events([2], 3)]))
    driver = Driver(pile, worker(), LANE)

    driver.advance()

    assert [(row["source_offset"], row["outcome"]) for row in driver.rows()] == [
        (0, "answered"),
        (1, "failed"),
        (2, "failed"),
        (3, "answered"),
    ]


def test_both_lanes_answer_to_their_own_topics() -> None:
    pile = piled(frame(REQUESTS, [events([1, 2], 0)]), frame(SHADOW_REQUESTS, [events([1, 2, 3], 40)], revision=2))
    driver = Driver(pile, worker(), LANE, SHADOW_LANE)

    driver.advance()

    assert driver.sources() == [0, 1]
    assert driver.sources(TOPICS.shadow_predictions) == [40, 41, 42]
    assert {(row["lane"], row["revision"]) for row in driver.rows(TOPICS.shadow_predictions)} == {("shadow", 2)}


def test_the_shadow_lane_is_paused_and_untouched_while_requests_wait() -> None:
    pile = piled(frame(REQUESTS, [events(range(100), 0)]), frame(SHADOW_REQUESTS, [events(range(5), 0)]))
    driver = Driver(pile, worker(), LANE, SHADOW_LANE)

    first = driver.advance()

    assert SHADOW_LANE in first.paused
    assert driver.sources(TOPICS.shadow_predictions) == []
    driver.advance()
    last = driver.advance()
    assert driver.sources() == list(range(100))
    assert driver.sources(TOPICS.shadow_predictions) == list(range(5))
    assert last.paused == frozenset()


def test_a_poll_full_of_requests_pauses_the_shadow_lane_for_the_next() -> None:
    pile = piled(frame(REQUESTS, [events(range(10), 0)]))
    driver = Driver(pile, worker(), LANE, SHADOW_LANE)

    full, idle = driver.advance(), driver.advance()

    assert (full.paused, full.wake_s) == (frozenset({SHADOW_LANE}), 0.0)
    assert (idle.paused, idle.wake_s) == (frozenset(), None)


def test_beside_a_trickle_of_requests_the_shadow_lane_gets_one_micro_batch_at_a_time() -> None:
    pile = piled(frame(SHADOW_REQUESTS, [events(range(30), 0)]), frame(REQUESTS, [events([1], 0)]))
    driver = Driver(pile, worker(), LANE, SHADOW_LANE)

    driver.advance()

    assert driver.sources(TOPICS.shadow_predictions) == list(range(10))


class Registry:
    """A decoder whose schemas can be had, or not."""

    def __init__(self) -> None:
        self.out = False

    def decode(self, value: bytes | None) -> dict[str, object]:
        if self.out:
            raise SchemaUnavailable("http://registry does not answer")
        return decoder().decode(value)


def test_an_outage_of_the_registry_waits_and_loses_nothing() -> None:
    registry = Registry()
    registry.out = True
    pile = piled(frame(REQUESTS, [events(range(5), 0)]))
    driver = Driver(pile, worker(reader=InputDecoder(registry.decode)), LANE, SHADOW_LANE)

    first = driver.advance(100.0)

    assert (list(first.outputs), first.positions) == ([], {})
    assert (first.paused, first.wake_s) == (frozenset({LANE, SHADOW_LANE}), 0.5)
    assert driver.step.waits_for == "http://registry does not answer"
    waits = []
    now_s = 100.5
    for _ in range(7):
        waits.append(wait_s := driver.advance(now_s).wake_s or 0.0)
        now_s += wait_s
    assert waits == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]

    registry.out = False
    assert driver.advance(now_s - 1.0).positions == {}
    done = driver.advance(now_s)
    assert driver.sources() == list(range(5))
    assert (done.paused, done.wake_s) == (frozenset(), None)
    assert driver.step.waits_for == ""
    assert driver.out.partitions(TOPICS.dead_letters) == []


def test_what_an_earlier_instance_had_in_hand_is_scored_with_care_in_every_partition_and_lane() -> None:
    pile = piled(
        frame(REQUESTS, [events(range(60), 0)]),
        frame(REQUESTS, [events(range(10), 0)], partition=1),
        frame(SHADOW_REQUESTS, [events(range(60), 0)]),
    )
    plain, careful = Doubling(), Doubling()
    driver = Driver(pile, worker(plain, cautious=careful), LANE, lane(REQUESTS, 1), SHADOW_LANE)

    for _ in range(20):
        driver.advance()

    assert (sum(careful.asked), sum(plain.asked)) == (40 + 10 + 40, 20 + 20)
    driver.assign(driver.step)
    assert driver.sources() == driver.sources(TOPICS.shadow_predictions) == list(range(60))


PRODUCTION = "flights:v2"


def test_production_answers_what_was_routed_to_a_withdrawn_version() -> None:
    pile = piled(frame(REQUESTS, [events(range(19), 0), stored([b"garbage"], 19)]) + end(REQUESTS, 20))
    driver = Driver(pile, worker(answered_by=PRODUCTION), LANE, SHADOW_LANE)

    driver.advance()

    assert driver.sources() == list(range(20))
    assert {(row["routed_version"], row["answered_version"]) for row in driver.rows()} == {(VERSION, PRODUCTION)}
    assert [row["number"] for row in driver.rows()][:19] == [2.0 * x for x in range(19)]
    assert driver.rows()[19]["error_kind"] == "undecodable"
    [letter] = driver.out.records(TOPICS.dead_letters, 3)
    assert dict(letter.headers)["__connect.errors.connector.name"] == PRODUCTION.encode()
    assert driver.committed[LANE] == Position(22)


def test_the_shadow_lane_of_a_withdrawn_version_is_accounted_for_without_being_scored() -> None:
    model = Doubling()
    pile = piled(
        frame(SHADOW_REQUESTS, [events(range(30), 100)], revision=4) + end(SHADOW_REQUESTS, 130),
        frame(SHADOW_REQUESTS, [events(range(5), 0)], source=[200, 201, 203, 204, 207], revision=5),
    )
    driver = Driver(pile, worker(model, answered_by=PRODUCTION), LANE, SHADOW_LANE)

    driver.advance()

    rows = driver.rows(TOPICS.shadow_predictions)
    assert model.asked == []
    assert [(row["outcome"], row["revision"], row["source_offset"], row["span"]) for row in rows] == [
        ("withdrawn", 4, 100, 30),
        ("withdrawn", 5, 200, 2),
        ("withdrawn", 5, 203, 2),
        ("withdrawn", 5, 207, 1),
    ]
    assert {(row["routed_version"], row["answered_version"]) for row in rows} == {(VERSION, VERSION)}
    assert rows[0]["event_time"] == 1_700_000_000_000
    assert driver.committed[SHADOW_LANE].offset == pile.batches(SHADOW_REQUESTS, 3)[-1].next_offset


@pytest.mark.parametrize("topic", [REQUESTS, SHADOW_REQUESTS])
def test_a_frame_that_was_half_done_when_its_version_was_withdrawn_goes_on_where_it_stood(topic: str) -> None:
    pile = piled(frame(topic, [events(range(60), 0)]))
    driver = Driver(pile, worker(), LANE, SHADOW_LANE)
    driver.advance()
    assert driver.committed[lane(topic)] == Position(0, '{"done":40}')

    driver.assign(worker(answered_by=PRODUCTION))
    driver.advance()

    rows = driver.rows(TOPICS.predictions if topic == REQUESTS else TOPICS.shadow_predictions)
    told = [offset for row in rows for offset in range(row["source_offset"], row["source_offset"] + row["span"])]
    assert told == list(range(60))
    assert driver.committed[lane(topic)] == Position(61)
