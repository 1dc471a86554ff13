from __future__ import annotations

import pytest
from support.driving import at
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import NewTopic, Position, SessionSpec
from understudy.core.log.errors import GroupIsLive, TopicExists, UnknownTopic


def test_topics_before_a_refused_one_are_made() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")

    with harness.log.admin() as admin:
        with pytest.raises(TopicExists, match="one"):
            admin.create([NewTopic("zero", 1), NewTopic("one", 1), NewTopic("two", 1)])
        assert admin.describe(["zero", "one", "two"]).keys() == {"zero", "one"}


def test_positions_in_an_unknown_topic_cannot_be_set() -> None:
    harness = MemoryHarness()

    with harness.log.admin() as admin:
        with pytest.raises(UnknownTopic, match="nowhere"):
            admin.set_positions("group", {at("nowhere"): Position(0)})
        assert admin.positions("group") == {}


def test_a_refusal_names_the_members_to_be_stopped() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    harness.session(SessionSpec("group", ("one",), "group.b"))
    harness.session(SessionSpec("group", ("one",), "group.a"))

    with harness.log.admin() as admin, pytest.raises(GroupIsLive, match=r"group\.a, group\.b"):
        admin.set_positions("group", {at("one"): Position(0)})


def test_members_that_fell_silent_are_listed_until_they_time_out() -> None:
    harness = MemoryHarness()
    harness.create_topic("one")
    session = harness.session(SessionSpec("group", ("one",), "group.a", session_timeout_s=10.0))
    harness.kill(session)

    with harness.log.admin() as admin:
        harness.clock.advance(9.9)
        assert [member.slot for member in admin.members("group")] == ["group.a"]
        harness.clock.advance(0.1)
        assert list(admin.members("group")) == []
