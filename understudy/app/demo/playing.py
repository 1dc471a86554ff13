"""Plays the acts: gives their commands, waits for what follows from them, and tells what was found."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.demo.course import Change
from understudy.app.demo.errors import Stuck
from understudy.app.demo.figures import Meter
from understudy.app.demo.orders import Command
from understudy.app.demo.points import command, point
from understudy.app.demo.scoreboard import Place, scoreboard
from understudy.app.demo.steps import Kill, Settle, Tell, Watch
from understudy.app.releasing.releases import Releases
from understudy.app.releasing.waiting import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.app.demo.audience import Audience
    from understudy.app.demo.course import Course
    from understudy.app.demo.replay import Replay
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.stage import Stage
    from understudy.app.demo.steps import Act, Step
    from understudy.app.releasing.releases import Released
    from understudy.deployments.fold import State

ACTOR: Final = "the demo"
LOOK_S: Final = 0.1
PATIENCE_S: Final = 120.0
"""A step of the story that takes longer is given up, and the demo says what it waited for."""
WAITS: Final = 3
"""A command waits for workers, for routers, and for the log."""
OWED: Final = 4
"""So many flights are to wait for a canary whose worker is dead, before it is taken back."""
OWED_WITHIN_S: Final = 3.0
NOTICED_S: Final = 0.1
NEARLY: Final = 0.8
"""Of a candidate's answers, so many have been compared when its evidence is told: the rest is on its way."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """rate_per_s: flights a second. window: flights for the evidence of a step, and for each strategy's figures."""

    rate_per_s: float
    window: int


class Player:
    """Plays acts, and all the while reads back what the roles write, and shows it. For one thread.

    state: the releases' latest. show: told of each scoreboard.
    """

    def __init__(
        self,
        made: Stage,
        course: Course,
        audience: Audience,
        replay: Replay,
        pacing: Pacing,
        screen: Screen,
        show: Callable[[Scoreboard], None],
        state: Callable[[], State],
    ) -> None:
        self._made: Final = made
        self._course: Final = course
        self._audience: Final = audience
        self._replay: Final = replay
        self._pacing: Final = pacing
        self._screen: Final = screen
        self._show: Final = show
        self._state: Final = state
        self._meter: Final = Meter()
        self._stop: Final = threading.Event()
        self._began_s: Final = time.monotonic()
        self._place = Place(0, 0, "")

    def play(self, acts: Sequence[Act]) -> None:
        """Play them all, and then wait until everything is answered and counted.

        Flights are written from the first change on, up to the end of the last act.
        Raises Stuck, RoleDied, NotFinished, Refused, and what the log raises.
        """
        with ThreadPoolExecutor(1, "commands") as commands:
            try:
                for number, act in enumerate(acts, start=1):
                    self._place = Place(number, len(acts), act.title)
                    self._screen.heading(f"{number}. {act.title}")
                    for step in act.steps:
                        self._do(step, commands)
            finally:
                self._stop.set()
        self._place = Place(len(acts) + 1, len(acts), "everything is answered and counted")
        self._replay.stop()
        self._until(self._is_complete, "every flight to be answered, and counted in the ledger")

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def _do(self, step: Step, commands: ThreadPoolExecutor) -> None:
        match step:
            case Command():
                self._command(step, commands)
            case Watch():
                self._watch(step)
            case Kill():
                self._kill(step)
            case Settle():
                self._settle()
            case Tell():
                for each in step.evidence(self._course):
                    self._screen.show(each)

    def _command(self, given: Command, commands: ThreadPoolExecutor) -> None:
        """Carry it out on another thread, as a person's would be in another process."""
        self._screen.show(command(given.words))
        began_s, before, first = time.monotonic(), self._course.plan, len(self._course.figures.sent)
        releases = Releases(
            self._made.log, self._made.settings, ACTOR, Patience(self._stop, timeout_s=PATIENCE_S, hint_after_s=1e9)
        )
        carried_out = commands.submit(lambda: (given.carry_out(releases), time.monotonic()))
        self._until(carried_out.done, given.words, WAITS)
        released, done_s = carried_out.result()
        if released.event.plan is None or released.adopted_s is None:
            raise Stuck(f"{given.words}: it changed no plan.")
        change = Change(given, released.event.plan, before, began_s, done_s, released.adopted_s, first)
        self._course.changes.append(change)
        if before is None:
            self._replay.start()  # now somebody answers
        self._screen.show(point(told(change, released), good=True))

    def _watch(self, step: Watch) -> None:
        revision, wanted = self._course.now.revision, int(step.windows * self._pacing.window)
        self._until(lambda: self._course.figures.count_in(revision) >= wanted, f"answers under revision {revision}")
        self._settle()
        due = self._due()
        self._until(lambda: self._is_compared(due), f"the comparator to compare answers of revision {revision}")

    def _due(self) -> dict[str, int]:
        """How many answers of each candidate can be compared: to settled flights under the latest plan."""
        plan, answers = self._course.now.plan, self._course.answers(self._course.now)
        due = dict.fromkeys(plan.shadows, len(answers))
        if plan.canary is not None:
            due[plan.canary.version] = sum(answer.opinion.version == plan.canary.version for answer in answers)
        return due

    def _is_compared(self, due: Mapping[str, int]) -> bool:
        """Whether nearly all of them are."""
        compared, revision = self._course.compared, self._course.now.revision
        return all(compared.pairs(version, revision).total() >= NEARLY * count for version, count in due.items())

    def _settle(self) -> None:
        """Wait for the answer to every flight that was written before now."""
        written = len(self._course.figures.sent)
        self._until(lambda: self._oldest_waiting() >= written, "every flight that was written to be answered")
        self._course.settled = written

    def _oldest_waiting(self) -> int:
        """Its number; flights are written in the order of their numbers."""
        return next(iter(self._course.figures.waiting), len(self._course.figures.sent))

    def _kill(self, step: Kill) -> None:
        killed = self._made.cast.kill(step.version)
        if not killed:
            return
        self._screen.show(point(f"To make it harder, its worker is ended first: {killed}."))
        until_s = time.monotonic() + OWED_WITHIN_S
        self._until(
            lambda: len(self._course.waiting_for_canary()) >= OWED or time.monotonic() > until_s, "debts of the canary"
        )

    def _is_complete(self) -> bool:
        """Whether every flight is answered, and the ledger has closed all of them in every lane."""
        figures, compared = self._course.figures, self._course.compared
        unheard = sum(len(opinions) for opinions in figures.opinions.values())
        return (
            not figures.waiting
            and compared.total("routed") >= len(figures.sent) + unheard
            and compared.total("in_flight") == 0
        )

    def _until(self, done: Callable[[], bool], what: str, times: int = 1) -> None:
        """Look on until something is so. Raises Stuck where that takes longer than so many times the patience."""
        patience_s = times * PATIENCE_S
        deadline_s = time.monotonic() + patience_s
        while not done():
            self._look()
            if time.monotonic() > deadline_s:
                figures = self._course.figures
                raise Stuck(
                    f"Waited {patience_s:.0f} s for {what}: {len(figures.sent):,} flights were written, "
                    f"{len(figures.answers):,} are answered; in the ledger, "
                    f"{self._course.compared.total('in_flight'):,} records are in flight."
                )

    def _look(self) -> None:
        self._made.cast.check()
        self._replay.check()
        self._audience.watch(LOOK_S)
        rate_per_s = self._meter.rate_per_s(len(self._course.figures.answers), self.elapsed_s)
        self._show(scoreboard(self._course, self._state(), self._place, self.elapsed_s, rate_per_s))


def told(change: Change, released: Released) -> str:
    """What a command did, and how fast."""
    sentence = released.told.sentence
    waited_s = change.planned_s - change.began_s
    ready = f"Workers were ready after {waited_s:.1f} s; then it was" if waited_s >= NOTICED_S else "It was"
    adopted = f"{ready} in force everywhere within {change.adopted_s * 1_000:,.0f} ms"
    return f"{sentence[0].upper()}{sentence[1:]}. {adopted}."
