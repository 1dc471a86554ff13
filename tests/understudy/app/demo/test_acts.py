from __future__ import annotations

from understudy.app.demo.acts import ACTS
from understudy.app.demo.orders import Command
from understudy.app.demo.scenery import BROKEN, VERSIONS
from understudy.app.demo.steps import Tell
from understudy.app.demo.strategies import ORDER


def test_every_version_and_every_strategy_has_its_act() -> None:
    given = [step for act in ACTS for step in act.steps if isinstance(step, Command)]

    assert {command.version for command in given} == {version.ref for version in VERSIONS}
    assert {command.strategy for command in given if command.version == BROKEN} >= set(ORDER)


def test_every_act_gives_a_command_and_tells_what_came_of_it() -> None:
    for act in ACTS:
        assert isinstance(act.steps[0], Command)
        assert isinstance(act.steps[-1], Tell)


def test_titles_fit_beside_their_number() -> None:
    assert max(len(act.title) for act in ACTS) <= 66
