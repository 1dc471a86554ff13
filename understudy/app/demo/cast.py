"""Runs the roles of the demo: as processes on a broker, as threads on the memory log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from understudy.app.demo.errors import RoleDied
from understudy.app.roles import building
from understudy.app.roles.probes import Health
from understudy.app.roles.routing import routing
from understudy.app.roles.running import run_role
from understudy.app.roles.working import work
from understudy.app.supervising.loop import supervise
from understudy.app.supervising.threads import ThreadLauncher
from understudy.deployments.following import Follower

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from understudy.app.roles.running import Role
    from understudy.app.supervising.launching import Handle, Launch
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

STOP_S: Final = 15.0
LOG_TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Part:
    """One instance of a role. slot: its name. arguments: further ones of its command."""

    role: str
    slot: str
    arguments: tuple[str, ...] = ()


ROUTER: Final = Part("router", "router-0")
SUPERVISOR: Final = Part("worker", "worker-0", ("--follow",))
COMPARATOR: Final = Part("comparator", "comparator-0")
PARTS: Final = (ROUTER, SUPERVISOR, COMPARATOR)


class Cast(Protocol):
    """Running instances of roles."""

    def start(self, parts: Sequence[Part]) -> None: ...

    def check(self) -> None:
        """Raise RoleDied where an instance has ended."""
        ...

    def kill(self, version: str) -> str:
        """End the worker of a version as hard as possible, and say how; "" where none was found."""
        ...

    def stop(self) -> None:
        """Tell all to stop, and wait until they have."""
        ...


@dataclass
class Processes:
    """Each instance is a process of the console script, as users run it; its output goes to `<slot>.log`.

    folder: where understudy.toml is. program: the console script. stop_s: who takes longer to stop is killed.
    """

    folder: Path
    program: Path = field(default_factory=lambda: Path(sys.executable).with_name("understudy"))
    stop_s: float = STOP_S
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, parts: Sequence[Part]) -> None:
        for part in parts:
            with self._log(part.slot).open("ab") as output:
                self._running[part.slot] = subprocess.Popen(  # noqa: S603 - our own program
                    [self.program, part.role, *part.arguments, "--slot", part.slot],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                    process_group=0,  # Ctrl-C is for the demo, which stops them in an orderly way
                )

    def check(self) -> None:
        for slot, process in self._running.items():
            if process.poll() is not None:
                last = self._log(slot).read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
                raise RoleDied(f"{slot} ended with status {process.returncode}:\n" + "\n".join(last))

    def kill(self, version: str) -> str:
        """Kill the supervisor's child that works for the version."""
        supervisor = self._running.get(SUPERVISOR.slot)
        found = [] if supervisor is None else [pid for pid in _children(supervisor.pid) if _works_for(pid, version)]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return f"kill -9 {' '.join(map(str, found))}" if found else ""

    def stop(self) -> None:
        processes = list(self._running.values())
        self._running.clear()
        deadline_s = time.monotonic() + self.stop_s
        try:
            for process in processes:
                process.terminate()
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline_s - time.monotonic()))
        finally:  # whoever does not listen, and everybody when a second Ctrl-C cuts the wait short
            for process in processes:
                process.kill()
                process.wait()

    def _log(self, slot: str) -> Path:
        return self.folder / f"{slot}.log"


def _children(pid: int) -> list[int]:
    found = (line.split() for line in _ps("-A", "-o", "pid=", "-o", "ppid="))
    return [int(child) for child, parent in found if int(parent) == pid]


def _works_for(pid: int, version: str) -> bool:
    return any(version in line.split() for line in _ps("-ww", "-o", "args=", "-p", str(pid)))


def _ps(*arguments: str) -> list[str]:
    """The lines of ps; none where there is no such program."""
    with suppress(OSError):
        ran = subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607 - of the user's system
        return ran.stdout.splitlines()
    return []


@dataclass
class Threads:
    """Each instance is a thread of this process; all share one log. What was stopped is not started again."""

    settings: Settings
    log: Log
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, threading.Thread] = field(default_factory=dict)
    _died: dict[str, BaseException] = field(default_factory=dict)
    _workers: dict[str, Handle] = field(default_factory=dict)

    def start(self, parts: Sequence[Part]) -> None:
        for part in parts:
            thread = threading.Thread(target=self._run, args=(part,), name=part.slot, daemon=True)
            self._running[part.slot] = thread
            thread.start()

    def check(self) -> None:
        for slot, error in self._died.items():
            raise RoleDied(f"{slot} ended: {type(error).__name__}: {error}") from error

    def kill(self, version: str) -> str:
        """Tell the version's worker to end: a thread cannot be killed."""
        worker = self._workers.get(version)
        if worker is None or worker.exit_code() is not None:
            return ""
        worker.kill()
        return "its thread is told to stop"

    def stop(self) -> None:
        self._stop.set()
        for thread in self._running.values():
            thread.join(STOP_S)
        self._running.clear()

    def launch(self, launch: Launch) -> Handle:
        """Start a worker. Implements `Launcher`."""

        def do(launch: Launch, stop: threading.Event, health: Health) -> None:
            with Follower(self.log, self.settings.names) as follower:
                work(self.settings, self.log, follower.state, launch, stop, health)

        handle = self._workers[launch.version] = ThreadLauncher(do).launch(launch)
        return handle

    def _run(self, part: Part) -> None:
        try:
            self._play(part)
        except Exception as error:  # noqa: BLE001 - kept for check(), which raises it in the main thread
            self._died[part.slot] = error

    def _play(self, part: Part) -> None:
        if part.role == SUPERVISOR.role:
            with Follower(self.log, self.settings.names) as follower:
                supervise(self.settings, self.log, follower.state, part.slot, self, self._stop, Health())
            return
        with self._role(part) as role:
            run_role(role, self.log, self._stop)

    def _role(self, part: Part) -> AbstractContextManager[Role]:
        if part.role == ROUTER.role:
            return routing(self.settings, part.slot, self.log)
        return nullcontext(building.comparator(self.settings, part.slot))
