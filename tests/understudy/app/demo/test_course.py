from __future__ import annotations

from support.demo_run import HALF, DemoRun, begun, finished

from understudy.app.demo.course import asked
from understudy.app.demo.orders import deploy
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST
from understudy.deployments.plan import Canary, Plan
from understudy.deployments.routing import bucket


def test_before_the_first_change_there_is_no_plan() -> None:
    assert DemoRun().course.plan is None
    assert DemoRun().course.waiting_for_canary() == []


def test_the_changes_that_deployed_a_version_in_a_way_are_found() -> None:
    course = finished().course

    assert [change.revision for change in course.made_by(BROKEN, "shadow")] == [4]
    assert [change.revision for change in course.made_by(BROKEN, "basic")] == [10]
    assert [change.revision for change in course.made_by(FIRST, "canary")] == []


def test_a_change_knows_when_its_event_was_written() -> None:
    change = finished().course.now

    assert change.began_s < change.planned_s == change.done_s - 0.1


def test_evidence_is_told_of_flights_that_are_all_answered() -> None:
    run = begun()
    fast, _ = run.send(2)
    run.answer(fast, FIRST)

    assert len(run.course.answers(run.course.now)) == 10
    assert run.figures.count_in(1) == 11


def test_whom_a_flight_is_for_follows_from_its_key() -> None:
    run = begun()
    plan = Plan(2, FIRST, (), Canary(BETTER, HALF), 7)

    for sent in run.figures.sent.values():
        expected = BETTER if bucket(sent.flight.key, 7, 0, 0) < HALF else None
        assert asked(plan, sent, 0, 0) == expected
        assert asked(Plan(2, FIRST), sent, 0, 0) is None


def test_what_waits_for_the_canary_is_told_from_what_waits_for_production() -> None:
    run = begun()
    plan = Plan(2, FIRST, (), Canary(BROKEN, HALF), 7)
    run.change(deploy(BROKEN, "canary", "50"), plan)

    flights = run.send(20)

    waiting = [sent.flight for sent in run.course.waiting_for_canary()]
    assert waiting == [flight for flight in flights if bucket(flight.key, 7, 0, 0) < HALF]
    assert 0 < len(waiting) < 20


def test_answers_for_a_version_that_was_taken_back_are_found() -> None:
    run = finished()
    (flight,) = run.send()

    run.answer(flight, BETTER, routed_version=BROKEN)

    assert [answer.sent.flight for answer in run.course.reclaimed(11)] == [flight]
    assert run.course.reclaimed(10) == []
