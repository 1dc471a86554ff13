"""What a supervisor needs of whatever runs its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from understudy.app.supervising.wanted import Kind

FENCED: Final = 3
"""The exit status of a supervised worker whose slot somebody else has taken."""
HUNG: Final = 4
"""The exit status of a supervised worker that has ended itself since its loop did not come round any more."""
NOT_LAUNCHED: Final = 126
"""The exit status of what could not be launched, as in a shell."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A worker to be started.

    slot: the supervisor's, to which the kind's ending is added. careful: an earlier one did not end by itself.
    """

    version: str
    kind: Kind
    slot: str
    careful: bool = False


class Handle(Protocol):
    """A worker that was started."""

    def is_ready(self) -> bool:
        """Whether it has its model and its partitions, as it says itself."""
        ...

    def exit_code(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives."""
        ...

    def terminate(self) -> None:
        """Tell it to finish its transaction, leave its group and end."""
        ...

    def kill(self) -> None:
        """End it at once, if that is possible."""
        ...


class Launcher(Protocol):
    """Starts workers."""

    def launch(self, launch: Launch) -> Handle:
        """Start one; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Unlaunched:
    """What the system had no process or memory for. Implements `Handle`."""

    def is_ready(self) -> bool:
        return False

    def exit_code(self) -> int | None:
        return NOT_LAUNCHED

    def terminate(self) -> None:
        """There is nothing to end."""

    def kill(self) -> None:
        """There is nothing to end."""


def launched(launch: Callable[[], Handle], telling: FilteringBoundLogger) -> Handle:
    """Launch; where the system refuses, the handle is of one that has ended, so that it is tried again as after that.

    A candidate may have used up what the system has, and is not to take its supervisor along.
    """
    try:
        return launch()
    except (OSError, MemoryError, RuntimeError) as error:  # RuntimeError: of threading, where no thread can be started
        telling.warning("could not be launched", reason=str(error))
        return Unlaunched()
