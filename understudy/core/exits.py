"""How a process ended, in words."""

from __future__ import annotations

import signal


def told_exit(code: int) -> str:
    """What became of a process. code: its exit status, or the negative number of the signal that killed it."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
