"""Waits, and says what for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from understudy.core.log.errors import LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.roles.running import Stop

Outcome = Literal["done", "stopped", "late"]

LOOK_S: Final = 0.1
HINT_AFTER_S: Final = 5.0


def unheard(_: str) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and whom to tell. stop: cuts every wait short. timeout_s: for each wait."""

    stop: Stop
    tell: Callable[[str], None] = unheard
    timeout_s: float = 600.0
    hint_after_s: float = HINT_AFTER_S
    clock: Callable[[], float] = field(default=time.monotonic)

    def until(self, lacking: Callable[[], str], hint: str) -> Outcome:
        """Wait until nothing is lacking: it says what is, "" for nothing. hint: told when it takes long."""
        began_s, told, hinted = self.clock(), "", False
        while what := _asked(lacking):
            waited_s = self.clock() - began_s
            if waited_s >= self.timeout_s:
                return "late"
            if what != told:
                told = what
                self.tell(f"Waiting for {what}")
            if waited_s >= self.hint_after_s and not hinted:
                hinted = True
                self.tell(hint)
            if self.stop.wait(LOOK_S):
                return "stopped"
        return "done"


def _asked(lacking: Callable[[], str]) -> str:
    """What is lacking. An outage is waited out like everything else."""
    try:
        return lacking()
    except LogUnavailable as error:
        return f"the broker: {error}"
