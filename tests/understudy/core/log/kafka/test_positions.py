from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, begin_at

from understudy.core.log.contract import MAX_NOTE_BYTES, Position
from understudy.core.log.errors import GroupIsLive, NoteTooLong
from understudy.core.log.kafka.positions import check_notes, commit_positions, committed_positions

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness


def test_a_note_is_measured_in_bytes() -> None:
    check_notes({at("topic"): Position(0, "x" * MAX_NOTE_BYTES)})
    with pytest.raises(NoteTooLong, match=r"topic\[1\] has 4,001 bytes"):
        check_notes({at("topic"): Position(0), at("topic", 1): Position(0, "é" * 2_000 + "x")})


@pytest.mark.kafka
def test_positions_come_back_with_their_notes(kafka: KafkaHarness) -> None:
    topic, group = kafka.create_topic("topic", 2), kafka.name("group")
    positions = {at(topic, 0): Position(7, "x" * MAX_NOTE_BYTES), at(topic, 1): Position(0)}
    kafka._client.retry(lambda: commit_positions(kafka._client, group, positions), time.monotonic() + 10)
    assert committed_positions(kafka._client, group) == positions
    assert committed_positions(kafka._client, group, [at(topic, 1), at(topic, 5)]) == {at(topic, 1): Position(0)}
    assert committed_positions(kafka._client, kafka.name("stranger")) == {}


@pytest.mark.kafka
def test_a_live_group_refuses_positions_from_outside(kafka: KafkaHarness) -> None:
    topic = kafka.create_topic("topic")
    begin_at(kafka, "group", {at(topic): Position(0)})
    Driver(kafka, [topic]).until_owns(at(topic))
    with pytest.raises(GroupIsLive, match="Stop them first"):
        commit_positions(kafka._client, kafka.name("group"), {at(topic): Position(1)})
