from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka import errors
from support.driving import Driver, at, begin_at

from understudy.core.log.contract import Position
from understudy.core.log.kafka.groups import GroupView, assignment_of, describe_group, remove_member

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness


def test_a_member_without_an_assignment_has_nothing() -> None:
    assert assignment_of(b"") == frozenset()


@pytest.mark.kafka
def test_a_group_is_seen_with_its_members_and_what_they_have(kafka: KafkaHarness) -> None:
    topic, group = kafka.create_topic("topic", 2), kafka.name("group")
    begin_at(kafka, "group", {at(topic, 0): Position(0), at(topic, 1): Position(0)})
    assert not describe_group(kafka._client, group).members
    assert describe_group(kafka._client, kafka.name("stranger")) == GroupView(is_stable=True, members=())
    Driver(kafka, [topic], "a").until_owns(at(topic, 0), at(topic, 1))
    view = describe_group(kafka._client, group)
    assert view.is_stable
    assert [member.slot for member in view.members] == [kafka.name("group.a")]
    assert view.assigned() == {at(topic, 0), at(topic, 1)}


@pytest.mark.kafka
def test_only_the_member_that_is_meant_is_removed(kafka: KafkaHarness) -> None:
    topic, group = kafka.create_topic("topic"), kafka.name("group")
    begin_at(kafka, "group", {at(topic): Position(0)})
    Driver(kafka, [topic], "a").until_owns(at(topic))
    with pytest.raises(errors.FencedInstanceIdError):
        remove_member(kafka._client, group, kafka.name("group.a"), "another-member")
    assert describe_group(kafka._client, group).members
    remove_member(kafka._client, group, kafka.name("group.a"))
    assert not describe_group(kafka._client, group).members
