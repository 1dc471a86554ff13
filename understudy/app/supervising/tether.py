"""What ties a worker's process to its supervisor: standard input, whose end is the supervisor's."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S: Final = 10.0

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


def kill_self() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
