from __future__ import annotations

import pytest
from support.demo_run import begun, finished

from understudy.app.demo.strategies import strategies


def test_each_strategy_is_measured_over_the_same_number_of_flights() -> None:
    basic, shadow, canary = strategies(finished().course, 10)

    assert [each.strategy for each in (basic, shadow, canary)] == ["basic", "shadow", "canary"]
    assert [each.flights for each in (basic, shadow, canary)] == [10, 10, 10]
    assert [basic.share_ppm, shadow.share_ppm, canary.share_ppm] == [1_000_000, 1_000_000, 500_000]


def test_a_swap_is_cheap_and_touches_everybody() -> None:
    basic, _, _ = strategies(finished().course, 20)

    assert (basic.executions, basic.executions_per_flight) == (20, 1.0)
    assert (basic.touched, basic.wrong, basic.harmed) == (20, 10, None)


def test_a_shadow_costs_a_model_more_and_touches_nobody() -> None:
    _, shadow, _ = strategies(finished().course, 20)

    assert shadow.executions_per_flight == 2.0
    assert (shadow.touched, shadow.wrong, shadow.harmed) == (0, 0, 0)


def test_a_mirrored_canary_costs_and_risks_its_share() -> None:
    run = finished()
    its = run.figures.count_in(8, "flights:v3_hours")

    _, _, canary = strategies(run.course, 1_000)

    assert canary.touched == its
    assert canary.executions_per_flight == pytest.approx(1 + its / 20)
    assert canary.wrong == canary.harmed
    assert 0 < canary.wrong < its


def test_before_the_broken_version_is_released_there_is_nothing_to_measure() -> None:
    assert strategies(begun().course, 10) == ()
