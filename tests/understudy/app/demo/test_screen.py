from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text
from support.demo_run import DemoRun, begun

from understudy.app.demo.checklist import Item
from understudy.app.demo.scenery import FIRST
from understudy.app.demo.scoreboard import Place, Scoreboard, scoreboard
from understudy.app.demo.screen import PLAIN_EVERY_S, PlainLines, Screen, plain
from understudy.deployments.fold import Standing, State

STATE = State(versions={FIRST: Standing("production", "0")})


def board(run: DemoRun, elapsed_s: float = 5.0, state: State = STATE) -> Scoreboard:
    return scoreboard(run.course, state, Place(1, 6, "the first act"), elapsed_s, 400.0)


def plain_screen() -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    return Screen(Console(file=written, width=80)), written


def terminal() -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    console = Console(file=written, width=80, height=24, force_terminal=True, color_system=None, legacy_windows=False)
    return Screen(console), written


@pytest.fixture(autouse=True)
def _able_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_long_line_stays_one_line() -> None:
    screen, written = plain_screen()

    screen.say("word " * 50)
    screen.say("[bold]no markup")

    assert written.getvalue() == "word " * 50 + "\n[bold]no markup\n"


def test_without_a_terminal_each_step_that_is_done_is_a_line() -> None:
    screen, written = plain_screen()

    items = [Item("topics", "4 partitions each"), Item("roles", "5 of 5")]
    with screen.setting_up(items) as checklist, checklist.doing("topics"):
        assert written.getvalue() == ""

    assert written.getvalue() == "  topics            4 partitions each  (0.0 s)\n"


def test_on_a_terminal_the_checklist_stays_when_it_is_done() -> None:
    screen, written = terminal()

    with screen.setting_up([Item("topics", "4 partitions each")]) as checklist, checklist.doing("topics"):
        pass

    assert screen.is_live
    assert "✓ topics" in written.getvalue().splitlines()[-2]


def test_on_a_terminal_the_picture_is_drawn_in_place() -> None:
    screen, written = terminal()

    with screen.playing() as show:
        show(board(begun()))

    assert "flights:v1       production" in written.getvalue()


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen, written = terminal()

    with screen.playing() as show, screen.waiting("Stopping ..."):
        show(board(begun()))

    assert not screen.is_live
    assert written.getvalue() == ""


def test_a_plain_line_comes_every_few_seconds() -> None:
    now_s = 0.0
    said: list[str] = []
    lines = PlainLines(said.append, lambda: now_s)

    for tick in range(120):
        now_s = tick * 0.1
        lines.show(board(DemoRun(), now_s))

    assert [float(line.split()[0]) for line in said] == pytest.approx([PLAIN_EVERY_S, 2 * PLAIN_EVERY_S])


def test_a_plain_line_says_how_far_everything_is() -> None:
    assert plain(board(begun())) == "  5.0 s  10 flights in, 10 answered (400/s, 500 ms): v1 production"
    assert plain(board(DemoRun(), state=State())) == "  5.0 s  0 flights in, 0 answered (400/s, -): nobody yet"


def test_a_heading_stands_apart() -> None:
    screen, written = plain_screen()

    screen.heading("1. the first act")

    assert written.getvalue() == "\n1. the first act\n"


def test_what_is_shown_stays() -> None:
    screen, written = plain_screen()

    screen.show(Text("a paragraph"))

    assert written.getvalue() == "a paragraph\n"
