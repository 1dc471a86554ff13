"""Runs workers as threads of this process: on the memory log, which nobody outside can reach."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.roles.probes import Health
from understudy.app.supervising.launching import FENCED
from understudy.core.log.errors import Fenced
from understudy.core.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.supervising.launching import Launch

DIED: Final = 1


@dataclass(frozen=True, slots=True)
class ThreadLauncher:
    """Starts workers as threads. work: does one's work until the event is set, and keeps its health up to date."""

    work: Callable[[Launch, threading.Event, Health], None]

    def launch(self, launch: Launch) -> Thread:
        """See `Launcher.launch`."""
        return Thread(self.work, launch)


class Thread:
    """A worker's thread. Implements `Handle`; a thread cannot be killed, and is only told to end."""

    def __init__(self, work: Callable[[Launch, threading.Event, Health], None], launch: Launch) -> None:
        self._stop: Final = threading.Event()
        self._health: Final = Health()
        self._code: int | None = None
        threading.Thread(target=self._run, args=(work, launch), name=launch.version, daemon=True).start()

    def is_ready(self) -> bool:
        return not self._health.unready()

    def exit_code(self) -> int | None:
        return self._code

    def terminate(self) -> None:
        self._stop.set()

    def kill(self) -> None:
        self._stop.set()

    def _run(self, work: Callable[[Launch, threading.Event, Health], None], launch: Launch) -> None:
        try:
            work(launch, self._stop, self._health)
        except Fenced:
            self._code = FENCED
        except Exception as error:  # noqa: BLE001 - a process would have died of it: the supervisor decides what follows
            logger("understudy").warning("worker died", version=launch.version, reason=f"{error}")
            self._code = DIED
        else:
            self._code = 0
