from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until

from understudy.app.demo import scenery
from understudy.app.demo.replay import Replay
from understudy.app.provision import provision
from understudy.app.wire_schemas import input_decoder
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.core.batches import Batch
    from understudy.core.settings import Settings

PATIENCE_S = 60.0
AS_FAST_AS_IT_GOES = 1e9


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return scenery.furnish(tmp_path, "flights", None)


@pytest.fixture
def log(settings: Settings) -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    return log


def written(log: MemoryLog, settings: Settings) -> list[Batch]:
    start = {TopicPartition(settings.names.input, p): 0 for p in range(scenery.PARTITIONS)}
    with log.reader(start) as reader:
        polls = [reader.poll(0.0) for _ in range(50)]
    return [batch for polled in polls for batches in polled.values() for batch in batches]


def test_flights_are_written_as_a_users_producer_would_write_them(log: MemoryLog, settings: Settings) -> None:
    flights = list(islice(scenery.flights(), 200))
    told: list[tuple[str, float]] = []
    replay = Replay(
        log, settings, flights, AS_FAST_AS_IT_GOES, lambda flight, now_s: told.append((flight.event["event_id"], now_s))
    )

    replay.start()
    until(lambda: sum(batch.count for batch in written(log, settings)) == 200, PATIENCE_S, "the end of the replay")
    replay.check()

    decoder = input_decoder(settings)
    found = {}
    for batch in written(log, settings):
        columns = batch.columns
        for key, value, timestamp_ms in zip(columns.keys, columns.values, columns.timestamps_ms, strict=True):
            event = decoder.decode(value)
            found[event["event_id"]] = (key, event, timestamp_ms)
    expected = {flight.event["event_id"]: (flight.key, flight.event, flight.timestamp_ms) for flight in flights}
    assert found == expected
    assert [event_id for event_id, _ in told] == list(expected)
    assert [now_s for _, now_s in told] == sorted(now_s for _, now_s in told)


def test_it_can_be_stopped_in_the_middle(log: MemoryLog, settings: Settings) -> None:
    begun = threading.Event()
    replay = Replay(log, settings, scenery.flights(), 10.0, lambda *_: begun.set())
    replay.start()
    assert begun.wait(PATIENCE_S)

    replay.stop()

    replay.check()
    assert sum(batch.count for batch in written(log, settings)) < 1_000


def test_stopping_what_never_began_does_nothing(log: MemoryLog, settings: Settings) -> None:
    replay = Replay(log, settings, (), 10.0, lambda *_: None)

    replay.stop()

    replay.check()


def test_what_stops_the_writing_is_raised_to_who_asks(settings: Settings) -> None:
    replay = Replay(MemoryLog(), settings, islice(scenery.flights(), 1), 10.0, lambda *_: None)
    replay.start()
    replay.stop()

    with pytest.raises(UnknownTopic, match=r"flights\.input does not exist"):
        replay.check()
