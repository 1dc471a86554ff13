from __future__ import annotations

from rich.console import Console
from support.demo_run import DemoRun, begun, finished

from understudy.app.demo.outcome import outcome
from understudy.app.demo.scenery import BROKEN, FIRST
from understudy.app.demo.summary import summary


def shown(run: DemoRun) -> list[str]:
    console = Console(width=80, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(summary(outcome(run.course, "memory", "flights", 20, 20.0, {"flights:v1": 2.5, "play": 20.0})))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_it_has_the_textbooks_table_as_it_was_measured() -> None:
    run = finished()
    its = run.figures.count_in(8, BROKEN)

    lines = shown(run)

    assert "Three ways to release the broken version, measured here on 20 flights each:" in lines
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("  ") and line.split()[-1].isdecimal()}
    assert rows["basic"] == ["basic", "1.00", "20", "(100.0%)", "10"]
    assert rows["shadow"] == ["shadow", "2.00", "0", "(0.0%)", "0"]
    assert rows["canary"][:5] == ["canary", "50%", f"{1 + its / 20:.2f}", f"{its}", f"({its / 20:.1%})"]


def test_it_says_what_users_got() -> None:
    lines = shown(finished())

    assert "Your users got 210 answers to 210 flights, while the plan changed 11 times." in lines
    assert "  ✓ Exactly once: 0 unanswered, 0 answered twice, 0 errors." in lines
    assert any(line.startswith("  ✓ By the right version, recomputed from the keys: 0 exceptions;") for line in lines)
    assert any(line.startswith("  ✓ The ledger:") and "0 outstanding" in line for line in lines)
    assert any("500 ms in the median" in line for line in lines)


def test_it_says_what_took_time() -> None:
    assert "It took 22 s: flights:v1 2.5 s, play 20.0 s." in shown(finished())


def test_it_fits_into_80_columns() -> None:
    assert max(map(len, shown(finished()))) <= 80


def test_what_went_wrong_has_no_tick() -> None:
    run = finished()
    run.answer(next(run.figures.answers_in(1)).sent.flight, FIRST)  # type: ignore[arg-type]  # a flight of ours

    assert "  ✗ Exactly once: 0 unanswered, 1 answered twice, 0 errors." in shown(run)


def test_without_the_broken_version_there_is_no_table() -> None:
    assert not any("Three ways" in line for line in shown(begun()))
