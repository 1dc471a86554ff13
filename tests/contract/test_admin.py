"""The administration of topics, offsets and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import CREATED_MS, Driver, at, batch, begin_at

from understudy.core.log.contract import GroupMember, NewTopic, Output, Position
from understudy.core.log.errors import GroupIsLive, NoteTooLong, TopicExists, UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.harness import LogHarness

    from understudy.core.log.contract import Admin


@pytest.fixture
def admin(harness: LogHarness) -> Iterator[Admin]:
    with harness.log.admin() as admin:
        yield admin


def test_a_created_topic_is_described_and_can_be_written_at_once(harness: LogHarness, admin: Admin) -> None:
    name = harness.name("made")
    admin.create([NewTopic(name, 3, config={"message.timestamp.type": "LogAppendTime", "max.message.bytes": "2000"})])
    for partition in range(3):
        harness.append(name, partition, batch("a0"))

    described = admin.describe([name, harness.name("nowhere")])

    assert described.keys() == {name}
    assert (described[name].name, described[name].partitions) == (name, 3)
    assert described[name].config["message.timestamp.type"] == "LogAppendTime"
    assert described[name].config["max.message.bytes"] == "2000"


def test_a_topic_is_not_created_twice(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", 2)

    with pytest.raises(TopicExists, match=topic):
        admin.create([NewTopic(topic, 4)])

    assert admin.describe([topic])[topic].partitions == 2


def test_a_topic_made_again_has_another_id(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")
    before = admin.describe([topic])[topic].topic_id
    assert admin.describe([topic])[topic].topic_id == before

    harness.recreate_topic(topic)

    assert admin.describe([topic])[topic].topic_id != before


def test_a_grown_topic_can_be_written_in_its_new_partitions(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", 1)
    harness.append(topic, 0, batch("a0"))

    admin.grow(topic, 3)
    harness.append(topic, 2, batch("c0"))

    assert admin.describe([topic])[topic].partitions == 3
    assert admin.end_offsets([at(topic, i) for i in range(3)]) == {at(topic, 0): 1, at(topic, 1): 0, at(topic, 2): 1}


def test_an_unknown_topic_cannot_grow(harness: LogHarness, admin: Admin) -> None:
    with pytest.raises(UnknownTopic, match="nowhere"):
        admin.grow(harness.name("nowhere"), 3)


def test_a_deleted_topic_is_gone(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")

    admin.delete([topic])

    harness.wait_until(lambda: not admin.describe([topic]), 15.0, "the topic gone")


def test_offsets_of_an_empty_and_of_a_trimmed_partition(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", 2)
    harness.append(topic, 1, batch("b0"), batch("b1"), batch("b2"))
    harness.delete_records(topic, 1, 2)

    assert admin.start_offsets([at(topic, 0), at(topic, 1)]) == {at(topic, 0): 0, at(topic, 1): 2}
    assert admin.end_offsets([at(topic, 0), at(topic, 1)]) == {at(topic, 0): 0, at(topic, 1): 3}


def test_the_end_lies_behind_open_transactions_and_markers(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")
    transaction = harness.open_transaction([Output(topic, 0, batch("a0", "a1"))])
    assert admin.end_offsets([at(topic)]) == {at(topic): 2}

    transaction.end(commit=True)

    assert admin.end_offsets([at(topic)]) == {at(topic): 3}


def test_offsets_of_an_unknown_topic_are_an_error(harness: LogHarness, admin: Admin) -> None:
    nowhere = at(harness.name("nowhere"))

    with pytest.raises(UnknownTopic, match="nowhere"):
        admin.end_offsets([nowhere])
    with pytest.raises(UnknownTopic, match="nowhere"):
        admin.start_offsets([nowhere])
    with pytest.raises(UnknownTopic, match="nowhere"):
        admin.offsets_at([nowhere], 0)


def test_offsets_at_a_time_are_the_first_at_or_after_it(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")
    harness.append(topic, 0, batch("a0", "a1"), batch("a2", "a3", created_ms=CREATED_MS + 100))

    def offset_at(timestamp_ms: int) -> int:
        return admin.offsets_at([at(topic)], timestamp_ms)[at(topic)]

    assert [offset_at(CREATED_MS + after_ms) for after_ms in (-5, 0, 1, 2, 100, 101, 102)] == [0, 0, 1, 2, 2, 3, 4]


def test_offsets_at_a_time_go_by_the_append_time_where_the_topic_has_it(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", config={"message.timestamp.type": "LogAppendTime"})
    before_ms = harness.now_ms() - 1_000
    harness.append(topic, 0, batch("a0", "a1"))

    assert admin.offsets_at([at(topic)], before_ms) == {at(topic): 0}
    assert admin.offsets_at([at(topic)], harness.now_ms() + 60_000) == {at(topic): 2}


def test_positions_that_were_set_are_the_groups(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", 2)
    group = harness.name("group")
    assert admin.positions(group) == {}

    admin.set_positions(group, {at(topic, 0): Position(3, "a note")})
    admin.set_positions(group, {at(topic, 1): Position(4), at(topic, 0): Position(5)})

    assert admin.positions(group) == {at(topic, 0): Position(5), at(topic, 1): Position(4)}


def test_a_note_that_is_too_long_cannot_be_set(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")

    with pytest.raises(NoteTooLong):
        admin.set_positions(harness.name("group"), {at(topic): Position(0, "x" * 4_001)})

    assert admin.positions(harness.name("group")) == {}


def test_positions_of_a_live_group_cannot_be_set(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made")
    begin_at(harness, "group", {at(topic): Position(0)})
    driver = Driver(harness, [topic])
    driver.until_owns(at(topic))

    with pytest.raises(GroupIsLive, match=harness.name("group")):
        admin.set_positions(harness.name("group"), {at(topic): Position(7)})
    assert admin.positions(harness.name("group")) == {at(topic): Position(0)}

    driver.session.close()
    admin.set_positions(harness.name("group"), {at(topic): Position(7)})
    assert admin.positions(harness.name("group")) == {at(topic): Position(7)}


def test_members_are_listed_with_what_they_own(harness: LogHarness, admin: Admin) -> None:
    topic = harness.create_topic("made", 2)
    begin_at(harness, "group", {at(topic, 0): Position(0), at(topic, 1): Position(0)})
    assert list(admin.members(harness.name("group"))) == []
    driver = Driver(harness, [topic])
    driver.until_owns(at(topic, 0), at(topic, 1))

    assert list(admin.members(harness.name("group"))) == [
        GroupMember(harness.name("group.a"), frozenset({at(topic, 0), at(topic, 1)}))
    ]

    driver.session.close()
    assert list(admin.members(harness.name("group"))) == []
