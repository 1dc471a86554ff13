from __future__ import annotations

from support.demo_run import DemoRun, finished

from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR
from understudy.app.demo.scoreboard import Place, Scoreboard, scoreboard
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Canary, Plan

PLACE = Place(5, 6, "the fifth act")
STATE = State(
    plan=Plan(8, BETTER, (), Canary(BROKEN, 50_000)),
    versions={
        FIRST: Standing("retired", "0"),
        REFACTOR: Standing("prepared", "0"),
        BROKEN: Standing("canary", "0"),
        BETTER: Standing("production", "0"),
    },
)


def board(run: DemoRun, state: State = STATE) -> Scoreboard:
    return scoreboard(run.course, state, PLACE, 5.0, 400.0)


def test_it_says_where_the_story_is_and_what_was_counted() -> None:
    found = board(finished())

    assert (found.act, found.acts, found.title, found.elapsed_s) == (5, 6, "the fifth act", 5.0)
    assert (found.produced, found.answered) == (210, 210)
    assert (found.pace.rate_per_s, found.pace.delay_ms) == (400.0, 500.0)
    assert found.pairs == sum(each.pairs for each in found.versions) > 40
    assert found.latest is not None


def test_each_version_has_its_part_and_how_it_compares() -> None:
    first, rewrite, broken, better = board(finished()).versions

    assert [each.part for each in (first, rewrite, broken, better)] == [
        "retired",
        "starting",
        "canary 5%",
        "production",
    ]
    assert first.answers.answered == 30
    assert (rewrite.pairs, rewrite.differs) == (20, 0.0)
    assert broken.differs is not None
    assert broken.differs > 0.3
    assert first.differs is None


def test_before_anything_was_deployed_nobody_is_anything() -> None:
    found = board(DemoRun(), State())

    assert [each.part for each in found.versions] == ["-"] * 4
    assert [each.answers.answered for each in found.versions] == [0] * 4
    assert (found.pairs, found.latest, found.pace.delay_ms) == (0, None, None)
