"""What ends a worker's process from within: standard input, whose end is the supervisor's, and a loop that hangs."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

from understudy.app.supervising.launching import HUNG
from understudy.core.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S: Final = 10.0
LOOK_S: Final = 5.0

READY: Final = "ready"
WAITING: Final = "waiting"


def end_with(descriptor: int, stop: threading.Event, kill: Callable[[], None], grace_s: float = GRACE_S) -> None:
    """Set `stop` when the other end of a pipe is closed, and call `kill` when that was `grace_s` ago.

    Returns at once. A supervisor that is killed closes its ends of all pipes, wherever that happens.
    """

    def watch() -> None:
        while os.read(descriptor, 1024):
            pass
        stop.set()
        time.sleep(grace_s)  # a process that ends in time takes this thread along
        kill()

    threading.Thread(target=watch, name="tether", daemon=True).start()


def end_hung(unhealthy: Callable[[], str], end: Callable[[str], None], look_s: float = LOOK_S) -> None:
    """Call `end` with the reason when a process has been unhealthy at two looks in a row.

    Returns at once. One look is not enough: a process that was suspended wakes up unhealthy, and goes on. A thread
    looks, which needs the interpreter's lock: native code that never returns and never releases that lock cannot be
    noticed from within, and heartbeats end with it, so that the group gives the partitions to others.
    """

    def watch() -> None:
        was_unhealthy = False
        while not ((reason := unhealthy()) and was_unhealthy):
            was_unhealthy = bool(reason)
            time.sleep(look_s)
        end(reason)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()


def exit_hung(reason: str) -> None:
    """End this process at once, which cannot be asked to any more; the next one is started with care."""
    logger("understudy").error("hangs, and ends itself", reason=reason)
    os._exit(HUNG)


def kill_self() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
