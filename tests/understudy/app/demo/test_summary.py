from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from support.demo_run import finished, prediction

from understudy.app.demo import scenery
from understudy.app.demo.outcome import Outcome
from understudy.app.demo.summary import summary

if TYPE_CHECKING:
    from understudy.app.demo.scoreboard import Scoreboard


def shown(board: Scoreboard) -> list[str]:
    console = Console(width=80, force_terminal=True, color_system=None, legacy_windows=False)
    outcome = Outcome("memory", "flights", board, 150.0, 400.0, {"flights:v1": 2.5, "replay": 20.0})
    with console.capture() as capture:
        console.print(summary(outcome))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_it_says_what_users_got() -> None:
    lines = shown(finished().board())

    assert "Your users got 10 answers to 10 flights, 100.0% of them right." in lines
    assert "  ✓ Exactly once: 0 unanswered, 0 answered twice, 0 errors." in lines
    assert "  ✓ The ledger: 30 records owed by 3 versions, 0 outstanding, residual 0." in lines
    assert any("150 ms in the median, 400" in line for line in lines)


def test_it_says_which_shadow_agrees_and_which_was_caught_with_examples() -> None:
    lines = shown(finished().board())

    assert "  ✓ It agrees with production on 10 of 10 answers (100.0%)." in lines
    assert "  ✗ It differs from production on 5 of 10 answers (50.0%)." in lines
    assert "  ✗ 50.0% of its answers are right; of production's, 100.0%." in lines
    assert "    UA2       EWR → ORD  on time       late (90%)      on time (10%)   late" in lines


def test_it_says_what_took_time() -> None:
    assert "It took 22 s: flights:v1 2.5 s, replay 20.0 s." in shown(finished().board())


def test_it_fits_into_80_columns() -> None:
    assert max(map(len, shown(finished().board()))) <= 80


def test_what_went_wrong_has_no_tick() -> None:
    run = finished()
    run.figures.prediction(prediction(scenery.BROKEN, run.flights[0], late=True), 11.0)

    lines = shown(run.board())

    assert "  ✗ Exactly once: 0 unanswered, 1 answered twice, 0 errors." in lines
    assert any(line.startswith("  ✗ All by flights:v1, which is in production: 1 answers") for line in lines)
