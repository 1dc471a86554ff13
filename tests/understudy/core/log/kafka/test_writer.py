from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import batch, seen

from understudy.core.log.contract import Output
from understudy.core.log.errors import Fenced, UnknownTopic

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_a_writer_goes_on_after_an_error(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    with kafka.log.writer(kafka.name("writer")) as writer:
        kafka.wait_until(lambda: writer.commit([Output(topic, 0, batch("first"))]), 20.0, "a commit")
        with pytest.raises(UnknownTopic, match="nowhere"):
            writer.commit([Output(topic, 0, batch("lost")), Output(kafka.name("nowhere"), 0, batch("x"))])
        kafka.wait_until(lambda: writer.commit([Output(topic, 0, batch("second"))]), 20.0, "a commit")
        assert writer.commit([])
    assert seen(kafka, topic) == ["first", "second"]


def test_the_next_writer_of_an_id_fences_the_one_before(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    with kafka.log.writer(kafka.name("writer")) as older, kafka.log.writer(kafka.name("writer")) as newer:
        kafka.wait_until(lambda: older.commit([Output(topic, 0, batch("a"))]), 20.0, "a commit")
        kafka.wait_until(lambda: newer.commit([Output(topic, 0, batch("b"))]), 20.0, "a commit")
        assert not older.commit([Output(topic, 0, batch("zombie"))])
        with pytest.raises(Fenced):
            older.commit([Output(topic, 0, batch("zombie"))])
    assert seen(kafka, topic) == ["a", "b"]
