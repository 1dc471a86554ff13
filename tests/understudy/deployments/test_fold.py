from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support.fold_model import FoldModel
from support.fold_wishes import WISHES, Wish
from support.story import V1, V2, V3, Story, digest

from understudy.deployments import proposals
from understudy.deployments.events import Draft, Event
from understudy.deployments.fold import Standing, State, apply, freeze
from understudy.deployments.plan import Canary, Plan


def refusal(state: State, draft: Draft, *, late: int = 0) -> str:
    """Why an event has no effect; the state stays as it is."""
    applied = apply(state, draft.signed("x", state.sequence + 1 - late, 0, "bob"))
    assert applied.refusal
    assert applied.state == state
    return applied.refusal


def planned(plan: Plan, action: str = "basic") -> Draft:
    return Draft("planned", version=plan.production, action=action, plan=plan)


@pytest.fixture
def story() -> Story:
    story = Story()
    story.begins(V1)
    return story


# What events do.


def test_a_prepared_version_has_workers_and_no_records() -> None:
    state = Story().prepares(V1, "production")

    assert state.versions == {V1: Standing("prepared", digest(V1), "production")}
    assert state.plan is None
    assert state.wanted_workers() == {V1: "production"}


def test_the_first_plan_makes_a_version_production(story: Story) -> None:
    assert story.state.plan == Plan.basic(1, V1)
    assert story.state.versions == {V1: Standing("production", digest(V1), since_revision=1)}
    assert (story.state.sequence, story.state.revision, story.state.previous) == (2, 1, None)


def test_a_promotion_retires_the_version_before_which_drains_by_itself(story: Story) -> None:
    story.shadows(V2)
    state = story.does(proposals.promote(story.state))

    assert state.stage(V1) == "retired"
    assert state.versions[V1].since_revision == 3
    assert state.previous == V1
    assert state.wanted_workers() == {V1: "draining", V2: "production"}
    assert state.to_reclaim() == ()


def test_a_rollback_of_production_restores_the_version_before_and_withdraws_the_other(story: Story) -> None:
    story.tries(V2)
    story.does(proposals.promote(story.state))
    state = story.does(proposals.rollback(story.state, reason="wrong"))

    assert (state.stage(V1), state.stage(V2)) == ("production", "withdrawn")
    assert state.previous is None
    assert state.wanted_workers() == {V1: "production"}
    assert state.to_reclaim() == (V2,)


def test_a_shadow_that_is_prepared_to_be_production_gets_the_workers_of_production_before_the_plan(
    story: Story,
) -> None:
    story.shadows(V2)
    state = story.prepares(V2, "production")

    assert state.stage(V2) == "shadow"
    assert state.wanted_workers() == {V1: "production", V2: "production"}
    assert story.prepares(V2, "shadow").wanted_workers() == {V1: "production", V2: "shadow"}


def test_pruned_versions_need_nobody(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))
    story.prepares(V3, "shadow")
    story.does(proposals.rollback(story.state, V3))
    story.does(proposals.prune(story.state, V1))
    state = story.does(proposals.prune(story.state, V3))

    assert state.wanted_workers() == {V2: "production"}
    assert state.to_reclaim() == ()
    assert state.previous is None


def test_a_version_that_comes_back_is_prepared_like_a_new_one(story: Story) -> None:
    story.tries(V2)
    story.does(proposals.pause(story.state))
    story.does(proposals.rollback(story.state))
    story.does(proposals.prune(story.state, V2))
    state = story.prepares(V2, "canary")

    assert state.versions[V2] == Standing("prepared", digest(V2), "canary", since_revision=3)
    assert state.to_reclaim() == ()


def test_an_exclusion_pauses_the_candidate_and_lasts_until_its_lane_leaves(story: Story) -> None:
    story.tries(V2)
    state = story.does(proposals.exclude(story.state, V2, "answering", 3, "topic is gone"))

    assert state.versions[V2].excluded == {("answering", 3)}
    assert state.versions[V2].paused == "topic is gone"
    state = story.does(proposals.deploy_shadow(state, V2))
    assert state.versions[V2].excluded == frozenset()
    assert state.versions[V2].paused == "topic is gone"


def test_an_excluded_mirror_pauses_the_canary_and_not_production(story: Story) -> None:
    story.tries(V2)
    story.does(proposals.exclude(story.state, V1, "shadow", 0, "full"))
    state = story.does(proposals.exclude(story.state, V1, "shadow", 1, "full as well"))

    assert state.versions[V1].excluded == {("shadow", 0), ("shadow", 1)}
    assert (state.versions[V1].paused, state.versions[V2].paused) == ("", "full")
    assert story.does(proposals.rollback(state)).versions[V1].excluded == frozenset()


def test_a_preparation_that_is_taken_back_ends_at_the_revision_of_then(story: Story) -> None:
    story.prepares(V3, "shadow")
    story.shadows(V2)
    state = story.does(Draft("withdrawn", version=V3))

    assert state.versions[V3] == Standing("withdrawn", digest(V3), since_revision=2)


def test_a_resumed_version_goes_on(story: Story) -> None:
    story.tries(V2, 10_000)
    story.does(proposals.pause(story.state, reason="lunch"))
    story.does(proposals.resume(story.state))
    state = story.does(proposals.deploy_canary(story.state, V2, 20_000))

    assert state.plan is not None
    assert state.plan.canary == Canary(V2, 20_000)


# What is refused.


def test_who_comes_too_late_is_superseded(story: Story) -> None:
    text = refusal(story.state, Draft("prepared", version=V2, sha256="x", action="shadow"), late=1)

    assert text == "superseded: it was written as event 2, when 2 was past"


def test_an_event_from_a_future_that_did_not_come_is_superseded(story: Story) -> None:
    text = refusal(story.state, Draft("prepared", version=V2, sha256="x", action="shadow"), late=-1)

    assert text == "superseded: it was written as event 4, when 2 was past"


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (planned(Plan.basic(2, V2)), f"{V2} was never prepared, so it cannot be promoted: prepare it first"),
        (planned(Plan.basic(3, V1)), "the next plan is revision 2, and the event has revision 3"),
        (planned(Plan.basic(1, V1)), "the next plan is revision 2, and the event has revision 1"),
        (Draft("planned", version=V1, action="basic"), "the event has no plan"),
        (Draft("prepared", version=V2, action="shadow"), "without its artifact's sha256"),
        (Draft("prepared", version=V2, sha256="x", action="mirror"), "for no part of a plan"),
        (Draft("prepared", version="v2", sha256="x", action="shadow"), "'v2' names no version"),
        (Draft("prepared", version=V1, sha256=digest(V1), action="production"), "is production, so it cannot be prep"),
        (Draft("paused"), "names a version, and this one does not"),
        (Draft("paused", version=V1), "production is rolled back instead"),
        (Draft("paused", version=V2), "was never prepared"),
        (Draft("withdrawn", version=V1), "only a plan without it takes it back"),
        (Draft("withdrawn", version=V2), "there is nothing to take back"),
        (Draft("pruned", version=V1), "roll it back, or promote another version"),
        (Draft("excluded", version=V1, details={"role": "answering", "partition": "0"}), "production's own lane"),
        (Draft("excluded", version=V1, details={"role": "shadow", "partition": "0"}), "has no lane shadow"),
        (Draft("excluded", version=V1, details={"role": "answering", "partition": "x"}), "has no lane answering"),
        (Draft("excluded", version=V1), "has no lane None"),
    ],
)
def test_what_the_life_cycle_forbids_is_refused(story: Story, draft: Draft, message: str) -> None:
    assert message in refusal(story.state, draft)


def test_the_artifact_of_a_version_in_the_plan_stays(story: Story) -> None:
    story.shadows(V2)

    text = refusal(story.state, Draft("prepared", version=V2, sha256="other", action="canary"))
    assert "register the new artifact under a version of its own" in text


def test_a_version_that_left_may_come_back_with_another_artifact(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.rollback(story.state, V2))
    state = story.does(Draft("prepared", version=V2, sha256="other", action="shadow"))

    assert state.versions[V2].sha256 == "other"


def test_a_paused_canary_is_neither_raised_nor_promoted_but_lowered(story: Story) -> None:
    story.tries(V2, 50_000)
    story.does(proposals.pause(story.state, reason="errors"))
    higher, lower = (Plan(3, V1, (), Canary(V2, share)) for share in (60_000, 40_000))

    assert f"{V2} is paused (errors), so its share cannot be raised" in refusal(story.state, planned(higher, "canary"))
    assert "so it cannot be promoted: resume it first" in refusal(story.state, planned(Plan.basic(3, V2), "promote"))
    assert story.does(planned(lower, "canary")).versions[V2].paused == "errors"


def test_a_paused_shadow_gets_no_share(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.pause(story.state))

    assert "so it cannot be made the canary" in refusal(story.state, planned(Plan(3, V1, (), Canary(V2, 1)), "canary"))


def test_a_version_whose_partitions_are_excluded_does_not_become_production(story: Story) -> None:
    story.tries(V2)
    story.does(proposals.exclude(story.state, V2, "answering", 0, "gone"))
    story.does(proposals.resume(story.state))

    assert f"partitions of {V2} are excluded" in refusal(story.state, planned(Plan.basic(3, V2), "promote"))


def test_a_version_that_was_not_before_is_not_restored(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))

    assert "is retired, for another version was promoted, so it cannot be promoted" in refusal(
        story.state, planned(Plan.basic(4, V1), "promote")
    )


def test_a_pruned_version_is_not_restored(story: Story) -> None:
    story.shadows(V2)
    story.does(proposals.promote(story.state))
    story.does(proposals.prune(story.state, V1))

    assert f"the topics of {V1} are gone" in refusal(story.state, planned(Plan.basic(4, V1), "rollback"))
    assert f"the topics of {V1} are gone already" in refusal(story.state, Draft("pruned", version=V1))


# What is not understood.


@pytest.mark.parametrize(
    ("event", "what"),
    [
        (Event("x", 3, "approved", 0, "bob", version=V1), "event 3 is of a kind that is not known here: 'approved'"),
        (Event("x", 3, "planned", 0, "bob", action="swap", plan=Plan.basic(2, V1)), "'planned by swap'"),
    ],
)
def test_an_unknown_event_freezes_and_production_goes_on(story: Story, event: Event, what: str) -> None:
    applied = apply(story.state, event)

    assert what in applied.state.frozen
    assert "a newer Understudy wrote it" in applied.state.frozen
    assert "the plan of revision 1 stays in force" in applied.state.frozen
    assert applied.refusal == applied.state.frozen
    assert replace(applied.state, frozen="") == story.state


def test_nothing_takes_effect_any_more_when_frozen(story: Story) -> None:
    frozen = freeze(story.state, "the record at offset 9 is no event").state

    for sequence in (3, 4):
        applied = apply(frozen, Event("y", sequence, "prepared", 0, "bob", "", V2, "sha", "shadow"))
        assert applied.state == frozen
        assert applied.refusal.startswith("nothing takes effect any more: the record at offset 9 is no event")
    assert freeze(frozen, "another").state == frozen


def test_an_unknown_event_that_comes_too_late_is_ignored(story: Story) -> None:
    applied = apply(story.state, Event("x", 2, "approved", 0, "bob"))

    assert applied.state == story.state
    assert applied.refusal.startswith("superseded")


# Any events at all.


@settings(max_examples=300, deadline=None)
@given(WISHES)
def test_the_fold_does_what_a_simple_model_does(wishes: list[Wish]) -> None:
    state, model = State(), FoldModel()
    for wish in wishes:
        event = wish.event(model)
        before, took = state, model.take(event)
        state, refused = (applied := apply(state, event)).state, applied.refusal
        assert (refused == "") is took, (event, refused)
        assert took or state == before
        assert_like(state, model)


def assert_like(state: State, model: FoldModel) -> None:
    versions = state.versions
    assert (state.sequence, state.plan, state.previous) == (model.sequence, model.plan, model.previous)
    assert {version: each.stage for version, each in versions.items()} == model.stage
    assert {version: each.sha256 for version, each in versions.items()} == model.sha256
    assert {version for version, each in versions.items() if each.paused} == model.paused
    assert {version for version, each in versions.items() if each.pruned} == model.pruned
    assert {(version, *at) for version, each in versions.items() for at in each.excluded} == model.excluded


@given(WISHES)
def test_only_the_events_that_took_effect_make_the_state(wishes: list[Wish]) -> None:
    state, model, effective = State(), FoldModel(), []
    for wish in wishes:
        event = wish.event(model)
        if model.take(event):
            effective.append(event)
        state = apply(state, event).state
    again = State()
    for event in effective:
        for told in (event, event):  # a second copy is superseded by the first
            again = apply(again, told).state

    assert again == state
    assert state.sequence == len(effective)


@given(WISHES)
def test_whoever_is_in_the_plan_and_nobody_else_has_its_stage_and_workers(wishes: list[Wish]) -> None:
    state, model = State(), FoldModel()
    for wish in wishes:
        event = wish.event(model)
        model.take(event)
        state = apply(state, event).state
    in_plan = dict.fromkeys(state.plan.versions) if state.plan else {}

    assert {version for version, each in state.versions.items() if each.is_in_plan} == set(in_plan)
    for version in in_plan:
        assert state.plan is not None
        assert state.stage(version) == state.plan.part_of(version)
    assert set(in_plan) <= set(state.wanted_workers())
    assert not set(state.wanted_workers()) & set(state.to_reclaim())
    assert all(each.since_revision <= state.revision for each in state.versions.values())
