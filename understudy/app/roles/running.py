"""Runs a role until it is told to stop: opens its session, waits out outages, and says what it does."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, runtime_checkable

from schemas.errors import SchemaUnavailable
from understudy.app.roles.probes import Health
from understudy.core.log.around import SessionAround
from understudy.core.log.contract import EMPTY
from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.run import Step, run
from understudy.core.telemetry import MeasuredSession, RateReporter, Totals, logger
from understudy.models.errors import ModelStoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from structlog.typing import FilteringBoundLogger

    from understudy.core.log.contract import Log, Output, Polled, Position, Session, SessionSpec, TopicPartition

T = TypeVar("T")

OUTAGES: Final = (LogUnavailable, ModelStoreUnavailable, SchemaUnavailable)
FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
PATIENCE_S: Final = 60.0
"""How long a role waits for what it needs at the start, before it gives up with the error."""
NO_PARTITIONS: Final = "no partitions are assigned to it, or their positions are not known yet"


class Stop(Protocol):
    """Whether to stop, and a wait that a stop cuts short."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


@runtime_checkable
class WaitingStep(Step, Protocol):
    """A step that something else than the log can keep from its work."""

    @property
    def waits_for(self) -> str:
        """Why it cannot go on; "" while it can."""
        ...


@dataclass(frozen=True, slots=True)
class Role:
    """A role, ready to run once it has what it needs.

    spec: its session. make: builds its step; may raise one of `OUTAGES`, and is then tried again. interval_s:
    transactions begin at least this far apart. every_s: how often the role says what it did. outputs: topics that it
    writes to, which have to be there before it starts: a router that finds out on the way has stopped production.
    over: why nothing is left to do, asked between two transactions; "" while there is. around: what the session is
    given to, and comes back in.
    """

    spec: SessionSpec
    make: Callable[[], Step]
    interval_s: float
    every_s: float = 10.0
    outputs: tuple[str, ...] = ()
    over: Callable[[], str] = lambda: ""
    around: Callable[[Session], Session] = lambda session: session


def run_role(role: Role, log: Log, stop: Stop, *, patience_s: float = PATIENCE_S, health: Health | None = None) -> None:
    """Run until `stop` is set or the role is over, then leave the group in an orderly way.

    An outage on the way starts it over, from the committed positions. Raises what the session and the step raise
    else: Fenced where a newer instance of the slot took over, UnknownTopic and MissingPosition where the topics were
    not made; and the outage where one at the start outlasts patience_s.
    """
    telling = logger("understudy", slot=role.spec.slot)
    totals = Totals()
    reporter = RateReporter(totals, lambda figures: telling.info("working", **figures), role.every_s)
    watch = Watch(role, stop, reporter, health or Health(), telling)
    while not watch.is_set():
        step = patiently(watch.make, watch, watch.waits, patience_s)
        session = None if step is None else patiently(lambda: _session(role, log), watch, watch.waits, patience_s)
        if step is None or session is None:
            break
        try:
            with WatchedSession(MeasuredSession(session, totals)) as watched:
                telling.info("started", group=role.spec.group, topics=list(role.spec.topics))
                watch.joined(step, watched.owned)
                run(watched, step, stopped=watch.stopped, interval_s=role.interval_s)
        except OUTAGES as outage:
            # What was polled and not committed is read again by a new session: all state is in the positions.
            telling.warning("starting over", reason=str(outage), in_s=FIRST_WAIT_S)
            watch.health.wait_for(str(outage))
            stop.wait(FIRST_WAIT_S)
    telling.info("stopped", reason=role.over() or "told to", records_in=int(totals.sums.get("records_in", 0)))


@dataclass(slots=True)
class WatchedSession(SessionAround):
    """A session that shows what it owns, as far as the positions are known: nothing after a commit that was lost."""

    owned: set[TopicPartition] = field(default_factory=set)

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """As `Session.poll`."""
        polled = self.session.poll(timeout_s, paused, reread)
        self.owned.difference_update(polled.revoked)
        self.owned.update(polled.assigned)
        return polled

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """As `Session.commit`."""
        committed = self.session.commit(outputs, positions)
        if not committed:
            self.owned.clear()
        return committed


@dataclass(slots=True)
class Watch:
    """What is looked at each time the loop comes round: whether to go on, what to say, and how the role is."""

    role: Role
    stop: Stop
    reporter: RateReporter
    health: Health
    telling: FilteringBoundLogger
    step: Step | None = None
    owned: Collection[TopicPartition] = ()

    def make(self) -> Step:
        """The role's step. That a model takes long to load is no reason to start the role anew."""
        with self.health.unhurried():
            return self.role.make()

    def joined(self, step: Step, owned: Collection[TopicPartition]) -> None:
        """A session was opened for the step. owned: what it owns, at any time."""
        self.step, self.owned = step, owned

    def stopped(self) -> bool:
        """Whether to end now."""
        self.reporter.tick()
        if waits_for := self._waits_for():
            self.health.wait_for(waits_for)
        else:
            self.health.ready()
        return self.is_set()

    def _waits_for(self) -> str:
        """Why the role does no work; "" where it does, or would if there were any."""
        if isinstance(self.step, WaitingStep) and self.step.waits_for:
            return self.step.waits_for
        return "" if self.owned else NO_PARTITIONS

    def is_set(self) -> bool:
        """As `Stop.is_set`, for what waits at the start, too."""
        self.health.tick()
        return self.stop.is_set() or bool(self.role.over())

    def wait(self, timeout: float | None = None) -> bool:
        """As `Stop.wait`."""
        self.health.tick()
        return self.stop.wait(timeout)

    def waits(self, outage: Exception, again_in_s: float) -> None:
        """Something that is needed at the start cannot be had."""
        self.telling.warning("waiting", reason=str(outage), again_in_s=again_in_s)
        self.health.wait_for(str(outage))


def _session(role: Role, log: Log) -> Session:
    needed = [*role.spec.topics, *role.outputs]
    with log.admin() as admin:
        there = admin.describe(needed)
    missing = [topic for topic in needed if topic not in there]
    if missing:
        raise UnknownTopic(f"{', '.join(missing)}: no such topic. Run understudy topics.")
    return role.around(log.session(role.spec))


def log_answers(log: Log, stop: Stop, health: Health, *, patience_s: float = PATIENCE_S) -> bool:
    """Wait until the log can be asked anything; False when told to stop meanwhile. Raises LogUnavailable."""
    telling = logger("understudy")

    def ask() -> bool:
        with log.admin() as admin:
            admin.describe([])
        return True

    def waits(outage: Exception, again_in_s: float) -> None:
        telling.warning("waiting", reason=str(outage), again_in_s=again_in_s)
        health.tick()
        health.wait_for(str(outage))

    return patiently(ask, stop, waits, patience_s) is not None


def patiently(
    attempt: Callable[[], T], stop: Stop, waits: Callable[[Exception, float], None], patience_s: float
) -> T | None:
    """What the attempt gives, tried again through outages; None when told to stop. Raises the last outage.

    waits: told of each outage, and in how many seconds it is tried again.
    """
    deadline_s = time.monotonic() + patience_s
    wait_s = FIRST_WAIT_S
    while not stop.is_set():
        try:
            return attempt()
        except OUTAGES as outage:
            if time.monotonic() + wait_s > deadline_s:
                raise
            waits(outage, wait_s)
        stop.wait(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
    return None


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second signal ends the process as usual."""
    stop = threading.Event()

    def told(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    earlier = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
