from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from support.lanes import TOPICS, VERSION, Doubling, decoder, encoders, event
from support.pile import stored

from schemas.encodings import RowDecoder, RowEncoder
from understudy.app.reclaiming.lost import LostLanes
from understudy.app.roles.probes import Health
from understudy.core.batches import build_columns
from understudy.core.log.contract import NewTopic, Output, TopicPartition
from understudy.core.log.errors import CorruptBatch, LogUnavailable
from understudy.core.log.memory import MemoryLog
from understudy.core.log.reading import read_to_end
from workers.answering import Answering
from workers.dead_letters import DeadLetters
from workers.rows import PredictionRows
from workers.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Admin, Log, Reader, Writer
    from understudy.models.scoring import Scored

PRODUCTION = "flights:v2"
RECORDS = 2_500
INPUT = TopicPartition(TOPICS.input, 0)


def route(first: int, count: int, role: str = "answering") -> bytes:
    return RowEncoder.of("avro", "route").encode(
        {
            "kind": "frame",
            "role": role,
            "version": VERSION,
            "revision": 4,
            "source_partition": 0,
            "base_offset": first,
            "span": count,
            "count": count,
            "share_ppm": 50_000,
        }
    )


@pytest.fixture
def log() -> MemoryLog:
    """An input of 2,500 records, all of which a version was sent whose lanes are gone."""
    log = MemoryLog()
    topics = (TOPICS.input, TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions, TOPICS.dead_letters)
    with log.admin() as admin:
        admin.create([NewTopic(topic, 1) for topic in topics])
    for first in range(0, RECORDS, 100):
        log.append(INPUT, stored([event(offset) for offset in range(first, first + 100)], 0))
    routes = [route(first, 500) for first in range(0, RECORDS, 500)] + [route(0, 40, "shadow")]
    none: list[bytes | None] = [None] * len(routes)
    log.append(TopicPartition(TOPICS.routes, 0), build_columns(none, routes, [1_000] * len(routes)))
    return log


def lost(log: Log) -> LostLanes:
    rows, letters = PredictionRows(VERSION, encoders(), answered_by=PRODUCTION), DeadLetters(PRODUCTION)
    return LostLanes(
        log,
        TOPICS,
        VERSION,
        RowDecoder.of("avro", "prediction"),
        Answering(decoder(), Doubling()),
        lambda: Sending(TOPICS, rows, letters),
        look_again_s=0.05,
    )


def rows(log: Log, topic: str = TOPICS.predictions) -> list[dict[str, Any]]:
    decode = RowDecoder.of("avro", "prediction").decode
    return [dict(decode(value)) for _, batch in read_to_end(log, topic) for value in batch.columns.values]


def answered(log: Log) -> list[int]:
    return [row["source_offset"] for row in rows(log)]


def test_everything_that_was_routed_is_settled(log: MemoryLog) -> None:
    assert lost(log).settle(threading.Event())

    assert answered(log) == list(range(RECORDS))
    assert {(row["routed_version"], row["answered_version"], row["outcome"]) for row in rows(log)} == {
        (VERSION, PRODUCTION, "answered")
    }
    [withdrawn] = rows(log, TOPICS.shadow_predictions)
    assert (withdrawn["outcome"], withdrawn["source_offset"], withdrawn["span"]) == ("withdrawn", 0, 40)
    assert lost(log).debts() == []


def test_what_the_input_has_lost_is_told(log: MemoryLog) -> None:
    log.delete_records(INPUT, 300)

    assert lost(log).settle(threading.Event())

    told = {row["source_offset"]: row["error_kind"] for row in rows(log)}
    assert told == {offset: "expired" if offset < 300 else None for offset in range(RECORDS)}


def test_what_predictions_no_longer_hold_is_not_answered_again(log: MemoryLog) -> None:
    assert lost(log).settle(threading.Event())
    (first, *_) = [batch for _, batch in read_to_end(log, TOPICS.predictions)]
    log.delete_records(TopicPartition(TOPICS.predictions, 0), first.next_offset)
    routed = build_columns([None], [route(RECORDS, 100)], [1_000])
    log.append(TopicPartition(TOPICS.routes, 0), routed)
    log.append(INPUT, stored([event(offset) for offset in range(RECORDS, RECORDS + 100)], 0))
    kept = answered(log)

    assert lost(log).settle(threading.Event())

    assert 0 < len(kept) < RECORDS
    assert answered(log) == [*kept, *range(RECORDS, RECORDS + 100)]


def test_a_row_that_nobody_can_read_is_named_and_nothing_is_settled(log: MemoryLog) -> None:
    log.append(TopicPartition(TOPICS.predictions, 0), stored([b"a stranger's"], 0))

    with pytest.raises(CorruptBatch, match=r"delay.predictions\[0\] has no row of ours at offset 0"):
        lost(log).settle(threading.Event())


class Dying:
    """A log whose writers die after some transactions."""

    def __init__(self, log: MemoryLog, commits: int) -> None:
        self._log, self._commits = log, commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def writer(self, transactional_id: str) -> Writer:
        writer = self._log.writer(transactional_id)
        commit, left = writer.commit, [self._commits]

        def counted(outputs: Iterable[Output]) -> bool:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return commit(outputs)

        writer.commit = counted  # type: ignore[method-assign]  # a fault
        return writer


@pytest.mark.parametrize("commits", range(3))
def test_one_that_dies_after_any_transaction_is_followed_by_one_that_goes_on(log: MemoryLog, commits: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        lost(Dying(log, commits)).settle(threading.Event())
    assert len(answered(log)) < RECORDS

    assert lost(log).settle(threading.Event())

    assert answered(log) == list(range(RECORDS))


def test_transactions_whose_outcome_is_not_known_are_found_out_about(log: MemoryLog) -> None:
    log.faults.befall("lost after", "lost before", "commits", "lost after")

    assert lost(log).settle(threading.Event())

    assert sorted(answered(log)) == list(range(RECORDS))


class Slow:
    """A log on which every poll and every transaction takes 20 seconds."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.now_s = 0.0
        self.health = Health(stale_s=60.0, clock=lambda: self.now_s)
        self.unhealthy: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def passes(self) -> None:
        self.now_s += 20.0
        self.unhealthy.add(self.health.unhealthy())

    def reader(self, start: Mapping[TopicPartition, int]) -> Reader:
        reader = self._log.reader(start)
        poll = reader.poll

        def slow(timeout_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
            self.passes()
            return poll(timeout_s)

        reader.poll = slow  # type: ignore[method-assign]  # a fault
        return reader

    def writer(self, transactional_id: str) -> Writer:
        writer = self._log.writer(transactional_id)
        commit = writer.commit

        def slow(outputs: Iterable[Output]) -> bool:
            self.passes()
            return commit(outputs)

        writer.commit = slow  # type: ignore[method-assign]  # a fault
        return writer


def test_one_that_takes_long_is_healthy_as_long_as_it_comes_round(log: MemoryLog) -> None:
    slow = Slow(log)

    assert replace(lost(slow), tick=slow.health.tick).settle(threading.Event())

    assert slow.now_s > 120
    assert slow.unhealthy == {""}


def test_one_whose_model_is_slow_is_healthy_however_many_small_debts_a_transaction_settles(log: MemoryLog) -> None:
    frames = range(RECORDS, RECORDS + 100, 10)
    log.append(INPUT, stored([event(offset) for offset in range(RECORDS, RECORDS + 100)], 0))
    routes = [route(first, 10) for first in frames]
    none: list[bytes | None] = [None] * 10
    log.append(TopicPartition(TOPICS.routes, 0), build_columns(none, routes, [1_000] * 10))
    slow = Slow(log)
    answering = Answering(decoder(), SlowModel(slow))

    assert replace(lost(slow), tick=slow.health.tick, answering=answering).settle(threading.Event())

    assert slow.unhealthy == {""}


@dataclass
class SlowModel:
    """Takes 20 seconds for every call."""

    slow: Slow

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        self.slow.passes()
        return Doubling().score(rows)


class Unreachable:
    """A log that takes nobody out of a group."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def admin(self) -> Admin:
        admin = self._log.admin()

        def evict(group: str, slots: Iterable[str]) -> None:
            raise LogUnavailable(f"{group} cannot be reached, and {list(slots)} stay")

        admin.evict = evict  # type: ignore[method-assign]  # a fault
        return admin


def test_nothing_is_settled_while_members_of_the_group_cannot_be_taken_out(log: MemoryLog) -> None:
    with pytest.raises(LogUnavailable, match="cannot be reached"):
        lost(Unreachable(log)).settle(threading.Event())

    assert answered(log) == []


def test_several_at_once_answer_each_record_once(log: MemoryLog) -> None:
    done: list[bool] = []
    threads = [threading.Thread(target=lambda: done.append(lost(log).settle(threading.Event()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert done == [True] * 3
    assert sorted(answered(log)) == list(range(RECORDS))
    assert len(rows(log, TOPICS.shadow_predictions)) == 1


def test_one_that_is_told_to_stop_says_that_something_is_left(log: MemoryLog) -> None:
    stop = threading.Event()
    stop.set()

    assert not lost(log).settle(stop)
    assert answered(log) == []
