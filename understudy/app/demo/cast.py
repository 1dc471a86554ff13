"""Runs the roles of the demo: as processes on a broker, as threads on the memory log."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from understudy.app import roles
from understudy.app.demo.errors import RoleDied
from understudy.app.routing import routing
from understudy.app.running import run_role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from understudy.app.running import Role
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

STOP_S: Final = 15.0
LOG_TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Part:
    """One instance of a role. version: for a worker, its name:version."""

    role: str
    slot: str
    version: str | None = None


class Cast(Protocol):
    """Running instances of roles."""

    def start(self, parts: Sequence[Part]) -> None: ...

    def check(self) -> None:
        """Raise RoleDied where an instance has ended."""
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
                    [self.program, part.role, *([part.version] if part.version else []), "--slot", part.slot],
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


@dataclass
class Threads:
    """Each instance is a thread of this process; all share one log. What was stopped is not started again."""

    settings: Settings
    log: Log
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, threading.Thread] = field(default_factory=dict)
    _died: dict[str, BaseException] = field(default_factory=dict)

    def start(self, parts: Sequence[Part]) -> None:
        for part in parts:
            thread = threading.Thread(target=self._run, args=(part,), name=part.slot, daemon=True)
            self._running[part.slot] = thread
            thread.start()

    def check(self) -> None:
        for slot, error in self._died.items():
            raise RoleDied(f"{slot} ended: {type(error).__name__}: {error}") from error

    def stop(self) -> None:
        self._stop.set()
        for thread in self._running.values():
            thread.join(STOP_S)
        self._running.clear()

    def _run(self, part: Part) -> None:
        try:
            with _role(self.settings, part, self.log) as role:
                run_role(role, self.log, self._stop)
        except Exception as error:  # noqa: BLE001 - kept for check(), which raises it in the main thread
            self._died[part.slot] = error


def _role(settings: Settings, part: Part, log: Log) -> AbstractContextManager[Role]:
    match part.role:
        case "router":
            return routing(settings, part.slot, log)
        case "comparator":
            return nullcontext(roles.comparator(settings, part.slot))
        case _:
            return nullcontext(roles.worker(settings, str(part.version), part.slot))
