"""What a supervisor needs of whatever runs its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from understudy.app.supervising.wanted import Kind

FENCED: Final = 3
"""The exit status of a supervised worker whose slot somebody else has taken."""


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
