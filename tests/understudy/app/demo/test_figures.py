from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.demo_run import DemoRun, Flight, comparison, example, prediction

from understudy.app.demo import scenery
from understudy.app.demo.figures import Answers, Meter, quantile

PRODUCTION, BROKEN = scenery.PRODUCTION, scenery.BROKEN


def test_answers_are_right_or_not_where_the_truth_is_known() -> None:
    run = DemoRun([Flight(0, late=True), Flight(1, late=False), Flight(2, late=None)])

    for flight in run.flights:
        run.figures.prediction(prediction(PRODUCTION, flight, late=True), 0.0)

    assert run.figures.answers[PRODUCTION] == Answers(answered=3, judged=2, right=1)
    assert run.figures.answers[PRODUCTION].accuracy == 0.5


def test_nothing_is_right_or_wrong_before_there_is_an_answer() -> None:
    assert Answers().accuracy is None


def test_an_error_row_is_no_answer() -> None:
    run = DemoRun()

    run.figures.prediction(prediction(PRODUCTION, run.flights[0], late=True, outcome="failed", label=None), 0.0)

    assert run.figures.answers[PRODUCTION] == Answers(failed=1)
    assert len(run.figures.seen) == 1


def test_a_second_row_for_an_event_is_counted_as_one_too_many() -> None:
    run = DemoRun()

    for _ in range(2):
        run.figures.prediction(prediction(PRODUCTION, run.flights[0], late=True), 0.0)

    assert (len(run.figures.seen), run.figures.doubled) == (1, 1)


def test_an_answer_of_a_shadow_among_the_users_is_noticed() -> None:
    run = DemoRun()

    run.figures.prediction(prediction(BROKEN, run.flights[0], late=True), 0.0)
    run.figures.shadow_prediction(prediction(BROKEN, run.flights[1], late=True))

    assert run.figures.touched == 1


def test_a_delay_runs_from_writing_an_event_to_its_visible_answer() -> None:
    run = DemoRun()
    run.figures.produced(run.flights[0].event_id, 10.0)

    run.figures.prediction(prediction(PRODUCTION, run.flights[0], late=True), 10.25)
    run.figures.prediction(prediction(PRODUCTION, run.flights[1], late=True), 99.0)

    assert run.figures.delays_ms == [250.0]


def test_the_recent_delay_forgets_the_slow_start() -> None:
    run = DemoRun()
    assert run.figures.recent_delay_ms() is None

    run.figures.delays_ms += [9_000.0] * 5_000 + [100.0] * 1_000

    assert run.figures.recent_delay_ms() == 100.0


def test_the_latest_answer_is_kept_with_its_flight() -> None:
    run = DemoRun()
    for flight in run.flights[:2]:
        run.figures.prediction(prediction(PRODUCTION, flight, late=True), 0.0)

    latest = run.figures.latest

    assert latest is not None
    assert (latest.flight, latest.row["event_id"]) == (run.flights[1], "flight-1")


def test_examples_that_differ_are_kept_by_shadow() -> None:
    run = DemoRun()
    flight, stranger = run.flights[0], Flight(99)
    examples = [
        example(flight, production=0.9, shadow=0.1),
        example(flight, production=0.9, shadow=0.1, kind="failed_candidate"),
        example(stranger, production=0.9, shadow=0.1),
    ]

    run.figures.comparison(comparison(BROKEN, {}, examples=examples))
    run.figures.comparison(comparison(BROKEN, {}, examples=examples, slice="origin=JFK"))
    run.figures.comparison(comparison(PRODUCTION, {}, examples=examples))

    assert [each.flight for each in run.figures.differing[BROKEN]] == [flight]
    assert run.figures.differing[scenery.REFACTOR] == []


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
