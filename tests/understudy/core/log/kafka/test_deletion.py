from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, seen

from understudy.core.log.kafka.deletion import delete_records

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

    from understudy.core.log.kafka.client import Client

pytestmark = pytest.mark.kafka


def test_partitions_are_emptied_as_far_as_they_reach(kafka: KafkaHarness, client: Client) -> None:
    topic, other = kafka.create_topic("topic", 2), kafka.create_topic("other")
    for partition in (at(topic, 0), at(topic, 1), at(other)):
        kafka.append(*partition, batch("a", "b", "c"))
    delete_records(client, {at(topic, 0): 2, at(topic, 1): 100, at(other): 0})
    assert (seen(kafka, topic, 0), seen(kafka, topic, 1), seen(kafka, other)) == (["c"], [], ["a", "b", "c"])
