from __future__ import annotations

import pytest
from rich.console import Console
from rich.style import Style
from support.demo_run import DemoRun, begun, comparison, finished

from understudy.app.demo.figures import Answers
from understudy.app.demo.picture import agreement, picture
from understudy.app.demo.scenery import BROKEN, FIRST, REFACTOR
from understudy.app.demo.scoreboard import Place, Scoreboard, Standing, scoreboard
from understudy.deployments.fold import Standing as Released
from understudy.deployments.fold import State

STATE = State(versions={FIRST: Released("production", "0"), BROKEN: Released("shadow", "0")})


def board(run: DemoRun, state: State = STATE) -> Scoreboard:
    return scoreboard(run.course, state, Place(3, 6, "the broken version: refused"), 15.0, 400.0)


def shown(board: Scoreboard, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(picture(board))
    return capture.get().splitlines()


def line_of(lines: list[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


def test_it_shows_what_every_version_is_and_how_it_compares() -> None:
    run = finished()
    lines = shown(board(run))
    answers = str(run.figures.of_version[REFACTOR].answered)

    assert line_of(lines, "flights:v1 ").split() == ["flights:v1", "production", "30", "100.0%", "-", "-"]
    assert line_of(lines, "flights:v4").split() == ["flights:v4", "-", answers, "100.0%", "20", "agrees", "100.0%"]
    assert line_of(lines, "flights:v3_hours").split()[:2] == ["flights:v3_hours", "shadow"]
    assert "differs" in line_of(lines, "flights:v3_hours")


def test_it_shows_the_act_where_the_records_are_and_how_fast_they_go() -> None:
    text = "\n".join(shown(board(begun())))

    assert "3 of 6: the broken version: refused" in text
    assert "flights     10 → router → workers     10 answers → comparator      0 pairs" in text
    assert "400 flights/s" in text
    assert "500 ms to answer" in text


def test_it_says_the_latest_answer_in_words() -> None:
    assert "latest answer  UA9 EWR → ORD, left the gate on time: on time (10%)" in shown(board(begun()))


def large() -> DemoRun:
    run = begun()
    for version in (REFACTOR, BROKEN):
        run.add(comparison(version, {"matched": 29_000, "mismatched": 999}, against=FIRST))
    return run


@pytest.mark.parametrize("run", [DemoRun(), begun(), finished(), large()])
@pytest.mark.parametrize("width", [80, 120])
def test_it_keeps_its_shape_from_the_first_look_to_the_last(run: DemoRun, width: int) -> None:
    lines = shown(board(run), width)

    assert len(lines) == 10
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


def test_agreement_is_green_and_difference_red() -> None:
    agrees = agreement(Standing(REFACTOR, "shadow", Answers(), 1_000, 1))
    differs = agreement(Standing(BROKEN, "shadow", Answers(), 1_000, 150))

    assert (str(agrees), agrees.style) == ("agrees 99.90%", "green")
    assert (str(differs), differs.style) == ("differs 15.0%", "red")
    assert Style.parse(str(differs.style)).color is not None
    assert str(agreement(Standing(BROKEN, "-", Answers(), 0, 0))) == "-"
