"""The demo, from the first line to the last."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from understudy.app.demo import scenery
from understudy.app.demo.audience import Audience
from understudy.app.demo.cast import Part
from understudy.app.demo.checklist import Item
from understudy.app.demo.errors import Stuck
from understudy.app.demo.figures import Figures, quantile
from understudy.app.demo.outcome import Outcome
from understudy.app.demo.replay import Replay
from understudy.app.demo.stage import item, stage
from understudy.app.provision import provision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from understudy.app.broker_choice import Choice
    from understudy.app.demo.checklist import Checklist
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.stage import Stage

PATIENCE_S: Final = 60.0
"""Without any progress for so long, the demo gives up and says where it stands."""
READY_S: Final = 120.0
"""The roles may take so long to start: five programs at once, on a machine that may have other work."""
LOOK_S: Final = 0.1

PARTS: Final = (
    Part("router", "router-0"),
    *(Part("worker", f"worker-{version.train.replace('_', '-')}", version.ref) for version in scenery.VERSIONS),
    Part("comparator", "comparator-0"),
)
TOPICS: Final = "topics"
ROLES: Final = "roles"


@dataclass(frozen=True, slots=True)
class Pacing:
    """How many flights are replayed, in how many seconds."""

    events: int
    play_s: float

    @property
    def rate_per_s(self) -> float:
        return self.events / self.play_s


FULL: Final = Pacing(events=30_000, play_s=20.0)
FAST: Final = Pacing(events=3_000, play_s=2.0)


def play(choice: Choice, screen: Screen, pacing: Pacing) -> Outcome:
    """Play the demo; nothing that it started is left when this returns or raises.

    Raises BrokerError, LogError, NoScenery, RoleDied, Stuck; KeyboardInterrupt for SIGTERM and SIGHUP, too.
    """
    scenery.check()
    items = (item(choice), *(Item(version.ref, version.what) for version in scenery.VERSIONS), *_last_items())
    with _interrupted_by_signals(), ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="understudy-demo-")))
            with screen.setting_up(items) as checklist:
                made = stack.enter_context(stage(choice, folder, checklist, screen.say))
                _set_up(made, folder, checklist)
            figures, board = _perform(made, pacing, screen, stack)
        finally:
            began_s = time.monotonic()
            with screen.waiting("Stopping what was started ..."):
                stack.close()
    return Outcome(
        broker=choice.bootstrap or choice.kind,
        endpoint=made.settings.endpoint,
        board=board,
        delay_p50_ms=quantile(figures.delays_ms, 0.5),
        delay_p99_ms=quantile(figures.delays_ms, 0.99),
        took_s={item.name: item.took_s for item in items}
        | {"replay": board.elapsed_s, "stopping": time.monotonic() - began_s},
    )


def _last_items() -> tuple[Item, Item]:
    return Item(TOPICS, f"of the endpoint, {scenery.PARTITIONS} partitions each"), Item(ROLES, _ready(0))


def _ready(number: int) -> str:
    return f"{number} of {len(PARTS)}: router, workers, comparator"


def _set_up(made: Stage, folder: Path, checklist: Checklist) -> None:
    for version in scenery.VERSIONS:
        with checklist.doing(version.ref):
            scenery.train(version, folder / "models")
    with checklist.doing(TOPICS):
        with made.log.admin() as admin:
            provision(admin, made.settings)
        scenery.release(made.log, made.settings)
    with checklist.doing(ROLES) as doing:
        made.cast.start(PARTS)
        _wait_until_ready(made, doing)


def _wait_until_ready(made: Stage, doing: Item) -> None:
    """Until every group has a member, and its members own all their partitions."""
    names = made.settings.names
    topics_of = {
        names.router_group: 1,
        names.comparator_group: 3,
        **{names.worker_group(version.ref): 2 for version in scenery.VERSIONS},
    }
    deadline_s = time.monotonic() + READY_S
    with made.log.admin() as admin:
        while missing := [
            group
            for group, topics in topics_of.items()
            if sum(len(member.partitions) for member in admin.members(group)) < topics * scenery.PARTITIONS
        ]:
            doing.what = _ready(len(topics_of) - len(missing))
            made.cast.check()
            if time.monotonic() > deadline_s:
                raise Stuck(f"Not ready within {READY_S:.0f} s: {', '.join(missing)}.")
            time.sleep(LOOK_S)
    doing.what = _ready(len(topics_of))


def _perform(made: Stage, pacing: Pacing, screen: Screen, stack: ExitStack) -> tuple[Figures, Scoreboard]:
    flights = scenery.flights(pacing.events)
    figures = Figures(scenery.PRODUCTION, scenery.SHADOWS, {flight.event["event_id"]: flight for flight in flights})
    audience = Audience(made.log, made.settings.names, scenery.PARTITIONS, figures)
    stack.callback(audience.close)
    replay = Replay(made.log, made.settings, flights, pacing.rate_per_s, figures.produced)
    stack.callback(replay.stop)
    screen.say(
        f"\nReplaying {len(flights):,} real flights out of New York, {pacing.rate_per_s:,.0f} a second.\n"
        "Each version of the model says: will it arrive 15 minutes late, or more?"
    )
    began_s = time.monotonic()
    replay.start()
    patience = Patience(PATIENCE_S)
    board = audience.board(0.0)
    with screen.playing() as show:
        while not (replay.is_done and board.is_complete):
            made.cast.check()
            audience.watch(LOOK_S)
            board = audience.board(time.monotonic() - began_s)
            show(board)
            patience.spend(board)
    return figures, board


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that is closed, end the block as Ctrl-C does: through its clean-up."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    earlier = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


class Patience:
    """Runs out when nothing has moved for a while."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: tuple[int, ...] = ()
        self._until_s = clock() + seconds

    def spend(self, board: Scoreboard) -> None:
        """Raise Stuck when the board has been the same for too long."""
        now = (board.produced, board.answered, board.pairs, *(lane.accounted for lane in board.lanes))
        if now != self._last:
            self._last, self._until_s = now, self._clock() + self._seconds
        elif self._clock() > self._until_s:
            raise Stuck(
                f"Nothing has moved for {self._seconds:.0f} s: {board.produced:,} events were written, "
                f"{board.answered:,} are answered, {board.in_flight:,} are in flight."
            )
