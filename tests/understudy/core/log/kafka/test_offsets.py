from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import CREATED_MS, at, batch

from understudy.core.log.kafka.offsets import EARLIEST, LATEST, held_range, list_offsets

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_first_end_and_time_of_several_partitions(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic", 2)
    kafka.append(topic, 0, batch("a", "b", "c"))
    kafka.delete_records(topic, 0, 1)
    both = [at(topic, 0), at(topic, 1)]
    assert list_offsets(kafka._client, both, EARLIEST) == {at(topic, 0): 1, at(topic, 1): 0}
    assert list_offsets(kafka._client, both, LATEST) == {at(topic, 0): 3, at(topic, 1): 0}
    assert list_offsets(kafka._client, both, CREATED_MS + 2) == {at(topic, 0): 2, at(topic, 1): None}
    assert held_range(kafka._client, at(topic)) == (1, 3)
