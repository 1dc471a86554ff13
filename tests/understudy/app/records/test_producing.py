from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.small_endpoint import endpoint_settings, event

from understudy.app.provision import provision
from understudy.app.records.event_files import BadLine, Line
from understudy.app.records.partitioning import partition_of
from understudy.app.records.producing import Fields, Produced, produce
from understudy.app.wire_schemas import input_decoder
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from understudy.core.batches import Batch
    from understudy.core.settings import Settings

PARTITIONS = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return endpoint_settings(tmp_path)


@pytest.fixture
def log(settings: Settings) -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    return log


def lines(events: Iterable[object]) -> list[Line]:
    return [
        Line(number, each if isinstance(each, BadLine) else dict(each))  # type: ignore[call-overload] # events of tests
        for number, each in enumerate(events, start=1)
    ]


def stamped(number: int, when: object = 0) -> dict[str, Any]:
    """An event with a time beside the schema's fields."""
    return {**event(number), "when": when}


def written(log: MemoryLog, topic: str) -> dict[int, list[Batch]]:
    """The visible batches of each partition."""
    with log.admin() as admin:
        ends = admin.end_offsets([TopicPartition(topic, p) for p in range(PARTITIONS)])
    found: dict[int, list[Batch]] = {p: [] for p in range(PARTITIONS)}
    with log.reader(dict.fromkeys(ends, 0)) as reader:
        while any(reader.position(at) < end for at, end in ends.items()):
            for at, batches in reader.poll(1.0).items():
                found[at.partition].extend(batches)
    return found


def rows(settings: Settings, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    decode = input_decoder(settings).decode
    return [decode(value) for batch in batches for value in batch.columns.values]


def test_events_are_written_as_the_endpoint_reads_them(log: MemoryLog, settings: Settings) -> None:
    events = [event(number) for number in range(50)]

    done = produce(log, settings, lines(events), Fields(key="id", time="at"))

    assert done == Produced(50, {})
    found = written(log, settings.names.input)
    for partition, batches in found.items():
        expected = [each for each in events if partition_of(each["id"].encode(), PARTITIONS) == partition]
        assert rows(settings, batches) == expected
        assert [key for batch in batches for key in batch.columns.keys] == [each["id"].encode() for each in expected]
        assert [ms for batch in batches for ms in batch.columns.timestamps_ms] == [each["at"] for each in expected]
    assert sum(batch.count for batches in found.values() for batch in batches) == 50


def test_events_without_a_key_go_to_one_partition_a_transaction(log: MemoryLog, settings: Settings) -> None:
    produce(log, settings, lines(event(number) for number in range(5)), Fields())

    assert sorted(sum(batch.count for batch in batches) for batches in written(log, "sums.input").values()) == [0, 0, 5]


def test_what_is_no_event_is_left_out_and_named(log: MemoryLog, settings: Settings) -> None:
    done = produce(
        log,
        settings,
        lines([stamped(1), BadLine("it is not JSON"), {"id": "x", "when": 0}, stamped(2, "noon"), {"a": 1.0}]),
        Fields(key="id", time="when"),
    )

    assert done.events == 1
    assert done.bad_lines.keys() == {2, 3, 4, 5}
    assert done.bad_lines[2] == "it is not JSON"
    assert "its when is 'noon'" in done.bad_lines[4]
    assert "no field id, which is to be the key" in done.bad_lines[5]


def test_a_time_that_is_no_field_of_the_schema_may_be_iso_text(log: MemoryLog, settings: Settings) -> None:
    events = [stamped(0, "1970-01-01T00:00:01Z"), stamped(1, "1970-01-01T01:00:01.5+01:00"), stamped(2, "1970-01-01")]

    done = produce(log, settings, lines(events), Fields(time="when"))

    (batch,) = [batch for batches in written(log, "sums.input").values() for batch in batches]
    assert done.bad_lines == {}
    assert list(batch.columns.timestamps_ms) == [1_000, 1_500, 0]
    assert rows(settings, [batch]) == [event(0), event(1), event(2)]


def test_a_rate_spreads_events_over_time(log: MemoryLog, settings: Settings) -> None:
    now_s = 0.0

    def pause(wait_s: float) -> None:
        nonlocal now_s
        now_s += wait_s

    events = lines(event(number) for number in range(100))
    produce(log, settings, events, Fields(), rate_per_s=50, pause=pause, clock=lambda: now_s)

    assert now_s == pytest.approx(2.0)
    assert sum(batch.count for batches in written(log, "sums.input").values() for batch in batches) == 100


def test_a_missing_topic_is_named(settings: Settings) -> None:
    with pytest.raises(UnknownTopic, match=r"sums\.input does not exist: run understudy topics"):
        produce(MemoryLog(), settings, [], Fields())


@pytest.mark.parametrize(("encoding", "first"), [("bare", b"\x0eevent-1"), ("single-object", b"\xc3\x01")])
def test_encodings(tmp_path: Path, encoding: str, first: bytes) -> None:
    settings = endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", "encoding": encoding})
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)

    produce(log, settings, lines([event(1)]), Fields())

    (batch,) = [batch for batches in written(log, "sums.input").values() for batch in batches]
    assert (batch.columns.values[0] or b"").startswith(first)


def test_the_confluent_encoding_needs_a_registry_to_write(log: MemoryLog, tmp_path: Path) -> None:
    settings = endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", "encoding": "confluent"})

    with pytest.raises(SettingsError, match=r"\[schema_registry\] url is missing"):
        produce(log, settings, [], Fields())
