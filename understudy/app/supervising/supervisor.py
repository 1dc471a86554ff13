"""The supervisor: sees to it that the workers run which the releases need, and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from understudy.app.supervising import life
from understudy.app.supervising.launching import FENCED, NOT_LAUNCHED, Launch, launched
from understudy.app.supervising.restarts import FIRST_WAIT_S, LONGEST_WAIT_S, Restarts
from understudy.app.supervising.wanted import Key, changes, wanted
from understudy.core.exits import told_exit
from understudy.core.log.errors import Fenced
from understudy.core.telemetry import logger
from understudy.deployments.lifecycle import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from understudy.app.supervising.launching import Handle, Launcher
    from understudy.deployments.fold import Standing, State

WITHDRAWN_GRACE_S: Final = 2.0
"""How long the worker of a withdrawn version may take to end, while others wait to account for what it leaves."""
GRACE_S: Final = 8.0
"""How long any other may take: containers are killed ten seconds after they were told to stop."""

FENCES: Final = 3
FENCED_WITHIN_S: Final = 60.0
"""A slot that is taken away that often within that time is another supervisor's, too."""


class Releases(Protocol):
    """What a supervisor asks and tells the releases. It never waits for them: it has workers to look after."""

    def owes_nothing(self, version: str, standing: Standing) -> bool | None:
        """Whether a version that left the plan is accounted for, as far as is known now; None: nothing is known yet."""
        ...

    def pause(self, version: str, reason: str) -> Future[int | None]:
        """Note that a candidate is not to go on; gives the sequence from which on that stands in the releases.

        None: not known to be noted, try again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """A candidate in the plan that dies more than `deaths` times within `window_s` is given up."""

    deaths: int = 5
    window_s: float = 300.0


@dataclass(slots=True)
class Worker:
    """A supervised worker. Times are the caller's clock's.

    due_s: when it is launched again, or its pause is noted. kill_s: when it has had enough time to stop. code: with
    which the last one ended. careful: that one did not end by itself. given_up: why. pausing: the releases' sequence
    from which on its version is paused for that, once it is known.
    """

    key: Key
    handle: Handle
    launched_s: float
    state: life.State = "starting"
    restarts: Restarts = field(default_factory=Restarts)
    fences: Restarts = field(default_factory=Restarts)
    code: int = 0
    careful: bool = False
    due_s: float = 0.0
    kill_s: float = 0.0
    given_up: str = ""
    pausing: Future[int | None] | None = None

    def happened(self, event: life.Event) -> None:
        """Move on in its life."""
        self.state = life.after(self.state, event)


class Supervisor:
    """Workers of one machine, or container.

    slot: of this supervisor, from which its workers' are made. For one thread, which calls `look` every now and then,
    and in the end `stop`, and `stopping` until it answers False.
    """

    def __init__(self, launcher: Launcher, releases: Releases, slot: str, limits: Limits) -> None:
        self._launcher: Final = launcher
        self._releases: Final = releases
        self._slot: Final = slot
        self._limits: Final = limits
        self._workers: Final[dict[Key, Worker]] = {}
        self._done: Final[set[Key]] = set()
        self._telling: Final = logger("understudy", slot=slot)

    @property
    def lives(self) -> Mapping[Key, life.State]:
        """Every worker that is there, and its state."""
        return {key: worker.state for key, worker in self._workers.items()}

    def look(self, state: State, now_s: float) -> None:
        """See what became of the workers, and do what is to be done. state: the releases' latest.

        Raises Fenced where another supervisor has this one's slot.
        """
        self._notice_all(now_s)
        owes_nothing = {
            version: self._releases.owes_nothing(version, standing)
            for version, standing in state.versions.items()
            if standing.stage in {"retired", "withdrawn"}
            and not standing.pruned
            and Key(version, "reclaimer", standing.since_revision) not in self._done
        }
        needed = wanted(state, self._workers.keys(), lambda version: owes_nothing.get(version, False)) - self._done
        launch, stop = changes(needed, self.lives)
        for key in sorted(stop):
            withdrawn = key.kind != "reclaimer" and state.stage(key.version) == "withdrawn"
            self._dismiss(self._workers[key], now_s + (WITHDRAWN_GRACE_S if withdrawn else GRACE_S))
        for key in sorted(launch):
            self._workers[key] = Worker(key, self._launched(key, careful=False), now_s)
        for worker in self._workers.values():
            self._go_on(worker, state, now_s)
        self._bury()

    def unready(self, state: State) -> str:
        """Why production cannot answer here; "" where it can."""
        if state.plan is None:
            return "no version is in production yet: run `understudy deploy`"
        production = Key(state.plan.production, "production")
        now = self.lives.get(production, "not there yet")
        return "" if now == "running" else f"the worker of {production.version} is {now}"

    def stop(self, now_s: float) -> None:
        """Tell every worker to end."""
        for worker in self._workers.values():
            self._dismiss(worker, now_s + GRACE_S)
        self._bury()

    def stopping(self, now_s: float) -> bool:
        """After `stop`: whether workers are left. Who takes too long is killed."""
        self._notice_all(now_s)
        for worker in self._workers.values():
            self._hurry(worker, now_s)
        self._bury()
        return bool(self._workers)

    def _notice_all(self, now_s: float) -> None:
        for worker in self._workers.values():
            if worker.state in {"starting", "running", "stopping"}:
                self._notice(worker, now_s)
        self._bury()

    def _notice(self, worker: Worker, now_s: float) -> None:
        """What a worker says of itself, or that it has ended."""
        code = worker.handle.exit_code()
        if code is not None:
            self._ended(worker, code, now_s)
        elif worker.state == "starting" and worker.handle.is_ready():
            worker.happened("ready")
            self._telling.info("worker is ready", version=worker.key.version, kind=worker.key.kind)
        elif worker.state == "running" and not worker.handle.is_ready():
            worker.happened("waiting")

    def _ended(self, worker: Worker, code: int, now_s: float) -> None:
        was_told = worker.state == "stopping"
        worker.code = code
        if code != NOT_LAUNCHED:
            worker.careful = code not in {0, FENCED}
        if code == 0:
            worker.happened("done" if worker.key.kind == "reclaimer" else "ended")
            worker.due_s = now_s + FIRST_WAIT_S
            if worker.key.kind == "reclaimer" and not was_told:
                self._done.add(worker.key)
        else:
            worker.happened("died")
            if not was_told:
                self._died(worker, code, now_s)
        say = self._telling.info if was_told or code == 0 else self._telling.warning
        say("worker ended", version=worker.key.version, kind=worker.key.kind, how=told_exit(code), then=worker.state)

    def _died(self, worker: Worker, code: int, now_s: float) -> None:
        """Decide when it is launched again."""
        lived_s = now_s - worker.launched_s
        worker.restarts = worker.restarts.died(now_s, lived_s)
        worker.due_s = now_s + worker.restarts.wait_s
        if code == FENCED:
            worker.fences = worker.fences.died(now_s, lived_s)

    def _dismiss(self, worker: Worker, kill_s: float) -> None:
        before = worker.state
        if before == "stopping":
            worker.kill_s = min(worker.kill_s, kill_s)
            return
        worker.happened("unwanted")
        if worker.state == "stopping":
            worker.kill_s = kill_s
            worker.handle.terminate()

    def _go_on(self, worker: Worker, state: State, now_s: float) -> None:
        match worker.state:
            case "stopping":
                self._hurry(worker, now_s)
            case "backing off" if self._keeps_dying(worker, now_s) and _can_be_paused(worker, state):
                self._give_up(worker, now_s)
            case "backing off" if now_s >= worker.due_s:
                self._try_again(worker, now_s)
            case "given up":
                self._wait_for_a_person(worker, state, now_s)

    def _keeps_dying(self, worker: Worker, now_s: float) -> bool:
        """Whether a candidate died too often. Production, and who reclaims, never do."""
        deaths = worker.restarts.within(self._limits.window_s, now_s)
        return worker.key.kind == "candidate" and deaths > self._limits.deaths

    def _try_again(self, worker: Worker, now_s: float) -> None:
        self._refuse_a_shared_slot(worker, now_s)
        if self._keeps_dying(worker, now_s):
            version, how = worker.key.version, told_exit(worker.code)
            self._telling.warning("keeps dying; tried on, as it gets no records yet", version=version, how=how)
        self._relaunch(worker, "due", now_s)

    def _give_up(self, worker: Worker, now_s: float) -> None:
        window_s = self._limits.window_s
        deaths = worker.restarts.within(window_s, now_s)
        worker.happened("exceeded")
        worker.given_up = f"its worker died {deaths} times within {window_s:g} s; the last one {told_exit(worker.code)}"
        worker.pausing, worker.due_s = None, now_s
        self._telling.warning("given up", version=worker.key.version, reason=worker.given_up)

    def _wait_for_a_person(self, worker: Worker, state: State, now_s: float) -> None:
        """Note that a candidate was given up, and try again once the pause is over."""
        version = worker.key.version
        if not _can_be_paused(worker, state):
            self._resume(worker, now_s)
        elif worker.pausing is None:
            if now_s >= worker.due_s:
                worker.pausing = self._releases.pause(version, worker.given_up)
        elif worker.pausing.done():
            paused_at = worker.pausing.result()
            if paused_at is None:
                worker.pausing, worker.due_s = None, now_s + LONGEST_WAIT_S
            elif state.sequence >= paused_at and not state.versions[version].paused:
                self._resume(worker, now_s)

    def _resume(self, worker: Worker, now_s: float) -> None:
        worker.restarts = Restarts()
        self._relaunch(worker, "resumed", now_s)

    def _relaunch(self, worker: Worker, event: life.Event, now_s: float) -> None:
        worker.happened(event)
        worker.handle = self._launched(worker.key, careful=worker.careful)
        worker.launched_s = now_s

    def _launched(self, key: Key, *, careful: bool) -> Handle:
        self._telling.info("starting a worker", version=key.version, kind=key.kind, careful=careful)
        launch = Launch(key.version, key.kind, self._slot, careful)
        return launched(lambda: self._launcher.launch(launch), self._telling.bind(version=key.version, kind=key.kind))

    def _hurry(self, worker: Worker, now_s: float) -> None:
        if worker.state == "stopping" and now_s >= worker.kill_s:
            worker.handle.kill()

    def _refuse_a_shared_slot(self, worker: Worker, now_s: float) -> None:
        if worker.fences.within(FENCED_WITHIN_S, now_s) >= FENCES:
            raise Fenced(
                f"Another supervisor runs as {self._slot}: they take each other's workers away. Give every supervisor "
                "a slot of its own."
            )

    def _bury(self) -> None:
        for key in [key for key, worker in self._workers.items() if worker.state == "stopped"]:
            del self._workers[key]


def _can_be_paused(worker: Worker, state: State) -> bool:
    """Whether it is in the plan as a candidate. Before and after that there is no pause that a person could end."""
    return (state.stage(worker.key.version), "paused") in TRANSITIONS
