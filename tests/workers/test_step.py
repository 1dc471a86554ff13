from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import (
    REQUESTS,
    SHADOW_REQUESTS,
    TOPICS,
    VERSION,
    Doubling,
    decoder,
    encoders,
    end,
    event,
    events,
    frame,
    lane,
    row_of,
)
from support.pile import Pile, stored

from schemas.encodings import InputDecoder, SchemaUnavailable
from understudy.core.batches import Codec
from understudy.core.batches.build import sealed
from understudy.core.frames import encode_header, frame_of
from understudy.core.log.contract import Polled, Position, TopicPartition
from workers.events import EventFields
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from understudy.core.log.contract import Output
    from understudy.core.run import Advance
    from understudy.models.scoring import Scorer

SMALL = Pace(micro_batch_records=10, advance_records=40)
LANE = lane(REQUESTS)
SHADOW_LANE = lane(SHADOW_REQUESTS)


def worker(scorer: Scorer | None = None, *, pace: Pace = SMALL, reader: InputDecoder | None = None) -> WorkerStep:
    return WorkerStep(
        VERSION,
        TOPICS,
        reader or decoder(),
        scorer or Doubling(),
        encoders(),
        fields=EventFields(event_id="id", slices=("origin",)),
        pace=pace,
    )


class Driver:
    """Polls a pile for a step by hand: whole partitions at once, each batch once, and commits what comes back."""

    def __init__(self, pile: Pile, step: WorkerStep, *lanes: TopicPartition) -> None:
        self.pile = pile
        self.out = Pile()
        self.committed = dict.fromkeys(lanes, Position(0))
        self.assign(step)

    def assign(self, step: WorkerStep) -> None:
        """Begin again from the committed positions, as after a restart or a lost commit."""
        self.step = step
        self._new = True
        self._read = {at: position.offset for at, position in self.committed.items()}

    def advance(self, now_s: float = 0.0, *, lost: bool = False, paused: Collection[TopicPartition] = ()) -> Advance:
        batches = {}
        for at, offset in self._read.items():
            found = [] if at in paused else self.pile.batches(at.topic, at.partition, offset)
            if found:
                batches[at] = found
                self._read[at] = found[-1].next_offset
        advance = self.step.advance(Polled(batches, self.committed if self._new else {}), now_s)
        self._new = False
        if not lost:
            self.out.commit(advance.outputs)
            self.committed.update(advance.positions)
        return advance

    def rows(self, topic: str = TOPICS.predictions, partition: int = 3) -> list[dict[str, Any]]:
        return [row_of(record.value) for record in self.out.records(topic, partition)]

    def sources(self, topic: str = TOPICS.predictions, partition: int = 3) -> list[int]:
        return [row["source_offset"] for row in self.rows(topic, partition)]


def piled(*transactions: Sequence[Output]) -> Pile:
    pile = Pile()
    for outputs in transactions:
        pile.commit(outputs)
    return pile


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


def worker_outage(driver: Driver) -> str | None:
    return None if driver.step.outage is None else driver.step.outage.reason


def test_an_outage_of_the_registry_waits_and_loses_nothing() -> None:
    registry = Registry()
    registry.out = True
    pile = piled(frame(REQUESTS, [events(range(5), 0)]))
    driver = Driver(pile, worker(reader=InputDecoder(registry.decode)), LANE, SHADOW_LANE)

    first = driver.advance(100.0)

    assert (list(first.outputs), first.positions) == ([], {})
    assert (first.paused, first.wake_s) == (frozenset({LANE, SHADOW_LANE}), 0.5)
    assert worker_outage(driver) == "http://registry does not answer"
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
    assert worker_outage(driver) is None
    assert driver.out.partitions(TOPICS.dead_letters) == []
