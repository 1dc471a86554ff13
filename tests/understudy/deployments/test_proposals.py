from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.story import V1, V2, V3, V4, Story, digest

from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.events import Draft
from understudy.deployments.fold import State, freeze
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def story() -> Story:
    story = Story()
    story.begins(V1)
    return story


def plan_of(draft: Draft) -> Plan:
    assert draft.plan is not None
    return draft.plan


def refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        attempt()
    return str(refused.value)


# Preparing.


def test_a_preparation_names_the_artifact_and_the_part(story: Story) -> None:
    assert proposals.prepare(story.state, V2, "abc", "canary") == Draft(
        "prepared", version=V2, sha256="abc", action="canary"
    )


def test_what_is_prepared_already_is_not_prepared_again(story: Story) -> None:
    story.prepares(V2, "canary")

    assert proposals.prepare(story.state, V2, digest(V2), "canary") is None
    assert proposals.prepare(story.state, V2, digest(V2), "shadow") is not None
    assert proposals.prepare(story.state, V2, "other", "canary") is not None
    assert proposals.prepare(story.state, V1, digest(V1), "production") is None


def test_a_preparation_that_was_for_another_part_can_be_set_back(story: Story) -> None:
    story.shadows(V2)
    story.prepares(V2, "production")

    assert proposals.prepare(story.state, V2, digest(V2), "shadow") is not None


@pytest.mark.parametrize(
    ("version", "message"), [("v2", "names no version"), ("delay:", "is empty"), ("de lay:v2", "contains ' '")]
)
def test_a_name_that_cannot_be_is_refused(version: str, message: str) -> None:
    assert message in refusal(lambda: proposals.prepare(State(), version, "abc", "production"))


# Deploying.


def test_more_shadows_than_a_router_can_note_are_refused_before_the_router_would_stop(story: Story) -> None:
    shadows = tuple(f"delay:shadow-{i}" for i in range(120))
    story.prepares(V2, "shadow")
    crowded = replace(story.state, plan=Plan.shadow(9, V1, shadows))

    assert "121 shadows does not fit" in refusal(lambda: proposals.deploy_shadow(crowded, V2))


def test_the_first_version_begins_revision_1() -> None:
    story = Story()
    story.prepares(V1, "production")

    draft = proposals.deploy_basic(story.state, V1, "first", "size, leaders")
    assert plan_of(draft) == Plan.basic(1, V1)
    assert (draft.action, draft.version, draft.reason, draft.details) == (
        "basic",
        V1,
        "first",
        {"forced": "size, leaders"},
    )


def test_basic_replaces_production_and_keeps_the_shadows(story: Story) -> None:
    story.shadows(V3)
    story.prepares(V2, "production")

    draft = proposals.deploy_basic(story.state, V2)
    assert plan_of(draft) == Plan.shadow(3, V2, [V3])
    assert draft.details == {}


def test_a_shadow_is_put_beside_the_others(story: Story) -> None:
    story.shadows(V2)
    story.prepares(V3, "shadow")

    assert plan_of(proposals.deploy_shadow(story.state, V3)) == Plan.shadow(3, V1, [V2, V3])


def test_a_canary_becomes_a_shadow(story: Story) -> None:
    story.tries(V2)

    assert plan_of(proposals.deploy_shadow(story.state, V2)).shadows == (V2,)
    assert plan_of(proposals.deploy_shadow(story.state, V2)).canary is None


def test_a_shadow_becomes_a_canary(story: Story) -> None:
    story.shadows(V2)

    plan = plan_of(proposals.deploy_canary(story.state, V2, 10_000, mirrored=False))
    assert (plan.canary, plan.shadows) == (Canary(V2, 10_000, mirrored=False), ())


def test_each_canary_has_its_own_keys_which_it_keeps_while_its_share_changes(story: Story) -> None:
    story.shadows(V3)
    story.tries(V2, 10_000)
    first = plan_of(proposals.deploy_canary(story.state, V2, 500_000))

    assert story.state.plan is not None
    assert first.salt == story.state.plan.salt
    story.does(proposals.rollback(story.state))
    assert plan_of(proposals.deploy_canary(story.state, V3, 10_000)).salt != first.salt
    story.does(proposals.deploy_canary(story.state, V3, 10_000, salt=5))
    assert plan_of(proposals.deploy_canary(story.state, V3, 20_000)).salt == 5


def test_the_whole_share_and_the_smallest_are_shares(story: Story) -> None:
    story.prepares(V2, "canary")

    assert plan_of(proposals.deploy_canary(story.state, V2, 1_000_000)).canary == Canary(V2, 1_000_000)
    assert plan_of(proposals.deploy_canary(story.state, V2, 1)).canary == Canary(V2, 1)


@pytest.mark.parametrize(("share_ppm", "shown"), [(0, "0 %"), (-10_000, "-1 %"), (1_000_001, "100 %")])
def test_a_share_that_is_none_is_refused(story: Story, share_ppm: int, shown: str) -> None:
    story.prepares(V2, "canary")

    text = refusal(lambda: proposals.deploy_canary(story.state, V2, share_ppm))
    assert shown in text
    assert "give a share above 0 % and up to 100 %" in text


def test_what_cannot_be_deployed_is_told_with_the_way_out(story: Story) -> None:
    story.tries(V2, 50_000)
    story.prepares(V3, "canary")
    story.shadows(V4)
    state = story.state

    assert "there is one at a time: promote it or roll it back" in refusal(
        lambda: proposals.deploy_canary(state, V3, 1)
    )
    assert "is the canary with 5 % of the keys already" in refusal(lambda: proposals.deploy_canary(state, V2, 50_000))
    assert "another salt would move keys" in refusal(lambda: proposals.deploy_canary(state, V2, 1, salt=0))
    assert "a canary is another version" in refusal(lambda: proposals.deploy_canary(state, V1, 1))
    assert "a shadow is another version" in refusal(lambda: proposals.deploy_shadow(state, V1))
    assert "is a shadow already" in refusal(lambda: proposals.deploy_shadow(state, V4))
    assert "is production already" in refusal(lambda: proposals.deploy_basic(state, V1))
    assert f"`understudy rollback {V2}` first" in refusal(lambda: proposals.deploy_basic(state, V3))


def test_a_version_that_nobody_prepared_is_not_deployed(story: Story) -> None:
    known = f"was never deployed here (known: {V1})"
    assert known in refusal(lambda: proposals.deploy_basic(story.state, V2))
    assert known in refusal(lambda: proposals.deploy_shadow(story.state, V2))
    assert known in refusal(lambda: proposals.deploy_canary(story.state, V2, 1))


def test_a_withdrawn_version_has_to_be_prepared_again(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.rollback(story.state, V2))

    assert "is withdrawn, so it cannot be made a shadow: prepare it first" in refusal(
        lambda: proposals.deploy_shadow(story.state, V2)
    )


def test_nothing_runs_beside_a_production_that_is_not() -> None:
    story = Story()
    story.prepares(V2, "shadow")

    assert "nothing is in production yet" in refusal(lambda: proposals.deploy_shadow(story.state, V2))
    assert "nothing is in production yet" in refusal(lambda: proposals.deploy_canary(story.state, V2, 1))


# Promoting.


def test_the_only_candidate_is_promoted(story: Story) -> None:
    story.shadows(V2)
    assert plan_of(proposals.promote(story.state)) == Plan.basic(3, V2)

    story.shadows(V3)
    assert f"{V2} and {V3} are shadows: say which to promote" in refusal(lambda: proposals.promote(story.state))
    assert plan_of(proposals.promote(story.state, V3)) == Plan.shadow(4, V3, [V2])

    story.tries(V4)
    promoted = plan_of(proposals.promote(story.state))
    assert (promoted.production, promoted.canary, promoted.shadows) == (V4, None, (V2, V3))


def test_what_cannot_be_promoted_is_told(story: Story) -> None:
    assert "no canary and no shadow to promote" in refusal(lambda: proposals.promote(story.state))
    assert "is production already" in refusal(lambda: proposals.promote(story.state, V1))
    story.prepares(V2, "canary")
    assert "deploy it as a shadow or a canary first" in refusal(lambda: proposals.promote(story.state, V2))
    story.does(proposals.deploy_canary(story.state, V2, 1))
    story.shadows(V3)
    assert f"{V2} is the canary beside {V1}" in refusal(lambda: proposals.promote(story.state, V3))
    story.does(proposals.pause(story.state, reason="errors"))
    assert "is paused (errors), so it cannot be promoted" in refusal(lambda: proposals.promote(story.state))


# Taking back.


def test_a_canary_is_taken_back_before_anything_else(story: Story) -> None:
    story.shadows(V3)
    story.tries(V2)

    draft = proposals.rollback(story.state, reason="wrong")
    assert (draft.version, draft.reason) == (V2, "wrong")
    assert (plan_of(draft).production, plan_of(draft).canary, plan_of(draft).shadows) == (V1, None, (V3,))


def test_a_shadow_is_taken_back_by_name_or_when_it_is_all_there_is(story: Story) -> None:
    story.shadows(V2)
    assert plan_of(proposals.rollback(story.state)) == Plan.basic(3, V1)
    story.shadows(V3)
    assert f"{V2} and {V3} can be rolled back: say which" in refusal(lambda: proposals.rollback(story.state))
    assert plan_of(proposals.rollback(story.state, V2)) == Plan.shadow(4, V1, [V3])


def test_production_goes_back_to_the_version_before_and_only_once(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))
    assert plan_of(proposals.rollback(story.state, V2)) == Plan.basic(4, V1)

    story.does(proposals.rollback(story.state))
    assert "nothing to roll back" in refusal(lambda: proposals.rollback(story.state))
    assert f"there is no version before {V1} to roll back to" in refusal(lambda: proposals.rollback(story.state, V1))
    assert "is withdrawn already" in refusal(lambda: proposals.rollback(story.state, V2))


def test_production_goes_back_to_a_version_that_is_a_shadow_by_now(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))
    story.shadows(V1)
    story.shadows(V3)

    assert plan_of(proposals.rollback(story.state, V2)) == Plan.shadow(6, V1, [V3])


def test_production_does_not_go_back_to_a_version_whose_workers_are_stopped(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))
    story.does(proposals.rollback(story.state, V1, "it does not drain"))

    assert story.state.to_reclaim() == (V1,)
    assert f"`understudy deploy {V1} --strategy basic` starts them" in refusal(
        lambda: proposals.rollback(story.state, V2)
    )


def test_a_preparation_is_taken_back(story: Story) -> None:
    story.prepares(V2, "canary")
    state = story.does(proposals.rollback(story.state))

    assert state.stage(V2) == "withdrawn"
    assert state.revision == 1
    assert state.wanted_workers() == {V1: "production"}


def test_what_was_never_there_cannot_be_taken_back(story: Story) -> None:
    assert "was never deployed here" in refusal(lambda: proposals.rollback(story.state, V2))
    assert "nothing to roll back" in refusal(lambda: proposals.rollback(State()))


# Holding and going on.


def test_a_candidate_is_paused_once_and_resumed_once(story: Story) -> None:
    story.tries(V2)
    assert "is not paused" in refusal(lambda: proposals.resume(story.state))
    story.does(proposals.pause(story.state, reason="errors"))
    assert f"{V2} is paused already (errors)" in refusal(lambda: proposals.pause(story.state, V2))
    assert story.does(proposals.resume(story.state, V2, "mended")).versions[V2].paused == ""


def test_only_candidates_are_paused(story: Story) -> None:
    assert "no canary and no shadow to pause" in refusal(lambda: proposals.pause(story.state))
    assert "production is rolled back with" in refusal(lambda: proposals.pause(story.state, V1))
    story.prepares(V2, "canary")
    assert f"{V2} is prepared; only the canary and shadows" in refusal(lambda: proposals.resume(story.state, V2))


def test_a_lane_is_excluded_once(story: Story) -> None:
    story.tries(V2)
    story.does(proposals.exclude(story.state, V2, "answering", 4, "gone"))

    assert proposals.exclude(story.state, V2, "answering", 4, "gone") is None
    assert proposals.exclude(story.state, V2, "answering", 5, "gone") is not None
    assert "production's own lane cannot be excluded" in refusal(
        lambda: proposals.exclude(story.state, V1, "answering", 0, "gone")
    )


def test_topics_that_are_needed_are_not_pruned(story: Story) -> None:
    assert "before its topics go" in refusal(lambda: proposals.prune(story.state, V1))
    assert "was never deployed here" in refusal(lambda: proposals.prune(story.state, V2))


# Always.

ASKED: list[Callable[[State], Draft | None]] = [
    lambda state: proposals.prepare(state, V2, digest(V2), "canary"),
    lambda state: proposals.deploy_basic(state, V2),
    lambda state: proposals.deploy_shadow(state, V2),
    lambda state: proposals.deploy_canary(state, V2, 1),
    proposals.promote,
    proposals.rollback,
    proposals.pause,
    proposals.resume,
    lambda state: proposals.exclude(state, V1, "shadow", 0, "gone"),
    lambda state: proposals.prune(state, V1),
]


@pytest.mark.parametrize("asked", ASKED)
def test_nothing_is_proposed_for_a_frozen_state(story: Story, asked: Callable[[State], Draft | None]) -> None:
    frozen = freeze(story.state, "event 9 is of a kind that is not known here").state

    assert "nothing can be changed from here: event 9 is of a kind" in refusal(lambda: asked(frozen))


VERSIONS = st.sampled_from([V1, V2, V3])
OPTIONAL = st.none() | VERSIONS
PARTS = st.sampled_from(["production", "canary", "shadow"])
REQUESTS = st.one_of(
    st.builds(lambda v, part: lambda state: proposals.prepare(state, v, digest(v), part), VERSIONS, PARTS),
    st.builds(lambda v: lambda state: proposals.deploy_basic(state, v), VERSIONS),
    st.builds(lambda v: lambda state: proposals.deploy_shadow(state, v), VERSIONS),
    st.builds(
        lambda v, share, mirrored: lambda state: proposals.deploy_canary(state, v, share, mirrored=mirrored),
        VERSIONS,
        st.integers(0, 3),
        st.booleans(),
    ),
    st.builds(lambda v: lambda state: proposals.promote(state, v), OPTIONAL),
    st.builds(lambda v: lambda state: proposals.rollback(state, v), OPTIONAL),
    st.builds(lambda v: lambda state: proposals.pause(state, v), OPTIONAL),
    st.builds(lambda v: lambda state: proposals.resume(state, v), OPTIONAL),
    st.builds(
        lambda v, role: lambda state: proposals.exclude(state, v, role, 0, "gone"),
        VERSIONS,
        st.sampled_from(["answering", "shadow"]),
    ),
    st.builds(lambda v: lambda state: proposals.prune(state, v), VERSIONS),
)


MIN_SENTENCE = 20


def answer(request: Callable[[State], Draft | None], state: State) -> Draft | str | None:
    """The draft, or the text of the refusal."""
    try:
        return request(state)
    except Refused as refused:
        return str(refused)


@settings(max_examples=200, deadline=None)
@given(st.lists(REQUESTS, min_size=10, max_size=40))
def test_whatever_is_asked_for_takes_effect_or_is_refused_in_a_sentence(
    requests: list[Callable[[State], Draft | None]],
) -> None:
    story = Story()
    story.begins(V1)
    for request in requests:
        draft = answer(request, story.state)
        if isinstance(draft, Draft):
            before = story.state
            assert story.does(draft) != before
        elif draft is not None:
            assert len(draft) > MIN_SENTENCE
            assert "None" not in draft
