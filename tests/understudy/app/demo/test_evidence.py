from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from support.demo_run import HALF, DemoRun, begun, finished

from understudy.app.demo import evidence
from understudy.app.demo.orders import deploy, promote, rollback
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from understudy.app.demo.steps import Evidence


def said(evidence: Evidence, run: DemoRun) -> list[str]:
    """As lines of 80 columns; wrapped ones are joined."""
    console = Console(width=80, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        for each in evidence(run.course):
            console.print(each)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(map(len, lines)) <= 80
    joined: list[str] = []
    for line in lines:
        if joined and line.startswith("    ") and "says" not in line and "→" not in line:
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
    return joined


def at(command: str, plan: Plan, flights: int = 20) -> DemoRun:
    run = begun()
    known = {
        "shadow": deploy(REFACTOR, "shadow"),
        "broken": deploy(BROKEN, "shadow"),
        "canary": deploy(BETTER, "canary", "50"),
        "bad canary": deploy(BROKEN, "canary", "50"),
    }
    run.change(known[command], plan)
    run.fly(flights)
    return run


def test_how_the_first_version_does() -> None:
    assert said(evidence.production, begun()) == [
        "  · 10 answers, 100.0% of them right; 500 ms from writing a flight to its visible answer (median)."
    ]


def test_a_shadow_that_agrees() -> None:
    run = at("shadow", Plan(2, FIRST, (REFACTOR,)))

    assert said(evidence.agreement, run) == ["  ✓ It agrees with production on 20 of 20 answers (100.0%)."]


def test_a_shadow_that_should_have_agreed_and_does_not() -> None:
    run = at("broken", Plan(2, FIRST, (BROKEN,)))

    assert said(evidence.agreement, run) == ["  ✗ It agrees with production on 10 of 20 answers (50.0%)."]


def test_a_broken_shadow_with_what_it_would_have_told_users() -> None:
    run = at("broken", Plan(2, FIRST, (BROKEN,)))

    differs, wrong, heads, *flights = said(evidence.caught, run)

    assert differs == "  ✗ It differs from production on 10 of 20 answers (50.0%)."
    assert wrong == (
        "  ✗ Of 20 flights whose arrival is known, it is right about 50.0%, production about 100.0%. It would have "
        "made 10 right answers wrong:"
    )
    assert heads.split() == ["flight", "left", "gate", "v1", "says", "v3_hours", "says", "in", "truth"]
    assert [flight.split()[0] for flight in flights] == ["UA10", "UA12", "UA14"]


def test_whether_users_got_an_answer_of_a_shadow() -> None:
    run = at("broken", Plan(2, FIRST, (BROKEN,)))
    assert said(evidence.untouched, run) == ["  ✓ 0 of 20 answers that users got meanwhile were its own."]

    (flight,) = run.send()
    run.answer(flight, BROKEN)
    assert said(evidence.untouched, run) == ["  ✗ 1 of 21 answers that users got meanwhile were its own."]


@pytest.mark.parametrize(("gap_s", "mark"), [(0.3, "✓"), (0.6, "·")])
def test_a_gap_is_as_it_should_be_where_it_is_hardly_longer_than_before(gap_s: float, mark: str) -> None:
    run = begun()
    change = run.change(promote(REFACTOR), Plan(2, REFACTOR))
    before_s = [change.began_s - 1.0 + n * 0.1 for n in range(20)]
    until_s = before_s[-1]
    run.figures.visible_s[:] = [*before_s, until_s + gap_s]

    (line,) = said(evidence.uninterrupted, run)

    assert line.startswith(f"  {mark} Users had new answers at least every {gap_s * 1_000:.0f} ms")


def test_what_share_a_canary_got() -> None:
    run = at("canary", Plan(2, FIRST, (), Canary(BETTER, HALF), 7))
    its = run.figures.count_in(2, BETTER)

    (line,) = said(evidence.share, run)

    share = f"{its / 20:.1%}"
    assert line == f"  · Asked for 50%: it got {share} of the 20 planes, and so {share} of the 20 flights."


def test_a_canary_and_production_on_the_same_flights() -> None:
    run = at("canary", Plan(2, FIRST, (), Canary(BETTER, HALF), 7))
    its = run.figures.count_in(2, BETTER)

    (line,) = said(evidence.better, run)

    right = f"On the same {its} flights it is right about 100.0%, v1 about 100.0%"
    assert line == f"  · {right}; Brier score 0.0100, v1's 0.0100: too few flights to tell which is better."


def test_a_broken_canary() -> None:
    run = at("bad canary", Plan(2, FIRST, (), Canary(BROKEN, HALF), 7))
    its = run.figures.count_in(2, BROKEN)

    (line,) = said(evidence.canary_caught, run)

    assert line.startswith("  ✗ It differs from production, which scores its flights unheard, on ")
    assert f"of {its} answers" in line
    assert line.endswith("production 100.0%.")


def test_planes_that_stay_with_the_canary() -> None:
    (line,) = said(evidence.sticky, finished())

    assert line.startswith("  ✓ 0 of the ")


def test_what_was_reclaimed_and_what_users_had_of_the_canary() -> None:
    run = at("bad canary", Plan(2, FIRST, (), Canary(BROKEN, HALF), 7))
    (flight,) = run.send()
    run.answer(flight, FIRST, routed_version=BROKEN)
    run.course.settled += 1
    its = run.figures.count_in(2, BROKEN)
    run.change(rollback(BROKEN), Plan(3, FIRST))

    owed, harm = said(evidence.reclaimed, run)

    assert owed == (
        "  ✓ What it still owed, 1 flight, was answered by v1, the last after 0.5 s. Each flight has one answer."
    )
    assert harm.startswith(f"  ✗ {its} of 21 answers")


def test_what_users_had_of_a_blind_swap() -> None:
    run = begun()
    run.change(deploy(BROKEN, "basic"), Plan(2, BROKEN))
    run.fly(20)

    assert said(evidence.blind, run) == ["  ✗ 20 of 20 answers (100.0%) were its own, and 10 of them wrong."]
