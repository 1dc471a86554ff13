from __future__ import annotations

from support.demo_run import HALF, DemoRun, begun, comparison, finished, prediction

from understudy.app.demo.orders import deploy, rollback
from understudy.app.demo.proof import moved_back, proof
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR
from understudy.deployments.plan import Canary, Plan


def test_a_run_in_which_all_went_well_is_sound() -> None:
    found = proof(finished().course)

    assert found.is_sound
    assert found.is_exactly_once
    assert found.is_by_the_right_version
    assert found.adds_up
    assert (found.flights, found.unanswered, found.doubled, found.failed, found.strangers) == (210, 0, 0, 0, 0)
    assert (found.misrouted, found.misplaced, found.usurped, found.reclaimed) == (0, 0, 0, 0)
    assert found.routed > 210
    assert (found.in_flight, found.residual) == (0, 0)
    assert found.delay_p50_ms == found.delay_p99_ms == 500.0


def test_nothing_at_all_is_not_sound() -> None:
    assert not proof(DemoRun().course).is_sound


def test_an_event_that_is_not_answered_is_noticed() -> None:
    run = finished()
    run.send()

    found = proof(run.course)

    assert (found.unanswered, found.is_exactly_once, found.is_sound) == (1, False, False)


def test_an_answer_by_the_wrong_side_of_a_split_is_noticed() -> None:
    run = begun()
    plan = Plan(2, FIRST, (), Canary(BETTER, HALF), 7)
    run.change(deploy(BETTER, "canary", "50"), plan)
    run.fly(10)
    for flight in run.send(10):
        run.answer(flight, FIRST)

    found = proof(run.course)

    assert 0 < found.misrouted < 10
    assert not found.is_by_the_right_version


def test_an_answer_under_another_plan_than_the_routers_rows_have_is_noticed() -> None:
    run = finished()
    (flight,) = run.send()

    run.figures.prediction(prediction(BETTER, flight, late=True, revision=9), run.now_s)

    assert (proof(run.course).misplaced, proof(run.course).misrouted) == (1, 0)


def test_an_answer_under_a_plan_that_nobody_made_is_noticed() -> None:
    run = finished()
    (flight,) = run.send()

    run.figures.prediction(prediction(BETTER, flight, late=True, revision=99), run.now_s)

    assert (proof(run.course).misplaced, proof(run.course).misrouted) == (1, 1)


def test_production_may_answer_for_a_version_that_was_taken_back_and_nobody_else_may() -> None:
    run = begun()
    run.change(deploy(BROKEN, "basic"), Plan(2, BROKEN))
    owed, other = run.send(2)
    run.change(rollback(BROKEN), Plan(3, FIRST))
    for flight, version in ((owed, FIRST), (other, REFACTOR)):
        row = prediction(version, flight, late=True, revision=2, routed_version=BROKEN)
        run.figures.prediction(row, run.now_s)

    found = proof(run.course)

    assert (found.reclaimed, found.usurped, found.misrouted) == (2, 1, 0)
    assert found.delay_p99_ms == 500.0


def test_a_residual_of_the_ledger_is_noticed() -> None:
    run = finished()
    run.add(comparison(FIRST, {"unexpected": 1}))

    assert (proof(run.course).residual, proof(run.course).is_sound) == (1, False)


def test_a_plane_that_leaves_the_canary_again_is_noticed() -> None:
    run = finished()
    moved, planes = moved_back(run.course, BETTER)
    assert moved == 0
    assert planes >= 20

    run = begun()
    run.change(deploy(BETTER, "canary", "100"), Plan(2, FIRST, (), Canary(BETTER, 1_000_000), 7))
    run.fly(10)
    run.change(deploy(BETTER, "canary", "50"), Plan(3, FIRST, (), Canary(BETTER, HALF), 7))
    for earlier in list(run.figures.answers_in(2)):
        again = prediction(FIRST, earlier.sent.flight, late=True, revision=3)  # type: ignore[arg-type]  # ours
        (flight,) = run.send()
        run.figures.sent[flight.event_id] = run.sent(flight)._replace(flight=earlier.sent.flight)
        run.figures.prediction({**again, "event_id": flight.event_id}, run.now_s)

    assert moved_back(run.course, BETTER) == (10, 10)
