from __future__ import annotations

from understudy.app.supervising.restarts import Restarts


def test_waits_double_up_to_the_longest_and_begin_anew_after_a_healthy_minute() -> None:
    restarts, waits_s = Restarts(), []
    for lived_s in (0, 1, 1, 1, 1, 1, 1, 61, 1):
        restarts = restarts.died(0, lived_s)
        waits_s.append(restarts.wait_s)

    assert waits_s == [0.5, 1, 2, 4, 8, 10, 10, 0.5, 1]


def test_only_recent_deaths_count() -> None:
    restarts = Restarts()
    for now_s in (0, 100, 200, 350):
        restarts = restarts.died(now_s, 1)

    assert [restarts.within(300, now_s) for now_s in (350, 400, 401, 1_000)] == [3, 3, 2, 0]
