"""What a process that runs a role for weeks, and moves megabytes at a time, sets differently from other programs."""

from __future__ import annotations

import gc
from typing import Final

GC_THRESHOLDS: Final = (50_000, 20, 20)
KEPT_BYTES: Final = 31 << 20
"""Just below the 32 MiB beyond which glibc gives every block back."""


def tune_process() -> None:
    """Let garbage be looked for rarely, and memory that was freed be used again. To be called when all is imported.

    What is there already is not looked at any more. Responses and requests have megabytes, which glibc at first gets
    from the system and gives back each time, a page fault for every 4 KB: a quarter of a router's CPU time. It stops
    that for blocks of up to the largest that it ever saw freed, so here is one, which is never written to. Elsewhere
    this has no effect.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    bytes(KEPT_BYTES)
