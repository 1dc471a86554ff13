"""The whole story is played in test_story.py; here: what a step says, and how a wait that takes too long ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from support.demo_run import DemoRun, begun, finished

from understudy.app.demo.errors import Stuck
from understudy.app.demo.playing import Pacing, Player, told
from understudy.app.demo.scenery import BETTER
from understudy.app.demo.steps import Act, Settle, Tell, Watch
from understudy.app.releasing.releases import Released
from understudy.app.releasing.telling import Told
from understudy.deployments.events import Event
from understudy.deployments.fold import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from understudy.app.demo.audience import Audience
    from understudy.app.demo.course import Course
    from understudy.app.demo.replay import Replay
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.stage import Stage


@dataclass
class World:
    """All that surrounds a player: while it looks on, something happens."""

    run: DemoRun
    happens: Callable[[], object] = lambda: None
    boards: list[Scoreboard] = field(default_factory=list)
    shown: list[object] = field(default_factory=list)
    stopped: bool = False

    @property
    def cast(self) -> World:
        return self

    def check(self) -> None: ...

    def watch(self, timeout_s: float) -> None:
        del timeout_s
        self.happens()

    def heading(self, text: str) -> None:
        self.shown.append(text)

    def show(self, what: object) -> None:
        self.shown.append(what)

    def stop(self) -> None:
        self.stopped = True

    def player(self) -> Player:
        return Player(
            cast("Stage", self),
            self.run.course,
            cast("Audience", self),
            cast("Replay", self),
            Pacing(100.0, 20),
            cast("Screen", self),
            self.boards.append,
            State,
        )


def counted(course: Course) -> Iterator[RenderableType]:
    yield f"{len(course.answers(course.now))} answers"


def test_an_act_is_told_and_then_the_rest_is_waited_for() -> None:
    world = World(finished())

    world.player().play([Act("the end", (Tell(counted),))])

    assert world.shown == ["1. the end", "20 answers"]
    assert world.stopped


def test_it_watches_until_there_is_evidence_of_flights_that_are_all_answered() -> None:
    run = begun()
    world = World(run, happens=lambda: run.fly(4))

    world.player().play([Act("on", (Watch(1.0), Tell(counted)))])

    assert world.shown == ["1. on", "22 answers"]
    assert [board.answered for board in world.boards] == [14, 18, 22]
    assert {(board.act, board.acts, board.title) for board in world.boards} == {(1, 1, "on")}


def test_it_settles_when_what_was_written_before_is_answered() -> None:
    run = begun()
    first, second = run.send(2)
    waiting = [first, second]
    world = World(run, happens=lambda: run.answer(waiting.pop(0), "flights:v1") if waiting else None)

    world.player().play([Act("on", (Settle(), Tell(counted)))])

    assert world.shown == ["1. on", "12 answers"]


def test_what_never_comes_is_given_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.app.demo.playing.PATIENCE_S", 0.0)
    run = begun()
    run.send()

    with pytest.raises(Stuck, match="11 flights were written, 10 are answered"):
        World(run).player().play([Act("on", (Settle(),))])


def test_a_command_is_told_with_what_it_took() -> None:
    change = finished().course.now
    event = Event("id", 9, "planned", 0, "the demo", version=BETTER, plan=change.plan)

    text = told(change, Released(Told(event, "promoted it"), change.adopted_s))

    assert text == "Promoted it. Workers were ready after 0.9 s; then it was in force everywhere within 100 ms."
