"""The demo, from the first line to the last."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from understudy.app.broker import running_broker
from understudy.app.broker_choice import choose
from understudy.app.demo import scenery
from understudy.app.demo.audience import Audience
from understudy.app.demo.cast import Part, Processes, Threads
from understudy.app.demo.errors import Stuck
from understudy.app.demo.figures import Figures
from understudy.app.demo.replay import Replay
from understudy.app.provision import provision
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.app.broker_choice import Choice
    from understudy.app.demo.cast import Cast
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.app.demo.screen import Screen
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

EVENTS: Final = 30_000
PLAY_S: Final = 20.0
FAST_EVENTS: Final = 3_000
FAST_PLAY_S: Final = 2.0
PATIENCE_S: Final = 60.0
"""Without any progress for so long, the demo gives up and says where it stands."""
LOOK_S: Final = 0.1

PARTS: Final = (
    Part("router", "router-0"),
    *(Part("worker", f"worker-{version.train.replace('_', '-')}", version.ref) for version in scenery.VERSIONS),
    Part("comparator", "comparator-0"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. broker: auto, memory, local or host:port. fast: fewer events, for tests."""

    broker: str = "auto"
    fast: bool = False

    @property
    def events(self) -> int:
        return FAST_EVENTS if self.fast else EVENTS

    @property
    def rate_per_s(self) -> float:
        return self.events / (FAST_PLAY_S if self.fast else PLAY_S)


@dataclass(frozen=True, slots=True)
class Stage:
    """A furnished folder, the log, and the roles' way to run there."""

    settings: Settings
    log: Log
    cast: Cast


def play(wanted: Wanted, screen: Screen) -> tuple[Choice, Scoreboard]:
    """Play the demo; returns the broker that was taken, and what was measured.

    Raises BadChoice, BrokerError, NoScenery, RoleDied, Stuck.
    """
    scenery.check()
    choice = choose(wanted.broker)
    screen.say(f"Broker: {choice}")
    with tempfile.TemporaryDirectory(prefix="understudy-demo-") as name:
        folder = Path(name)
        _train(folder / "models", screen)
        with _stage(choice, folder, screen) as stage:
            return choice, _perform(stage, wanted, screen)


def _train(registry: Path, screen: Screen) -> None:
    screen.say("Training three versions of a model that tells whether a flight will arrive late:")
    with screen.training(scenery.VERSIONS) as training:
        for version in scenery.VERSIONS:
            training.begin(version)
            training.done(version, scenery.train(version, registry))


@contextmanager
def _stage(choice: Choice, folder: Path, screen: Screen) -> Iterator[Stage]:
    with ExitStack() as stack:
        if choice.kind == "memory":
            settings = scenery.furnish(folder, None)
            log: Log = MemoryLog()
            cast: Cast = Threads(settings, log)
        else:
            bootstrap = choice.bootstrap
            if bootstrap is None:
                began_s = time.monotonic()
                bootstrap = stack.enter_context(running_broker()).bootstrap
                screen.say(f"Apache Kafka answers on {bootstrap} after {time.monotonic() - began_s:.1f} s")
            settings = scenery.furnish(folder, bootstrap)
            log = KafkaLog(bootstrap)
            cast = Processes(folder)
        with log.admin() as admin:
            provision(admin, settings)
        stack.callback(cast.stop)
        yield Stage(settings, log, cast)


def _perform(stage: Stage, wanted: Wanted, screen: Screen) -> Scoreboard:
    flights = scenery.flights(wanted.events)
    figures = Figures(scenery.PRODUCTION, scenery.SHADOWS, {f.event["event_id"]: f.late for f in flights})
    audience = Audience(stage.log, stage.settings.names, scenery.PARTITIONS, figures)
    replay = Replay(stage.log, stage.settings, flights, wanted.rate_per_s, figures.produced)
    began_s = time.monotonic()

    stage.cast.start(PARTS)
    screen.say("Starting a router, three workers and a comparator ...")
    _wait_until_ready(stage)
    ready_s = time.monotonic() - began_s
    screen.say(f"All are ready after {ready_s:.1f} s. Replaying {len(flights):,} flights from 1 April 2013.")
    began_s = time.monotonic()
    replay.start()
    patience = Patience(PATIENCE_S)
    board = audience.board(0.0)
    with screen.playing() as live:
        while not (replay.is_done and board.is_complete):
            stage.cast.check()
            audience.watch(LOOK_S)
            board = audience.board(time.monotonic() - began_s)
            screen.show(live, board)
            patience.spend(board)
    audience.close()
    return board


def _wait_until_ready(stage: Stage) -> None:
    """Until every group has a member, and its members own all their partitions."""
    names = stage.settings.names
    topics_of = {
        names.router_group: 1,
        names.comparator_group: 3,
        **{names.worker_group(version.ref): 2 for version in scenery.VERSIONS},
    }
    deadline_s = time.monotonic() + PATIENCE_S
    with stage.log.admin() as admin:
        while missing := [
            group
            for group, topics in topics_of.items()
            if sum(len(member.partitions) for member in admin.members(group)) < topics * scenery.PARTITIONS
        ]:
            stage.cast.check()
            if time.monotonic() > deadline_s:
                raise Stuck(f"Not ready within {PATIENCE_S:.0f} s: {', '.join(missing)}.")
            time.sleep(LOOK_S)


class Patience:
    """Runs out when nothing has moved for a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: tuple[Any, ...] = ()
        self._until_s = time.monotonic() + seconds

    def spend(self, board: Scoreboard) -> None:
        """Raise Stuck when the board has been the same for too long."""
        now = (board.produced, board.answered, *(lane.accounted for lane in board.lanes))
        if now != self._last:
            self._last, self._until_s = now, time.monotonic() + self._seconds
        elif time.monotonic() > self._until_s:
            raise Stuck(
                f"Nothing has moved for {self._seconds:.0f} s: {board.produced:,} events were written, "
                f"{board.answered:,} are answered, {board.in_flight:,} are in flight."
            )
