from __future__ import annotations

import pytest
from rich.console import Console

from understudy.app.demo.checklist import Checklist, Item


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def items() -> list[Item]:
    return [Item("flights:v1", "a logistic regression"), Item("roles", "0 of 5")]


def shown(checklist: Checklist) -> list[str]:
    console = Console(width=80, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(checklist)
    return capture.get().splitlines()


def test_a_step_goes_from_waiting_to_done_with_the_seconds_that_it_took() -> None:
    clock = Clock()
    checklist = Checklist(items(), clock=clock)
    assert [line[0] for line in shown(checklist)] == ["·", "·"]

    with checklist.doing("flights:v1") as doing:
        clock.now_s += 1.5
        running, _ = shown(checklist)
        clock.now_s += 1.0
        doing.what = "trained"

    done, waiting = shown(checklist)
    assert running[0] not in "·✓✗"
    assert running.rstrip().endswith("1.5 s")
    assert done.startswith("✓ flights:v1")
    assert "trained" in done
    assert done.rstrip().endswith("2.5 s")
    assert waiting.startswith("· roles")
    assert checklist.items[0].took_s == 2.5


def test_a_step_that_fails_is_marked_and_not_called_done() -> None:
    told: list[Item] = []
    checklist = Checklist(items(), told.append)

    with pytest.raises(KeyboardInterrupt), checklist.doing("roles"):
        raise KeyboardInterrupt

    assert shown(checklist)[1].startswith("✗ roles")
    assert told == []


def test_who_wants_lines_gets_one_for_each_step_that_is_done() -> None:
    clock = Clock()
    told: list[str] = []
    checklist = Checklist(items(), lambda item: told.append(str(item)), clock)

    with checklist.doing("flights:v1"):
        clock.now_s += 2.0

    assert told == ["  flights:v1        a logistic regression  (2.0 s)"]


def test_it_fits_into_80_columns_and_keeps_its_shape() -> None:
    clock = Clock()
    checklist = Checklist([Item("flights:v3_hours", "x" * 60), Item("roles", "y")], clock=clock)
    before = shown(checklist)
    with checklist.doing("flights:v3_hours"):
        clock.now_s += 123.4
    after = shown(checklist)

    assert len(before) == len(after) == 2
    assert max(map(len, before + after)) <= 80
    assert after[0].rstrip().endswith("123.4 s")
