from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.driving import at

from understudy.core.log.contract import NewTopic, Position
from understudy.core.log.errors import Fenced
from understudy.core.log.memory.groups import Group, Groups, assign
from understudy.core.log.memory.topics import Topics

TIMEOUT_S = 10.0


@pytest.fixture
def topics() -> Topics:
    topics = Topics()
    topics.create(NewTopic("one", 4))
    return topics


@pytest.fixture
def group(topics: Topics) -> Group:
    return Groups(topics).named("group")


def join(group: Group, slot: str) -> int:
    return group.join(slot, ("one",), TIMEOUT_S)


def owned(group: Group) -> dict[str, list[int]]:
    return {slot: sorted(number for _, number in member.partitions) for slot, member in group.members.items()}


@given(
    counts=st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(0, 20), min_size=1),
    slots=st.sets(st.text("abc", min_size=1, max_size=3), min_size=1),
)
def test_every_partition_has_one_owner_and_shares_are_even_runs(counts: dict[str, int], slots: set[str]) -> None:
    assigned = assign(counts, {slot: list(counts) for slot in slots})

    for topic, count in counts.items():
        runs = [sorted(number for name, number in assigned[slot] if name == topic) for slot in sorted(slots)]
        assert [number for run in runs for number in run] == list(range(count))
        assert max(map(len, runs)) - min(map(len, runs)) <= 1


def test_topics_of_one_size_are_assigned_alike() -> None:
    assigned = assign({"x": 7, "y": 7}, {slot: ["x", "y"] for slot in "abc"})

    for partitions in assigned.values():
        assert {number for topic, number in partitions if topic == "x"} == {
            number for topic, number in partitions if topic == "y"
        }


def test_each_newcomer_begins_a_generation(group: Group) -> None:
    join(group, "b")
    join(group, "a")

    assert owned(group) == {"a": [0, 1], "b": [2, 3]}
    assert group.generation == 2


def test_a_slot_is_taken_over_within_the_generation(group: Group) -> None:
    old = join(group, "a")
    new = join(group, "a")

    assert (group.generation, owned(group)) == (1, {"a": [0, 1, 2, 3]})
    assert group.member("a", new) is group.members["a"]
    with pytest.raises(Fenced, match="slot a"):
        group.member("a", old)


def test_a_member_that_was_removed_is_none(group: Group) -> None:
    member_id = join(group, "a")

    group.remove("a")

    assert group.member("a", member_id) is None
    assert group.members == {}


def test_ownership_is_kept_through_a_generation_and_begins_anew_after_a_gap(group: Group) -> None:
    join(group, "a")
    join(group, "b")
    assert {number: group.owned_since[at("one", number)] for number in range(4)} == {0: 1, 1: 1, 2: 2, 3: 2}

    group.remove("b")

    assert {number: group.owned_since[at("one", number)] for number in range(4)} == {0: 1, 1: 1, 2: 3, 3: 3}


def test_silent_members_expire_and_others_stay(topics: Topics) -> None:
    groups = Groups(topics)
    group = groups.named("group")
    join(group, "a")
    join(group, "b")
    group.members["a"].silent_since_s = 100.0
    assert groups.due_s() == [110.0]

    groups.expire(109.9)
    assert owned(group) == {"a": [0, 1], "b": [2, 3]}
    groups.expire(110.0)

    assert owned(group) == {"b": [0, 1, 2, 3]}


def test_growth_is_followed_once(group: Group, topics: Topics) -> None:
    join(group, "a")
    group.follow_growth()
    assert group.generation == 1

    topics.named("one").grow(6)
    group.follow_growth()
    group.follow_growth()

    assert (group.generation, owned(group)) == (2, {"a": [0, 1, 2, 3, 4, 5]})


@pytest.mark.parametrize(
    ("known", "seen", "new"),
    [
        ((0, 1), 5, True),
        ((2,), 5, True),
        ((0, 4), 5, False),
        ((0, 4), 4, False),
        ((0, 4), 3, True),
        ((), 5, False),
        ((), 3, False),
    ],
)
def test_a_partition_is_new_behind_all_that_have_positions_or_were_seen(
    group: Group, known: tuple[int, ...], seen: int, new: bool
) -> None:
    group.positions = {at("one", number): Position(0) for number in known} | {at("other", 9): Position(0)}

    assert group.is_new_partition(at("one", 3), seen) is new


@pytest.mark.parametrize("commit", [True, False])
def test_held_positions_move_when_they_are_released(group: Group, commit: bool) -> None:
    group.positions[at("one")] = Position(1)
    group.hold([at("one")])
    assert group.pending == {at("one"): 1}

    group.release({at("one"): Position(5, "note")}, commit=commit)

    assert group.pending == {}
    assert group.positions == {at("one"): Position(5, "note") if commit else Position(1)}


def test_positions_held_by_two_transactions_wait_for_both(group: Group) -> None:
    group.hold([at("one")])
    group.hold([at("one")])

    group.release({at("one"): Position(5)}, commit=True)

    assert group.pending == {at("one"): 1}


def test_positions_go_with_their_topic(topics: Topics) -> None:
    groups = Groups(topics)
    group = groups.named("group")
    group.positions = {at("one"): Position(1), at("two"): Position(2)}

    groups.forget("one")

    assert group.positions == {at("two"): Position(2)}
