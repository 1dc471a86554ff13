"""What a router has done for it on another thread, so that routing never waits for it."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from understudy.core.log.errors import LogError
from understudy.core.telemetry import logger
from understudy.deployments.errors import Refused
from understudy.deployments.proposals import exclude

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.deployments.events import Draft, Event
    from understudy.deployments.fold import State
    from understudy.deployments.plan import Lane

LOOK_S: Final = 30.0
"""How often it is looked whether the input has grown: as often as clients look at their topics."""
RETRY_S: Final = 1.0
CLOSE_S: Final = 5.0


class Exclusion(NamedTuple):
    """A lane that is left out in a partition since it cannot be written."""

    lane: Lane
    partition: int
    cause: str


class Deployments(Protocol):
    """What an attendant needs of a `DeploymentsLog`."""

    def append(self, propose: Callable[[State], Draft | None], /) -> Event | None:
        """As `DeploymentsLog.append`."""
        ...


class Attendant:
    """Appends exclusions to the deployments, and lets topics grow with the input. A context manager.

    follow_growth: called every look_s; see `Growth.follow`.

    An exclusion is tried again until it is in, or is refused because the releases have gone on. What is left when the
    router stops is told by the partition's next owner, who has it from the note.
    """

    def __init__(
        self,
        deployments: Deployments,
        follow_growth: Callable[[], object],
        *,
        look_s: float = LOOK_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._deployments: Final = deployments
        self._follow_growth: Final = follow_growth
        self._look_s: Final = look_s
        self._retry_s: Final = retry_s
        self._telling: Final = logger("understudy")
        self._exclusions: Final[SimpleQueue[Exclusion | None]] = SimpleQueue()
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._attend, name="attendant", daemon=True)

    def exclude(self, lane: Lane, partition: int, cause: str) -> None:
        """Have it noted that a lane is left out. For any thread; returns at once."""
        self._telling.warning("lane left out", version=lane.version, role=lane.role, partition=partition, reason=cause)
        self._exclusions.put(Exclusion(lane, partition, cause))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._exclusions.put(None)
        self._thread.join(CLOSE_S)

    def _attend(self) -> None:
        while not self._stop.is_set():
            try:
                exclusion = self._exclusions.get(timeout=self._look_s)
            except Empty:
                self._look()
            else:
                if exclusion is not None:
                    self._append(exclusion)

    def _look(self) -> None:
        try:
            self._follow_growth()
        except LogError as error:
            self._telling.debug("could not look whether the input has grown", reason=str(error))

    def _append(self, exclusion: Exclusion) -> None:
        lane, partition, cause = exclusion

        def propose(state: State) -> Draft | None:
            return exclude(state, lane.version, lane.role, partition, cause)

        while not self._stop.is_set():
            try:
                self._deployments.append(propose)
            except Refused as refused:
                self._telling.info("lane left out, which the releases need not know", reason=str(refused))
                return
            except LogError as error:
                self._telling.warning("the deployments do not take an event yet", reason=str(error))
                self._stop.wait(self._retry_s)
            else:
                return
