from __future__ import annotations

import pytest
from rich.console import Console
from rich.style import Style
from support.demo_run import DemoRun, comparison, example, finished

from understudy.app.demo import scenery
from understudy.app.demo.picture import agreement, agrees, picture


def shown(run: DemoRun, width: int = 80) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(picture(run.board()))
    return capture.get().splitlines()


def line_of(lines: list[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


def test_it_shows_who_gets_which_answers_and_how_they_compare() -> None:
    lines = shown(finished())

    assert line_of(lines, "flights:v1 ").split() == ["flights:v1", "your", "users", "10", "100.0%", "100/100"]
    rewrite = ["flights:v4", "nobody", "10", "100.0%", "10", "agrees", "100.0%", "50/50"]
    assert line_of(lines, "flights:v4").split() == rewrite
    broken = ["flights:v3_hours", "nobody", "10", "50.0%", "10", "differs", "50.0%", "50/50"]
    assert line_of(lines, "flights:v3_hours").split() == broken


def test_it_shows_where_the_records_are_and_how_fast_they_go() -> None:
    text = "\n".join(shown(finished()))

    assert "flights     10 → router → workers     10 answers → comparator     20 pairs" in text
    assert "100%  1,500 flights/s     180 ms to answer    5 s" in text


def test_it_says_the_latest_answer_in_words() -> None:
    assert "latest answer  UA9 EWR → ORD, left the gate on time: on time (10%)" in shown(finished())


def test_it_shows_flights_that_the_broken_shadow_answered_differently() -> None:
    lines = shown(finished())

    heads, first, second, third = lines[-4:]
    assert heads.split() == ["flight", "left", "gate", "v1", "says", "v3_hours", "says", "in", "truth"]
    flights = [line.split() for line in (first, second, third)]
    assert [flight[0] for flight in flights] == ["UA0", "UA2", "UA4"]
    assert flights[0][4:] == ["on", "time", "late", "(90%)", "on", "time", "(10%)", "late"]


def started() -> DemoRun:
    run = DemoRun()
    run.produce()
    return run


def with_one_example() -> DemoRun:
    run = started()
    run.answer()
    examples = [example(run.flights[0], production=0.9, shadow=0.1)]
    run.add(comparison(scenery.BROKEN, {"mismatched": 1}, against=scenery.PRODUCTION, examples=examples))
    return run


def large() -> DemoRun:
    run = with_one_example()
    for version in scenery.SHADOWS:
        counts = {"matched": 29_000, "mismatched": 999}
        run.add(comparison(version, counts, against=scenery.PRODUCTION))
    return run


@pytest.mark.parametrize("run", [DemoRun(), started(), with_one_example(), finished(), large()])
@pytest.mark.parametrize("width", [80, 120])
def test_it_keeps_its_shape_from_the_first_look_to_the_last(run: DemoRun, width: int) -> None:
    lines = shown(run, width)

    assert len(lines) == 16
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


def test_what_nobody_knows_yet_is_a_dash() -> None:
    lines = shown(started())

    assert line_of(lines, "flights:v4").split() == ["flights:v4", "nobody", "0", "-", "-", "-", "-"]
    assert "answers that differ  none so far" in lines


def test_agreement_is_green_and_difference_red() -> None:
    rewrite, broken = finished().board().shadows
    unknown, _ = started().board().shadows

    assert Style.parse(str(agreement(rewrite).style)).color == Style.parse("green").color
    assert Style.parse(str(agreement(broken).style)).color == Style.parse("red").color
    assert [agrees(shadow) for shadow in (rewrite, broken, unknown)] == [True, False, False]
