"""The demo, from the first line to the last."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from understudy.app.demo import scenery
from understudy.app.demo.acts import ACTS
from understudy.app.demo.audience import Audience
from understudy.app.demo.cast import PARTS
from understudy.app.demo.checklist import Item
from understudy.app.demo.course import Course
from understudy.app.demo.errors import Stuck
from understudy.app.demo.figures import Figures
from understudy.app.demo.outcome import outcome
from understudy.app.demo.playing import LOOK_S, Pacing, Player
from understudy.app.demo.replay import Replay
from understudy.app.demo.stage import item, stage
from understudy.app.provision import provision
from understudy.deployments.following import Follower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.app.brokers.choice import Choice
    from understudy.app.demo.checklist import Checklist
    from understudy.app.demo.outcome import Outcome
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.stage import Stage

READY_S: Final = 120.0
"""The roles may take so long to start: three programs at once, on a machine that may have other work."""

TOPICS: Final = "topics"
ROLES: Final = "roles"

FULL: Final = Pacing(rate_per_s=400.0, window=2_000)
FAST: Final = Pacing(rate_per_s=400.0, window=300)


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
            began_s = time.monotonic()
            course = _perform(made, pacing, screen, stack)
            play_s = time.monotonic() - began_s
        finally:
            stopping_s = time.monotonic()
            with screen.waiting("Stopping what was started ..."):
                stack.close()
    took_s = {item.name: item.took_s for item in items} | {"play": play_s, "stopping": time.monotonic() - stopping_s}
    return outcome(course, choice.bootstrap or choice.kind, made.settings.endpoint, pacing.window, play_s, took_s)


def _last_items() -> tuple[Item, Item]:
    return Item(TOPICS, f"of the endpoint, {scenery.PARTITIONS} partitions each"), Item(ROLES, _ready(0))


def _ready(number: int) -> str:
    return f"{number} of {len(PARTS)}: router, supervisor, comparator"


def _set_up(made: Stage, folder: Path, checklist: Checklist) -> None:
    for version in scenery.VERSIONS:
        with checklist.doing(version.ref):
            scenery.train(version, folder / "models")
    with checklist.doing(TOPICS), made.log.admin() as admin:
        provision(admin, made.settings)
    with checklist.doing(ROLES) as doing:
        made.cast.start(PARTS)
        _wait_until_ready(made, doing)


def _wait_until_ready(made: Stage, doing: Item) -> None:
    """Until router and comparator own all their partitions. The supervisor has nobody to start yet."""
    names = made.settings.names
    topics_of = {names.router_group: 1, names.comparator_group: 3}
    deadline_s = time.monotonic() + READY_S
    with made.log.admin() as admin:
        while missing := [
            group
            for group, topics in topics_of.items()
            if sum(len(member.partitions) for member in admin.members(group)) < topics * scenery.PARTITIONS
        ]:
            doing.what = _ready(len(PARTS) - len(missing))
            made.cast.check()
            if time.monotonic() > deadline_s:
                raise Stuck(f"Not ready within {READY_S:.0f} s: {', '.join(missing)}.")
            time.sleep(LOOK_S)
    doing.what = _ready(len(PARTS))


def _perform(made: Stage, pacing: Pacing, screen: Screen, stack: ExitStack) -> Course:
    figures = Figures()
    audience = Audience(made.log, made.settings.names, scenery.PARTITIONS, figures)
    stack.callback(audience.close)
    replay = Replay(made.log, made.settings, scenery.flights(), pacing.rate_per_s, figures.produced)
    stack.callback(replay.stop)
    follower = stack.enter_context(Follower(made.log, made.settings.names))
    course = Course(figures, audience.compared)
    screen.say(
        f"\nReal flights out of New York are replayed all the while, {pacing.rate_per_s:,.0f} a second.\n"
        "Each version of the model says: will it arrive 15 minutes late, or more?"
    )
    with screen.playing() as show:
        Player(made, course, audience, replay, pacing, screen, show, follower.state).play(ACTS)
    return course


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
