"""Holds a process back, so that a candidate's worker takes neither time nor memory from production's."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 10
OOM_SCORE: Final = 500
"""Of 1,000: where memory runs out, the system ends this process before one of production."""

OOM_SCORE_FILE: Final = Path("/proc/self/oom_score_adj")


def bound_memory(memory_bytes: int, oom_score_file: Path = OOM_SCORE_FILE) -> None:
    """Bound what this process may allocate, which is a MemoryError beyond that, and let it be ended before others.

    Holds for what it starts, too. Where the system has no such thing it has no effect.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    with suppress(OSError):
        oom_score_file.write_text(f"{OOM_SCORE}\n")


def yield_to_others() -> None:
    """Lower the priority of this thread, and of all that it starts from now on. It cannot be taken back.

    For when a model is loaded: at a low priority, on a busy machine, that may take minutes for which a release waits.
    """
    os.nice(NICENESS)
