from __future__ import annotations

from dataclasses import replace

import pytest
from support.supervising import CANDIDATE, PRODUCTION, V1, V2, World

from understudy.app.supervising.launching import FENCED, Launch
from understudy.app.supervising.wanted import Key
from understudy.core.log.errors import Fenced
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Canary, Plan


@pytest.fixture
def world() -> World:
    plan = Plan(2, V1, canary=Canary(V2, 50_000))
    return World(State(3, plan, {V1: Standing("production", "a"), V2: Standing("canary", "b")}))


def test_a_worker_is_launched_for_each_version_and_runs_once_it_says_so(world: World) -> None:
    assert world.look() == {PRODUCTION: "starting", CANDIDATE: "starting"}
    assert [child.launch for child in world.children] == [
        Launch(V1, "production", "pod-0"),
        Launch(V2, "candidate", "pod-0"),
    ]

    world.child(V1).ready = True

    assert world.look() == {PRODUCTION: "running", CANDIDATE: "starting"}


def test_production_is_ready_when_its_worker_runs(world: World) -> None:
    assert "no version is in production" in world.supervisor.unready(State())
    assert world.supervisor.unready(world.state) == "the worker of flights:v1 is not there yet"
    world.look()
    assert world.supervisor.unready(world.state) == "the worker of flights:v1 is starting"
    world.child(V1).ready = True
    world.look()
    assert world.supervisor.unready(world.state) == ""
    world.child(V1).ready = False
    world.look()
    assert world.supervisor.unready(world.state) == "the worker of flights:v1 is starting"


def test_who_dies_is_launched_again_after_a_while_with_care(world: World) -> None:
    world.look()
    world.die(V1)

    assert world.look()[PRODUCTION] == "backing off"
    assert world.look(0.3)[PRODUCTION] == "backing off"
    assert world.look(0.3)[PRODUCTION] == "starting"
    assert world.child(V1).launch == Launch(V1, "production", "pod-0", careful=True)


def test_who_ends_by_itself_though_it_is_wanted_is_launched_again_without_care(world: World) -> None:
    world.look()
    world.die(V2, 0)
    world.look()
    world.look(1)

    assert world.child(V2).launch == Launch(V2, "candidate", "pod-0")
    assert len(world.children) == 3


def test_a_candidate_that_dies_too_often_is_given_up_and_paused_and_production_never(world: World) -> None:
    world.look()
    for _ in range(5):
        world.die(V1)
        world.die(V2, 1)
        world.look(11)
        world.look(11)

    assert world.supervisor.lives == {PRODUCTION: "starting", CANDIDATE: "given up"}
    assert len([child for child in world.children if child.launch.version == V2]) == 4
    assert world.paused == [(V2, "its worker died 4 times within 300 s; the last one exited with status 1")]


def give_up(world: World) -> None:
    world.look()
    while world.supervisor.lives[CANDIDATE] != "given up":
        world.die(V2)
        world.look(11)
        world.look(11)


def test_a_pause_that_could_not_be_noted_is_noted_later(world: World) -> None:
    world.noted_at = None
    give_up(world)
    world.look()
    world.noted_at = 4
    before = len(world.paused)
    world.look(11)
    world.look(11)
    world.look(11)

    assert len(world.paused) == before + 1


def test_a_pause_that_takes_long_is_asked_for_once_and_others_are_looked_after(world: World) -> None:
    world.unanswered = {V2}
    give_up(world)
    world.die(V1)
    world.look(11)

    assert world.look(11) == {PRODUCTION: "starting", CANDIDATE: "given up"}
    assert len(world.paused) == 1


def prepared(world: World) -> None:
    """The candidate's workers are started, and no plan has it yet."""
    world.stands(V2, stage="prepared", prepared_for="canary")


def launches(world: World, version: str) -> int:
    return len([child for child in world.children if child.launch.version == version])


def test_a_prepared_candidate_that_keeps_dying_is_tried_until_its_cause_is_corrected(world: World) -> None:
    prepared(world)
    world.look()
    for number in range(30):
        world.die(V2)
        world.look()
        world.look(10)
        assert launches(world, V2) == number + 2

    world.child(V2).ready = True

    assert world.look()[CANDIDATE] == "running"
    assert world.paused == []


def test_a_prepared_candidate_that_keeps_dying_is_paused_when_it_is_planned_nevertheless(world: World) -> None:
    prepared(world)
    world.look()
    for _ in range(10):
        world.die(V2)
        world.look()
        world.look(10)
    world.die(V2)
    world.look()

    world.stands(V2, stage="canary", prepared_for=None)
    assert world.look()[CANDIDATE] == "given up"
    world.look()

    assert world.paused == [(V2, "its worker died 11 times within 300 s; the last one was killed by SIGKILL")]
    world.stands(V2, paused="it died")
    assert world.look(600)[CANDIDATE] == "given up"


def test_a_candidate_that_was_given_up_and_is_prepared_anew_is_tried_again(world: World) -> None:
    world.noted_at = None
    give_up(world)
    prepared(world)

    assert world.look()[CANDIDATE] == "starting"


def test_a_person_who_resumes_it_lets_a_candidate_try_again(world: World) -> None:
    give_up(world)
    world.look(600)
    world.stands(V2, paused="it died")
    assert world.look(600)[CANDIDATE] == "given up"
    world.stands(V2, paused="")

    assert world.look()[CANDIDATE] == "starting"
    world.die(V2)
    assert world.look()[CANDIDATE] == "backing off"


def test_a_pause_that_is_over_before_it_was_seen_counts_too(world: World) -> None:
    give_up(world)
    assert world.look(600)[CANDIDATE] == "given up"
    world.state = replace(world.state, sequence=5)

    assert world.look()[CANDIDATE] == "starting"


@pytest.mark.parametrize("version", [V1, V2])
def test_what_cannot_be_launched_is_tried_again_later_and_others_stay(world: World, version: str) -> None:
    key, other = (PRODUCTION, CANDIDATE) if version == V1 else (CANDIDATE, PRODUCTION)
    world.refuses_to_launch = version
    world.look()
    assert world.look() == {key: "backing off", other: "starting"}
    assert world.look(1)[key] == "starting"
    assert world.look() == {key: "backing off", other: "starting"}

    world.refuses_to_launch = ""

    assert world.look(5) == {key: "starting", other: "starting"}
    assert not world.child(version).launch.careful


def test_what_could_not_be_launched_can_be_ended(world: World) -> None:
    world.refuses_to_launch = V2
    world.look()
    world.supervisor.stop(world.now_s)
    world.die(V1, 0)

    assert not world.supervisor.stopping(world.now_s)


def test_deaths_far_apart_are_no_reason_to_give_up(world: World) -> None:
    world.look()
    for _ in range(10):
        world.die(V2)
        world.look(101)
        assert world.look(1)[CANDIDATE] == "starting"


def test_a_withdrawn_worker_is_told_to_stop_and_killed_if_it_does_not_and_then_reclaimed(world: World) -> None:
    world.look()
    world.child(V2).ready = True
    world.look()
    world.stands(V2, stage="withdrawn", since_revision=3)
    candidate = world.child(V2)

    assert world.look()[CANDIDATE] == "stopping"
    assert candidate.told == ["terminate"]
    world.look(1.5)
    assert candidate.told == ["terminate"]
    world.look(0.6)
    assert candidate.told == ["terminate", "kill"]
    assert world.look() == {PRODUCTION: "starting", Key(V2, "reclaimer", 3): "starting"}
    assert world.child(V2).launch == Launch(V2, "reclaimer", "pod-0")


def test_a_reclaimer_has_time_to_end_when_nothing_is_owed_any_more(world: World) -> None:
    world.stands(V2, stage="withdrawn", since_revision=3)
    world.look()
    reclaimer = world.child(V2)
    world.settled = {V2}

    world.look()
    world.look(7.0)

    assert reclaimer.told == ["terminate"]


def test_a_reclaimer_that_is_done_is_not_launched_again_but_one_that_died_is(world: World) -> None:
    world.stands(V2, stage="withdrawn", since_revision=3)
    world.look()
    world.die(V2, 1)
    world.look()
    assert world.look(1)[Key(V2, "reclaimer", 3)] == "starting"
    world.die(V2, 0)

    assert world.look(1) == world.look(60) == {PRODUCTION: "starting"}
    world.stands(V2, since_revision=9)
    assert world.look()[Key(V2, "reclaimer", 9)] == "starting"


def test_nothing_is_launched_for_a_version_that_owes_nothing(world: World) -> None:
    world.stands(V2, stage="withdrawn", since_revision=3)
    world.settled = {V2}

    assert world.look() == {PRODUCTION: "starting"}


@pytest.mark.parametrize("stage", ["retired", "withdrawn"])
def test_nothing_is_launched_for_a_version_while_it_is_not_known_what_it_owes(world: World, stage: str) -> None:
    world.stands(V2, stage=stage, since_revision=3)
    world.unanswered = {V2}
    assert world.look() == {PRODUCTION: "starting"}

    world.unanswered = set()

    assert len(world.look()) == 2


def test_who_is_there_stays_while_it_is_not_known_what_its_version_owes(world: World) -> None:
    world.look()
    world.stands(V1, stage="retired", since_revision=3)
    world.unanswered = {V1}

    assert world.look()[PRODUCTION] == "starting"


def test_a_retired_worker_stays_until_its_version_owes_nothing(world: World) -> None:
    world.look()
    world.stands(V1, stage="retired", since_revision=3)
    assert world.look()[PRODUCTION] == "starting"

    world.settled = {V1}

    assert world.look()[PRODUCTION] == "stopping"
    world.die(V1, 0)
    assert PRODUCTION not in world.look()


def test_a_candidate_that_becomes_production_is_replaced_without_a_gap(world: World) -> None:
    world.look()
    old = world.child(V2)
    old.ready = True
    world.look()
    world.stands(V2, prepared_for="production")
    promoted = Key(V2, "production")

    assert world.look() == {PRODUCTION: "starting", CANDIDATE: "running", promoted: "starting"}
    world.child(V2).ready = True
    assert old.told == []
    world.look()
    world.look()
    assert old.told == ["terminate"]
    old.code = 0
    assert world.look() == {PRODUCTION: "starting", promoted: "running"}


def test_a_slot_that_is_taken_away_again_and_again_is_somebody_elses(world: World) -> None:
    world.look()
    for _ in range(2):
        world.die(V1, FENCED)
        world.look()
        world.look(5)
    assert not world.child(V1).launch.careful
    world.die(V1, FENCED)
    world.look()

    with pytest.raises(Fenced, match="Another supervisor runs as pod-0"):
        world.look(5)


def test_stopping_waits_for_everybody_and_kills_who_takes_too_long(world: World) -> None:
    world.look()
    world.child(V2).ready = True
    world.look()
    production, candidate = world.child(V1), world.child(V2)

    world.supervisor.stop(world.now_s)
    candidate.code = 0

    assert world.supervisor.stopping(world.now_s + 7)
    assert (production.told, candidate.told) == (["terminate"], ["terminate"])
    assert world.supervisor.stopping(world.now_s + 9)
    assert production.told == ["terminate", "kill"]
    assert not world.supervisor.stopping(world.now_s + 9.1)


def test_who_is_not_running_needs_no_stopping(world: World) -> None:
    world.look()
    world.die(V1)
    world.die(V2)
    world.look()

    world.supervisor.stop(world.now_s)

    assert not world.supervisor.stopping(world.now_s)
