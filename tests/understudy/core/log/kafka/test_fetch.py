from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition as KafkaTopicPartition
from support.driving import at, batch, values_of

from understudy.core.batches import control_batch, relocate
from understudy.core.log.errors import CorruptBatch
from understudy.core.log.kafka.fetch import (
    OutOfRange,
    WholeBatches,
    read_between,
    scan_response,
)

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

    from understudy.core.batches import Batch


def stored(*batches: Batch) -> bytes:
    """The bytes of a partition that holds the batches from offset 0 on."""
    data, offset = b"", 0
    for each in batches:
        data += relocate(each, offset).data
        offset += each.count
    return data


def test_the_seam_yields_whole_batches_and_where_to_go_on() -> None:
    drained: list[object] = []
    records = MemoryRecords(stored(batch("a", "b"), batch("c")))
    seam = WholeBatches(0, KafkaTopicPartition("topic", 0), records, on_drain=drained.append)
    assert seam
    assert [values_of([each]) for each in seam.take(1 << 31)] == [["a", "b"], ["c"]]
    assert (seam.next_fetch_offset, seam.records_read, seam.leader_epoch) == (3, 3, 0)
    assert not seam
    assert drained == [seam]


def test_the_seam_moves_over_aborted_records() -> None:
    aborted = [SimpleNamespace(first_offset=0, producer_id=-1)]
    seam = WholeBatches(0, KafkaTopicPartition("topic", 0), MemoryRecords(b""), aborted_transactions=aborted)
    assert list(seam.take()) == []
    assert seam.next_fetch_offset == 0


def test_the_seam_gives_the_leader_epoch_of_the_marker_behind_the_records() -> None:
    records = relocate(batch("a", "b"), 0, leader_epoch=4)
    marker = relocate(control_batch(commit=True, producer_id=1, producer_epoch=0, timestamp_ms=0), 2, leader_epoch=6)
    seam = WholeBatches(0, KafkaTopicPartition("topic", 0), MemoryRecords(records.data + marker.data))
    assert values_of(seam.take()) == ["a", "b"]
    assert (seam.next_fetch_offset, seam.leader_epoch) == (3, 6)


def test_a_corrupt_batch_is_named_with_partition_offset_and_the_way_back() -> None:
    data = bytearray(stored(batch("a")))
    data[-1] ^= 1
    with pytest.raises(CorruptBatch, match=r"topic\[3\], reading from offset 0: The checksum .* offset 0 .*restore"):
        scan_response(at("topic", 3), bytes(data), 0, None)


@pytest.mark.kafka
def test_a_span_is_read_from_its_beginning_up_to_its_end(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic", 2)
    kafka.append(topic, 0, batch("a", "b"), batch("c", "d"), batch("e"))
    spans = {at(topic, 0): (1, 3), at(topic, 1): (0, 0)}
    found = read_between(kafka._client, spans, 1 << 20, time.monotonic() + 10)
    assert values_of(found[at(topic, 0)]) == ["b", "c", "d"]
    assert found[at(topic, 1)] == []


@pytest.mark.kafka
def test_an_offset_that_is_not_held_is_named(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    with pytest.raises(OutOfRange, match=r"topic\[0\] does not hold offset 5"):
        read_between(kafka._client, {at(topic): (5, 9)}, 1 << 20, time.monotonic() + 10)
