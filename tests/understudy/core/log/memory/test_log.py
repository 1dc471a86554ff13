"""The whole memory log: exactly once under faults, and what its owner may do behind everybody's back."""

from __future__ import annotations

import random
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, batch, begin_at, seen, values_of
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import NewTopic, Output, Position, SessionSpec
from understudy.core.log.errors import OutputTooLarge, UnknownTopic
from understudy.core.log.memory import Faults, MemoryLog
from understudy.core.log.reading import read_to_end
from understudy.core.run import Advance, run

if TYPE_CHECKING:
    from understudy.core.log.contract import Polled
    from understudy.core.log.memory import Fate

PARTITIONS = 3
RECORDS = 40
SLOTS = ("a", "b", "c")
CHANCES: dict[Fate, float] = {"lost before": 0.1, "lost after": 0.1, "evicted": 0.1}


@pytest.mark.parametrize("seed", range(12))
def test_each_record_is_copied_once_and_in_order_whatever_goes_wrong(seed: int) -> None:
    harness = MemoryHarness(Faults(seed, CHANCES, marker_delay_s=0.5))
    fortune = random.Random(seed)
    harness.create_topic("input", PARTITIONS)
    for topic in ("left", "right"):
        harness.create_topic(topic, PARTITIONS)
    begin_at(harness, "group", {at("input", number): Position(0) for number in range(PARTITIONS)})
    drivers = {slot: Driver(harness, ["input"], slot, session_timeout_s=2.0) for slot in SLOTS}

    for i in range(RECORDS):
        for number in range(PARTITIONS):
            harness.append("input", number, batch(f"{i:02}"))
        slot = fortune.choice(SLOTS)
        disturb(harness, drivers, slot, fortune)
        step(drivers[fortune.choice(SLOTS)])
    harness.wait_until(lambda: settled(drivers) and copied(harness), 600.0, "all records")

    wanted = [f"{i:02}" for i in range(RECORDS)]
    for topic in ("left", "right"):
        assert [seen(harness, topic, number) for number in range(PARTITIONS)] == [wanted] * PARTITIONS


def disturb(harness: MemoryHarness, drivers: dict[str, Driver], slot: str, fortune: random.Random) -> None:
    """Now and then kill a session, close it, or let it stand still; a restart follows where it ended."""
    session = drivers[slot].session
    match fortune.randrange(12):
        case 0:
            harness.kill(session)
        case 1:
            session.close()
        case 2:
            harness.stall(session, 3.0)
            return
        case _:
            return
    drivers[slot] = Driver(harness, ["input"], slot, session_timeout_s=2.0)


def step(driver: Driver) -> None:
    driver.poll()
    driver.commit([*driver.copies("left"), *driver.copies("right")])


def settled(drivers: dict[str, Driver]) -> bool:
    for driver in drivers.values():
        step(driver)
    return True


def copied(harness: MemoryHarness) -> bool:
    return all(
        len(seen(harness, topic, number)) >= RECORDS for topic in ("left", "right") for number in range(PARTITIONS)
    )


class Copy:
    """Copies every batch."""

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target

    def advance(self, polled: Polled, now_s: float) -> Advance:
        del now_s
        return Advance(
            [
                Output(self._target, partition.partition, each)
                for partition, batches in polled.batches.items()
                for each in batches
            ],
            {partition: Position(batches[-1].next_offset) for partition, batches in polled.batches.items()},
        )


def test_roles_run_as_threads_in_real_time() -> None:
    log, stop = MemoryLog(), threading.Event()
    with log.admin() as admin:
        admin.create([NewTopic(name, PARTITIONS) for name in ("first", "second", "third")])
        for name in ("first", "second"):
            admin.set_positions(f"after-{name}", {at(name, number): Position(0) for number in range(PARTITIONS)})

    def role(source: str, target: str, slot: str) -> None:
        with log.session(SessionSpec(f"after-{source}", (source,), slot)) as session:
            run(session, Copy(source, target), stopped=stop.is_set, interval_s=0.0, idle_s=0.05)

    hops = list(pairwise(("first", "second", "third")))
    threads = [
        threading.Thread(target=role, args=(source, target, f"{source}.{slot}"))
        for source, target in hops
        for slot in SLOTS
    ]
    for thread in threads:
        thread.start()
    for i in range(RECORDS):
        for number in range(PARTITIONS):
            log.append(at("first", number), batch(f"{i:02}"))
    found = wait_for_copies(log, RECORDS * PARTITIONS)
    stop.set()
    for thread in threads:
        thread.join(30.0)

    assert found == {at("third", number): [f"{i:02}" for i in range(RECORDS)] for number in range(PARTITIONS)}


def wait_for_copies(log: MemoryLog, count: int) -> dict[object, list[str]]:
    """What arrives in the last topic."""
    found: dict[object, list[str]] = {}
    with log.reader({at("third", number): 0 for number in range(PARTITIONS)}) as reader:
        for _ in range(10 * count):
            for partition, batches in reader.poll(1.0).items():
                found.setdefault(partition, []).extend(values_of(batches))
            if sum(map(len, found.values())) >= count:
                break
    return found


def test_an_ordinary_producers_batches_are_as_a_broker_stores_them() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")

    assert [harness.log.append(at("one"), batch(value, value)) for value in "ab"] == [0, 2]

    stored = [each for _, each in read_to_end(harness.log, "one", clock=harness.clock.now_s)]
    assert [each.base_offset for each in stored] == [0, 2]
    assert not any(each.is_transactional for each in stored)


def test_an_ordinary_producer_is_refused_what_a_broker_refuses() -> None:
    harness = MemoryHarness()
    harness.create_topic("one", config={"max.message.bytes": "100"})

    with pytest.raises(OutputTooLarge):
        harness.log.append(at("one"), batch("x" * 100))
    with pytest.raises(UnknownTopic, match="nowhere"):
        harness.log.append(at("nowhere"), batch("a"))
    with pytest.raises(UnknownTopic, match="partition 1"):
        harness.log.append(at("one", 1), batch("a"))


def test_records_can_be_deleted_as_by_retention() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    harness.append("one", 0, batch("a"), batch("b"))

    harness.log.delete_records(at("one"), 1)

    assert [values_of([each]) for _, each in read_to_end(harness.log, "one", clock=harness.clock.now_s)] == [["b"]]
