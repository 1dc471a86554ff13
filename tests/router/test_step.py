"""Plans that change under the router, partitions that wait for them, lanes that cannot be written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pile import stored
from support.routing import (
    BASIC,
    INPUT,
    SHADOW,
    TOPICS,
    V1,
    V2,
    V4,
    Router,
    carried,
    expected,
    frames,
    kinds,
    owed,
    routed,
    routes,
)
from support.routing_model import check_history

from router.adoption import ConflictingPlan, Followed
from router.step import LOOK_S
from understudy.core.log.contract import Polled, Position, TopicPartition
from understudy.core.log.errors import OutputMissing
from understudy.deployments.plan import Canary, InvalidPlan, Lane, Plan

OTHER = TopicPartition(TOPICS.input, 0)
CANARY = Plan(2, V1, (V4,), Canary(V2, 300_000))
KEYS = [b"key-%d" % i for i in range(40)]


def test_partitions_keep_apart() -> None:
    router = Router(BASIC)
    router.assign(INPUT, OTHER)

    advance = router.turn({INPUT: [stored([b"a"], 5)], OTHER: [stored([b"b"], 9)]})

    assert [carried(router.pile, TOPICS.requests(V1), p)[0][2] for p in (0, 3)] == [b"b", b"a"]
    assert [routes(router.pile, p)[-1]["base_offset"] for p in (0, 3)] == [9, 5]
    assert {at: position.offset for at, position in advance.positions.items()} == {INPUT: 6, OTHER: 10}


def test_nothing_polled_is_nothing_to_commit() -> None:
    advance = Router(BASIC).turn()

    assert (list(advance.outputs), dict(advance.positions)) == ([], {})


# Plans


def test_a_first_adoption_is_written_down_even_when_no_data_flows() -> None:
    router = Router(CANARY, positions={INPUT: Position(40)})

    advance = router.assign()

    [row] = routes(router.pile)
    assert [row[name] for name in ("kind", "version", "base_offset", "shadows")] == ["adopted", V1, 40, [V4]]
    assert Plan.of_json(row["plan"]) == CANARY
    assert router.pile.partitions(TOPICS.requests(V1)) == []
    assert advance.positions == {INPUT: Position(40, Followed(CANARY).to_note())}


def test_a_partition_that_follows_the_plan_adopts_nothing() -> None:
    advance = Router(SHADOW, positions={INPUT: Position(40, SHADOW.to_note())}).assign()

    assert (list(advance.outputs), dict(advance.positions)) == ([], {})


def test_a_higher_revision_ends_the_lanes_that_left_ahead_of_the_first_new_frame() -> None:
    promoted = Plan.shadow(2, V4, [V2])

    pile, advance = routed(promoted, stored([b"a"], 40), note=SHADOW.to_note())

    ends = {
        TOPICS.requests(V1): [(True, 40)],
        TOPICS.shadow_requests(V4): [(True, 40)],
        TOPICS.requests(V4): [(False, 40)],
        TOPICS.shadow_requests(V2): [(False, 40)],
    }
    assert {
        topic: [(piece.header.is_end, piece.header.base_offset) for piece in frames(pile, topic)] for topic in ends
    } == ends
    assert kinds(pile) == [
        ("adopted", "answering", V4, 2),
        ("end", "answering", V1, 2),
        ("end", "shadow", V4, 2),
        ("frame", "answering", V4, 2),
        ("frame", "shadow", V2, 2),
    ]
    assert advance.positions == {INPUT: Position(41, Followed(promoted).to_note())}


def test_a_running_step_cuts_every_partition_over_at_once_whether_or_not_data_flows() -> None:
    router = Router(SHADOW)
    router.assign(INPUT, OTHER)
    router.feed(stored([b"a"] * 7, 0))

    router.plan = Plan.basic(2, V4)
    advance = router.feed(stored([b"b"] * 3, 7))

    assert advance.positions == {
        INPUT: Position(10, Followed(router.plan).to_note()),
        OTHER: Position(0, Followed(router.plan).to_note()),
    }
    for partition, offset in ((3, 7), (0, 0)):
        rows = [row for row in routes(router.pile, partition) if row["revision"] == 2]
        changes = [(row["kind"], row["version"], row["base_offset"]) for row in rows if row["kind"] != "frame"]
        assert changes == [("adopted", V4, offset), ("end", V1, offset), ("end", V4, offset)]
    assert owed(router.pile, Lane(V1, "answering")) == [*range(7)]
    assert owed(router.pile, Lane(V4, "answering")) == [7, 8, 9]


def test_an_idle_step_asks_to_be_woken_to_look_at_the_plan() -> None:
    assert Router(BASIC).assign().wake_s == LOOK_S <= 0.1


def test_a_lost_commit_is_done_again_in_full() -> None:
    batch = stored([b"a"], 40)
    router = Router(Plan.basic(2, V4))
    polled = Polled({INPUT: [batch]}, {INPUT: Position(40, SHADOW.to_note())})
    first = router.step.advance(polled, 0.0)

    again = router.step.advance(polled, 1.0)

    assert [(o.topic, o.partition, o.batch.data) for o in again.outputs] == [
        (o.topic, o.partition, o.batch.data) for o in first.outputs
    ]
    assert again.positions == first.positions


def test_another_plan_under_the_running_revision_is_refused() -> None:
    with pytest.raises(ConflictingPlan, match=r"production flights:v1 and flights:v4.* restore"):
        routed(BASIC, note=SHADOW.to_note())


def test_a_foreign_note_is_refused() -> None:
    with pytest.raises(InvalidPlan, match="not a router's plan"):
        routed(BASIC, note='{"done":3}')


def test_a_plan_too_long_for_a_note_is_refused_before_anything_is_written() -> None:
    with pytest.raises(InvalidPlan, match="400 shadows does not fit"):
        Router(Plan.shadow(1, V1, [f"flights:shadow-{i}" for i in range(400)])).turn()


# Waiting


def test_without_a_plan_everything_waits_and_nothing_polled_is_lost() -> None:
    router = Router(None)
    router.assign()
    batches = [stored([b"a"], 0), stored([b"b"], 1)]

    waiting = [router.feed(batch) for batch in batches]

    assert [advance.paused for advance in waiting] == [frozenset({INPUT})] * 2
    assert router.pile.partitions(TOPICS.requests(V1)) == []
    router.plan = BASIC
    assert router.turn().paused == frozenset()
    assert carried(router.pile, TOPICS.requests(V1)) == expected(batches)
    assert router.waited == ["the first plan", ""]


def test_a_partition_ahead_of_the_plan_that_is_known_waits_and_others_go_on() -> None:
    newer = Plan.basic(5, V4)
    router = Router(BASIC, positions={INPUT: Position(7, newer.to_note()), OTHER: Position(0)})
    router.assign(INPUT, OTHER)

    advance = router.turn({INPUT: [stored([b"a"], 7)], OTHER: [stored([b"b"], 0)]})

    assert advance.paused == {INPUT}
    assert kinds(router.pile) == []
    assert owed(router.pile, Lane(V1, "answering"), partition=0) == [0]
    router.plan = newer
    router.turn()
    assert kinds(router.pile) == [("frame", "answering", V4, 5)]
    assert router.positions == {
        INPUT: Position(8, Followed(newer).to_note()),
        OTHER: Position(1, Followed(newer).to_note()),
    }
    assert router.waited == ["revision 5 of the plan", ""]


def test_what_was_polled_of_a_waiting_partition_goes_with_it_when_it_is_revoked() -> None:
    router = Router(None)
    router.assign()
    router.feed(stored([b"a"], 0))

    router.step.advance(Polled(revoked=frozenset({INPUT})), 0.0)
    router.plan = BASIC

    assert list(router.turn().outputs) == []


# Exclusion


def excluding(plan: Plan, *missing: str) -> Router:
    """A router that has found out that these topics are missing, by 40 records of as many keys."""
    router = Router(plan, missing={*missing})
    router.assign(INPUT, OTHER)
    router.feed(stored([b"x"] * 40, 0, keys=KEYS))
    return router


def test_a_canary_that_cannot_be_written_is_left_out_and_production_answers_its_share() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))

    assert owed(router.pile, Lane(V1, "answering")) == [*range(40)]
    withheld = owed(router.pile, Lane(V2, "answering"), "excluded")
    assert 0 < len(withheld) < 40
    assert owed(router.pile, Lane(V1, "shadow"), "excluded") == withheld
    assert owed(router.pile, Lane(V1, "shadow")) == []
    assert owed(router.pile, Lane(V4, "shadow")) == [*range(40)]
    shares = {(row["kind"], row["part"], row["share_ppm"]) for row in routes(router.pile)}
    assert {("excluded", "canary", 300_000), ("frame", "production", 1_000_000)} <= shares


def test_every_owned_partition_leaves_the_lane_out_at_once_and_its_note_says_so() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))

    followed = {at: Followed.of_note(position.note) for at, position in router.positions.items()}
    assert followed == dict.fromkeys((INPUT, OTHER), Followed(CANARY, frozenset({Lane(V2, "answering")})))


def test_exclusions_are_told_once() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))
    router.feed(stored([b"x"] * 40, 40, keys=KEYS))

    lane, cause = Lane(V2, "answering"), f"Topic {TOPICS.requests(V2)} does not exist."
    assert router.excluded == [(lane, 0, cause), (lane, 3, cause)]


def test_a_mirror_that_cannot_be_written_leaves_the_canary_unmirrored() -> None:
    router = excluding(CANARY, TOPICS.shadow_requests(V1))

    share = owed(router.pile, Lane(V2, "answering"))
    assert owed(router.pile, Lane(V1, "shadow"), "excluded") == share
    assert sorted(share + owed(router.pile, Lane(V1, "answering"))) == [*range(40)]


def test_several_lanes_are_found_out_one_after_the_other() -> None:
    router = excluding(CANARY, TOPICS.shadow_requests(V4), TOPICS.requests(V2))

    assert owed(router.pile, Lane(V4, "shadow"), "excluded") == [*range(40)]
    assert owed(router.pile, Lane(V1, "answering")) == [*range(40)]


@pytest.mark.parametrize("topic", [TOPICS.requests(V1), TOPICS.routes])
def test_production_and_its_account_are_never_left_out(topic: str) -> None:
    with pytest.raises(OutputMissing, match=topic):
        excluding(CANARY, topic)


def test_another_owner_goes_on_without_the_lane_and_tells_of_it() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))
    router.missing.clear()
    router.excluded.clear()

    router.restart()
    router.assign()
    router.feed(stored([b"x"] * 40, 40, keys=KEYS))

    assert owed(router.pile, Lane(V1, "answering")) == [*range(80)]
    assert [(lane, partition) for lane, partition, _ in router.excluded] == [(Lane(V2, "answering"), 3)]


def test_a_lane_stays_excluded_under_the_next_plan_that_has_it() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))
    router.missing.clear()

    router.plan = Plan(3, V1, (), Canary(V2, 1_000_000))
    router.feed(stored([b"x"], 40))

    assert owed(router.pile, Lane(V1, "answering")) == [*range(41)]
    assert owed(router.pile, Lane(V2, "answering"), "excluded")[-1] == 40


@pytest.mark.parametrize("another_owner", [False, True])
def test_a_plan_that_drops_an_excluded_lane_sends_it_no_end_and_one_that_has_it_again_uses_it(
    another_owner: bool,
) -> None:
    router = excluding(CANARY, TOPICS.requests(V2))
    router.missing.clear()
    if another_owner:
        router.restart()
        router.assign()

    router.plan = Plan.basic(3, V1)
    router.turn()

    ended = [row["version"] for row in routes(router.pile) if row["kind"] == "end"]
    assert sorted(ended) == [V1, V2, V4]
    assert router.pile.partitions(TOPICS.requests(V2)) == []
    router.plan = Plan(4, V1, (), Canary(V2, 1_000_000))
    router.feed(stored([b"x"], 40))
    assert owed(router.pile, Lane(V2, "answering")) == [40]


def test_after_a_refusal_nothing_is_written_before_partitions_are_assigned_again() -> None:
    router = Router(CANARY)
    router.assign()
    assert router.step.refuse(OutputMissing("gone", topic=TOPICS.requests(V2))) is False

    router.feed(stored([b"x"] * 40, 0, keys=KEYS))
    assert router.step.refuse(OutputMissing("gone", topic=TOPICS.requests(V2)))

    advance = router.step.advance(Polled(), 0.0)
    assert (list(advance.outputs), dict(advance.positions)) == ([], {})


def test_a_lane_that_cannot_take_its_end_does_not_hold_up_the_next_plan() -> None:
    router = Router(CANARY, positions={INPUT: Position(9, CANARY.to_note())}, missing={TOPICS.requests(V2)})
    router.plan = Plan.basic(3, V1)

    router.assign()

    assert ("end", "answering", V2, 3) in kinds(router.pile)
    assert frames(router.pile, TOPICS.shadow_requests(V4))[0].header.is_end
    assert router.excluded == []


def test_a_promoted_version_is_not_left_out_for_what_its_lane_was_as_a_canary() -> None:
    router = excluding(CANARY, TOPICS.requests(V2))
    router.missing.clear()

    router.plan = Plan.basic(3, V2)
    router.feed(stored([b"x"], 40))

    assert owed(router.pile, Lane(V2, "answering")) == [40]


# Whole histories

VERSIONS = (V1, V2, V4)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan of three versions, of revision 1."""
    production, *others = draw(st.permutations(VERSIONS))
    share_ppm, mirrored = draw(st.sampled_from([0, 200_000, 700_000, 1_000_000])), draw(st.booleans())
    canary = Canary(others[0], share_ppm, mirrored) if draw(st.booleans()) else None
    shadows = tuple(each for each in others if draw(st.booleans()) and not (canary and each == canary.version))
    return Plan(1, production, shadows, canary, salt=draw(st.integers(0, 3)))


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), st.lists(st.binary(max_size=2), min_size=1, max_size=12)),
        st.tuples(st.just("plan"), plans()),
        st.tuples(
            st.just("missing"),
            st.sets(st.sampled_from([*map(TOPICS.requests, VERSIONS), *map(TOPICS.shadow_requests, VERSIONS)])),
        ),
        st.tuples(st.just("lose"), st.integers(1, 2)),
        st.tuples(st.just("another owner"), st.none()),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(happenings)
def test_through_any_history_every_record_is_with_its_lanes_or_accounted_for(history: list[tuple[str, Any]]) -> None:
    router, plan, offset = Router(BASIC), BASIC, 0
    router.assign()
    for happening, what in history:
        match happening:
            case "feed":
                router.feed(stored([b"x"] * len(what), offset, keys=what))
                offset += len(what)
            case "plan":
                router.plan = plan = replace(what, revision=plan.revision + 1)
            case "missing":
                router.missing = what
            case "lose":
                router.loses = what
            case _:
                router.restart()
                router.assign()
        router.missing.discard(TOPICS.requests(plan.production))
        router.turn()

    check_history(router.pile, router.inputs.get(INPUT, []))
    assert router.positions[INPUT].offset == offset
