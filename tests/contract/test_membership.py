"""Who serves which partition, and what happens when that changes."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, batch, begin_at, position_of, seen
from support.harness import Killed, crash_at

from understudy.core.log.contract import Position
from understudy.core.log.errors import Fenced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.harness import LogHarness

    from understudy.core.log.contract import Admin

PARTITIONS = 4
HANDOVER_MS = 8_000
"""For the rebalances of two members that come or go, on a busy machine; less than any session time-out here."""


def begin(harness: LogHarness, *topics: str, partitions: int = PARTITIONS) -> None:
    begin_at(harness, "group", {at(topic, number): Position(0) for topic in topics for number in range(partitions)})


def settle(harness: LogHarness, drivers: list[Driver], condition: Callable[[], bool], what: str) -> None:
    """Poll the drivers in turn, as so many processes would, until the condition holds."""
    turns = cycle(drivers)

    def polled() -> bool:
        next(turns).poll()
        return condition()

    harness.wait_until(polled, 30.0, what)


def shared(*drivers: Driver) -> bool:
    """Whether the drivers serve all partitions, each one once, and none serves nothing."""
    owned = [partition for driver in drivers for partition in driver.owned]
    return sorted(partition for _, partition in owned) == list(range(PARTITIONS)) and all(
        driver.owned for driver in drivers
    )


def at_rest(harness: LogHarness, admin: Admin) -> bool:
    """Whether the group sees its partitions shared out: while a rebalance is under way, nobody has any."""
    return sum(len(member.partitions) for member in admin.members(harness.name("group"))) == PARTITIONS


def settle_shares(harness: LogHarness, drivers: Mapping[str, Driver]) -> None:
    """Poll until the drivers serve all partitions between them, each its share."""
    settle(harness, list(drivers.values()), lambda: shared(*drivers.values()), f"a share for each of {len(drivers)}")


def test_partitions_are_shared_by_range_in_the_order_of_the_slots(harness: LogHarness) -> None:
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    b = Driver(harness, [topic], "b")
    b.until_owns(*(at(topic, number) for number in range(PARTITIONS)))

    a = Driver(harness, [topic], "a")
    settle(harness, [a, b], lambda: shared(a, b), "sharing")

    assert a.owned.keys() == {at(topic, 0), at(topic, 1)}
    assert b.owned.keys() == {at(topic, 2), at(topic, 3)}


def test_topics_of_one_subscription_are_assigned_alike(harness: LogHarness) -> None:
    left, right = harness.create_topic("left", PARTITIONS), harness.create_topic("right", PARTITIONS)
    begin(harness, left, right)
    drivers = [Driver(harness, [left, right], slot) for slot in "abc"]

    def settled() -> bool:
        return sum(len(driver.owned) for driver in drivers) == 2 * PARTITIONS and all(d.owned for d in drivers)

    settle(harness, drivers, settled, "sharing")

    for driver in drivers:
        assert {number for topic, number in driver.owned if topic == left} == {
            number for topic, number in driver.owned if topic == right
        }
    assert sorted(len(driver.owned) for driver in drivers) == [2, 2, 4]


def test_notes_are_carried_over_to_the_next_owner(harness: LogHarness) -> None:
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    a = Driver(harness, [topic], "a")
    a.until_owns(*(at(topic, number) for number in range(PARTITIONS)))
    harness.append(topic, 3, batch("d0"))
    a.until_holds("d0")
    assert a.commit([], {at(topic, 3): Position(1, "known to the last owner")})

    b = Driver(harness, [topic], "b")
    settle(harness, [a, b], lambda: shared(a, b), "sharing")

    assert b.owned[at(topic, 3)] == Position(1, "known to the last owner")
    assert at(topic, 3) not in a.owned


def test_an_orderly_stop_hands_partitions_over_at_once(harness: LogHarness) -> None:
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    a, b = (Driver(harness, [topic], slot, session_timeout_s=60.0) for slot in "ab")
    settle(harness, [a, b], lambda: shared(a, b), "sharing")

    a.session.close()

    b.until_owns(*(at(topic, number) for number in range(PARTITIONS)), timeout_s=15.0)


def test_partitions_of_a_killed_member_go_over_when_its_session_has_timed_out(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input", PARTITIONS), harness.create_topic("output", PARTITIONS)
    begin(harness, topic)
    a, b = (Driver(harness, [topic], slot, session_timeout_s=2.0) for slot in "ab")
    settle(harness, [a, b], lambda: shared(a, b), "sharing")
    harness.append(topic, 0, batch("a0"))
    a.until_holds("a0")

    harness.kill(a.session)
    b.until_owns(*(at(topic, number) for number in range(PARTITIONS)))
    b.until_holds("a0")

    assert b.copy(target)
    assert seen(harness, target, 0) == ["a0"]


def test_a_restart_under_the_same_slot_takes_over_without_a_rebalance(harness: LogHarness) -> None:
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    a, b = (Driver(harness, [topic], slot, session_timeout_s=60.0) for slot in "ab")
    with harness.log.admin() as admin:
        settle(harness, [a, b], lambda: shared(a, b) and at_rest(harness, admin), "sharing, and no rebalance under way")
    harness.kill(a.session)

    again = Driver(harness, [topic], "a", session_timeout_s=60.0)
    again.until_owns(at(topic, 0), at(topic, 1), timeout_s=15.0)

    assert b.poll().revoked == frozenset()
    assert b.owned.keys() == {at(topic, 2), at(topic, 3)}


def test_a_rebalance_between_poll_and_commit_undoes_the_commit(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    a = Driver(harness, [topic], "a")
    harness.append(topic, 0, batch("a0", "a1"))
    a.until_holds("a0", "a1")

    harness.evict(a.session)
    b = Driver(harness, [topic], "b")
    b.until_holds("a0", "a1")

    assert not a.copy(target)
    assert seen(harness, target) == []
    assert b.copy(target)
    settle(harness, [a, b], lambda: bool(seen(harness, target)), "the records")
    assert seen(harness, target) == ["a0", "a1"]


def test_after_a_rebalance_between_poll_and_commit_the_session_reads_again(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    driver = Driver(harness, [topic])
    harness.append(topic, 0, batch("a0", "a1"))
    driver.until_holds("a0", "a1")
    harness.evict(driver.session)

    assert not driver.copy(target)
    driver.copy_until(target, lambda: len(seen(harness, target)) >= 2, "the records again")

    assert seen(harness, target) == ["a0", "a1"]
    assert position_of(harness, "group", at(topic)) == Position(2)


def test_a_partition_that_goes_with_a_lost_commit_is_revoked(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    loser = Driver(harness, [topic], "b")
    harness.append(topic, 0, batch("a0"))
    loser.until_holds("a0")
    harness.evict(loser.session)
    winner = Driver(harness, [topic], "a")
    winner.until_holds("a0")

    assert not loser.copy(target)
    settle(harness, [loser, winner], lambda: not loser.owned, "the partition revoked")

    assert loser.held == {}
    winner.copy_until(target, lambda: bool(seen(harness, target)), "the record")
    assert seen(harness, target) == ["a0"]


def test_a_session_goes_on_after_idling_past_its_time_out(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    driver = Driver(harness, [topic], session_timeout_s=1.5)
    harness.append(topic, 0, batch("a0"))
    driver.until_holds("a0")

    harness.stall(driver.session, 3.0)
    driver.copy(target)
    driver.copy_until(target, lambda: len(seen(harness, target)) >= 1, "the record")
    harness.append(topic, 0, batch("a1"))
    driver.copy_until(target, lambda: len(seen(harness, target)) >= 2, "the next record")

    assert seen(harness, target) == ["a0", "a1"]


def test_polls_without_records_keep_a_session_alive(harness: LogHarness) -> None:
    topic = harness.create_topic("input")
    begin(harness, topic, partitions=1)
    driver = Driver(harness, [topic], session_timeout_s=1.5)
    driver.until_owns(at(topic))
    until_ms = harness.now_ms() + 3_000

    assigned = []
    while harness.now_ms() < until_ms:
        assigned.append(driver.poll(0.5).assigned)
    harness.append(topic, 0, batch("a0"))
    driver.until_holds("a0")

    assert not any(assigned)
    assert driver.commit()


def test_two_members_that_change_places_do_each_record_once(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input", PARTITIONS), harness.create_topic("output", PARTITIONS)
    begin(harness, topic)
    values = {number: [f"{number}-{i}" for i in range(12)] for number in range(PARTITIONS)}
    sent = {number: iter(values[number]) for number in range(PARTITIONS)}
    drivers = [Driver(harness, [topic], "b")]

    def feed(count: int) -> None:
        for number in range(PARTITIONS):
            harness.append(topic, number, *(batch(next(sent[number])) for _ in range(count)))

    def work(until: Callable[[], bool]) -> None:
        def worked() -> bool:
            for driver in drivers:
                driver.poll()
                driver.copy(target)
            return until()

        harness.wait_until(worked, 60.0, "progress")

    def copied() -> int:
        return sum(len(seen(harness, target, number)) for number in range(PARTITIONS))

    feed(4)
    work(lambda: copied() >= 8)
    drivers.append(Driver(harness, [topic], "a"))
    feed(4)
    work(lambda: shared(*drivers) and copied() >= 24)
    drivers.pop(0).session.close()
    feed(4)
    work(lambda: copied() >= 48)

    assert {number: seen(harness, target, number) for number in range(PARTITIONS)} == values


def test_a_group_shrinks_and_grows_without_waiting_for_a_session_time_out(harness: LogHarness) -> None:
    # Given four members whose sessions would last for a minute
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)

    def open_slot(slot: str) -> Driver:
        return Driver(harness, [topic], slot, session_timeout_s=60.0)

    drivers = {slot: open_slot(slot) for slot in "abcd"}
    settle_shares(harness, drivers)
    for stopped in ("ab", "cd", "bc"):
        # When two stop in an orderly way, then the others have their partitions soon
        began_ms = harness.now_ms()
        for slot in stopped:
            drivers.pop(slot).session.close()
        settle_shares(harness, drivers)
        assert harness.now_ms() - began_ms < HANDOVER_MS
        # And when two come back, they have their share as soon
        began_ms = harness.now_ms()
        drivers |= {slot: open_slot(slot) for slot in stopped}
        settle_shares(harness, drivers)
        assert harness.now_ms() - began_ms < HANDOVER_MS


def test_a_member_that_stops_before_it_has_joined_leaves_nothing_behind(harness: LogHarness) -> None:
    # Given a member, and another whose join waits for the first one's
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    one = Driver(harness, [topic], "a", session_timeout_s=60.0)
    one.until_owns(*(at(topic, number) for number in range(PARTITIONS)))
    two = Driver(harness, [topic], "b", session_timeout_s=60.0)
    with harness.log.admin() as admin:
        two.until(lambda: len(admin.members(harness.name("group"))) == 2, "the beginning of a join")
        # When the other stops, then the first has all partitions soon, and for good
        two.session.close()
        began_ms = harness.now_ms()
        one.until(lambda: len(admin.members(harness.name("group"))) == 1 and shared(one), "one member")
        one.poll(0.5)
        assert shared(one)
        assert harness.now_ms() - began_ms < HANDOVER_MS


def test_an_evicted_member_is_fenced_and_what_it_left_open_is_undone(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    dead = Driver(harness, [topic], "a", session_timeout_s=60.0, probe=crash_at("positioned"))
    harness.append(topic, 0, batch("a0"))
    dead.until_holds("a0")
    with pytest.raises(Killed):
        dead.copy(target)

    with harness.log.admin() as admin:
        admin.evict(harness.name("group"), [harness.name("group.a")])
        assert admin.members(harness.name("group")) == []
    other = Driver(harness, [topic], "b")
    other.until_holds("a0", timeout_s=10.0)
    other.copy_until(target, lambda: bool(seen(harness, target)), "the record")

    assert seen(harness, target) == ["a0"]


def test_an_evicted_member_that_lives_commits_nothing_more(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    driver = Driver(harness, [topic], "a")
    harness.append(topic, 0, batch("a0"))
    driver.until_holds("a0")

    with harness.log.admin() as admin:
        admin.evict(harness.name("group"), [harness.name("group.a"), harness.name("group.nobody")])

    def is_fenced() -> bool:
        try:
            driver.poll()
            driver.copy(target)
        except Fenced:
            return True
        return False

    harness.wait_until(is_fenced, 30.0, "the end of what was evicted")
    assert seen(harness, target) == []


def test_an_evicted_member_that_is_idle_is_fenced_and_never_joins_again(harness: LogHarness) -> None:
    # Given two members that share the partitions
    topic = harness.create_topic("input", PARTITIONS)
    begin(harness, topic)
    one, two = Driver(harness, [topic], "a"), Driver(harness, [topic], "b")
    settle(harness, [one, two], lambda: shared(one, two), "sharing")
    # When one is evicted that has nothing to commit
    with harness.log.admin() as admin:
        admin.evict(harness.name("group"), [harness.name("group.a")])
        # Then the other has all partitions long before a session times out
        two.until_owns(*(at(topic, number) for number in range(PARTITIONS)), timeout_s=5.0)
        # And keeps them, while the one finds out
        with pytest.raises(Fenced):
            one.until(lambda: False, "the end of what was evicted")
        with pytest.raises(Fenced):
            one.poll()
        one.session.close()
        assert two.poll().revoked == frozenset()
        assert [member.slot for member in admin.members(harness.name("group"))] == [harness.name("group.b")]


def test_a_slot_can_be_taken_anew_after_its_eviction(harness: LogHarness) -> None:
    topic, target = harness.create_topic("input"), harness.create_topic("output")
    begin(harness, topic, partitions=1)
    old = Driver(harness, [topic], "a")
    old.until_owns(at(topic))
    with harness.log.admin() as admin:
        admin.evict(harness.name("group"), [harness.name("group.a")])

    new = Driver(harness, [topic], "a")
    harness.append(topic, 0, batch("a0"))
    new.copy_until(target, lambda: seen(harness, target) == ["a0"], "the record")

    with pytest.raises(Fenced):
        old.until(lambda: False, "the end of what was evicted")
