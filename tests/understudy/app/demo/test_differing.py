from __future__ import annotations

from rich.console import Console
from support.demo_run import Flight, example

from understudy.app.demo.differing import differing
from understudy.app.demo.figures import Differing
from understudy.app.demo.scenery import BROKEN, FIRST


def lines(count: int) -> list[str]:
    told = example(Flight(2), production=0.9, candidate=0.1)
    found = [Differing(Flight(2 * n, 31), told["production"], told["candidate"]) for n in range(count)]
    console = Console(width=80, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(differing(found, FIRST, BROKEN))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_it_says_what_both_said_and_what_became_of_the_flight() -> None:
    heads, flight = lines(1)

    assert heads.split() == ["flight", "left", "gate", "v1", "says", "v3_hours", "says", "in", "truth"]
    said = ["UA0", "EWR", "→", "ORD", "31", "min", "late", "late", "(90%)", "on", "time", "(10%)", "late"]
    assert flight.split() == said


def test_a_few_are_enough() -> None:
    assert [line.split()[0] for line in lines(9)] == ["flight", "UA0", "UA2", "UA4"]
