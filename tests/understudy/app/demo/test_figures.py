from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.demo_run import DemoRun, Flight, adopted, begun, comparison, example, prediction

from understudy.app.demo.figures import Adopted, Answers, Figures, Meter, Opinion, longest_gap_ms, quantile, right
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST
from understudy.deployments.plan import Plan


def test_answers_are_right_or_not_where_the_truth_is_known() -> None:
    answers = Answers()
    for truth in (True, False, None):
        answers.add({"outcome": "answered", "label": True}, truth)
    answers.add({"outcome": "failed", "label": None}, truth=True)

    assert answers == Answers(answered=3, failed=1, judged=2, right=1)
    assert answers.accuracy == 0.5
    assert Answers().accuracy is None


def test_an_answer_is_kept_with_its_flight_and_its_delay() -> None:
    run = DemoRun()
    (flight,) = run.send()

    run.figures.prediction(prediction(FIRST, flight, late=True), run.now_s + 0.25)

    answer = run.figures.answers[0]
    assert run.figures.latest is answer
    assert (answer.sent.flight, answer.routed, answer.partition, answer.offset) == (flight, FIRST, 0, 0)
    assert answer.opinion == Opinion(FIRST, 1, late=True, chance=0.9)
    assert answer.delay_ms == pytest.approx(250.0)
    assert answer.is_right
    assert not answer.is_reclaimed
    assert run.figures.recent_delay_ms() == answer.delay_ms
    assert not run.figures.waiting


def test_what_is_not_answered_waits_in_the_order_of_writing() -> None:
    run = DemoRun()
    first, second, third = run.send(3)

    run.answer(second, FIRST)

    assert [sent.flight for sent in run.figures.waiting.values()] == [first, third]


def test_a_second_row_for_a_flight_is_counted_as_one_too_many() -> None:
    run = begun()

    run.answer(Flight(3), FIRST)

    assert (len(run.figures.answers), run.figures.doubled) == (10, 1)


def test_rows_of_no_flight_of_ours_are_counted() -> None:
    figures = Figures()

    figures.prediction(prediction(FIRST, Flight(1), late=True), 0.0)
    figures.shadow_prediction(prediction(FIRST, Flight(1), late=True))

    assert (figures.strangers, figures.answers, figures.opinions) == (1, {}, {})


def test_an_error_row_is_an_answer_that_is_not_right() -> None:
    run = DemoRun()
    (flight,) = run.send()

    run.answer(flight, FIRST, outcome="failed", label=None, probabilities=None)

    assert run.figures.failed == 1
    assert run.figures.answers[0].is_right is False


def test_an_answer_by_another_version_than_was_asked_is_reclaimed() -> None:
    run = DemoRun()
    (flight,) = run.send()

    run.answer(flight, BETTER, routed_version=BROKEN)

    assert run.figures.answers[0].is_reclaimed
    assert run.figures.count_in(1, BETTER) == 1
    assert run.figures.count_in(1, BROKEN) == 0


def test_answers_are_counted_and_found_by_the_plan_under_which_they_were_asked_for() -> None:
    run = DemoRun()
    flights = run.send(3)
    for flight, revision in zip(reversed(flights), (2, 1, 2), strict=True):
        run.figures.prediction(prediction(FIRST, flight, late=True, revision=revision), 0.0)

    assert [answer.sent.number for answer in run.figures.answers_in(2)] == [0, 2]
    assert [run.figures.count_in(revision) for revision in (1, 2, 3)] == [1, 2, 0]


def test_opinions_that_users_do_not_read_are_kept_and_withdrawn_ranges_are_none() -> None:
    run = DemoRun()
    (flight,) = run.send()

    run.overhear(flight, BROKEN)
    run.figures.shadow_prediction(prediction(BROKEN, flight, late=True, outcome="withdrawn"))

    assert run.figures.opinions == {0: [Opinion(BROKEN, 1, late=False, chance=0.1)]}


def test_where_plans_were_taken_up_is_kept() -> None:
    figures, plan = Figures(), Plan(2, FIRST)

    figures.route(adopted(plan, 17))
    figures.route({"kind": "frame", "plan": None})

    assert figures.adopted == [Adopted(0, 17, plan)]


def test_examples_that_differ_are_kept_by_version_and_plan() -> None:
    run = DemoRun()
    (flight,) = run.send()
    examples = [
        example(flight, production=0.9, candidate=0.1),
        example(flight, production=0.9, candidate=0.1, kind="failed_candidate"),
        example(Flight(99), production=0.9, candidate=0.1),
    ]

    run.figures.comparison(comparison(BROKEN, {}, examples=examples, revision=4))
    run.figures.comparison(comparison(BROKEN, {}, examples=examples, revision=4, slice="origin=JFK"))

    assert {at: [each.flight for each in found] for at, found in run.figures.differing.items()} == {
        (BROKEN, 4): [flight]
    }


def test_of_an_unknown_arrival_nobody_knows_who_was_right() -> None:
    class Diverted(Flight):
        late = None

    assert right(Opinion(FIRST, 1, late=True, chance=None), Diverted(1)) is None


def test_a_meter_tells_how_fast_it_goes_now() -> None:
    meter = Meter(window_s=3.0)

    assert meter.rate_per_s(0, 0.0) == 0.0
    assert meter.rate_per_s(100, 2.0) == 50.0
    assert meter.rate_per_s(400, 4.0) == pytest.approx(150.0)
    assert meter.rate_per_s(400, 60.0) == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], q: float) -> None:
    found = quantile(values, q)

    assert found in values
    assert sum(value <= found for value in values) >= q * len(values)
    assert sum(value < found for value in values) < max(1, q * len(values))


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile([], 0.5) is None


def test_the_longest_gap_is_one_that_touches_the_span() -> None:
    times_s = [0.0, 5.0, 5.1, 5.4, 5.5, 9.0]

    assert longest_gap_ms(times_s, 5.05, 5.45) == pytest.approx(300.0)
    assert longest_gap_ms(times_s, 4.0, 5.45) == pytest.approx(5_000.0)
    assert longest_gap_ms(times_s, 5.05, 6.0) == pytest.approx(3_500.0)
    assert longest_gap_ms([1.0], 0.0, 9.0) is None
