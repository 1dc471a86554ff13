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


def hold_back(memory_bytes: int, oom_score_file: Path = OOM_SCORE_FILE) -> None:
    """Lower this process's priority, and bound what it may allocate, which is a MemoryError beyond that.

    Holds for what it starts, too, and cannot be taken back. Where the system has no such thing it has no effect.
    """
    os.nice(NICENESS)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    with suppress(OSError):
        oom_score_file.write_text(f"{OOM_SCORE}\n")
