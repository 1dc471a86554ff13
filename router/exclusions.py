"""Which lanes cannot be written, and who was told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from router.adoption import Followed
    from understudy.deployments.plan import Lane, Plan

TAKEN_OVER: Final = "it could not be written before the partition was taken over"


class Exclusions:
    """The lanes that this router found it cannot write. tell: called once for each lane, partition and cause.

    It holds until the lane leaves the plan: who wants to try a lane again makes a plan without it, and one with it.
    """

    def __init__(self, tell: Callable[[Lane, int, str], None]) -> None:
        self._tell: Final = tell
        self._plan: Plan | None = None
        self._causes: dict[Lane, str] = {}
        self._told: set[tuple[Lane, int]] = set()

    @property
    def lanes(self) -> Collection[Lane]:
        """The lanes that cannot be written."""
        return self._causes.keys()

    def add(self, lane: Lane, cause: str) -> None:
        """It turned out that the lane cannot be written."""
        self._causes[lane] = cause

    def follow(self, plan: Plan) -> None:
        """Forget what a new plan does not go on with."""
        if self._plan is not None and plan.revision != self._plan.revision:
            follows = plan.revision == self._plan.revision + 1
            # Where plans in between were never seen here, a lane may have left and come back.
            stayed = {*self._plan.lanes()} & {*plan.lanes()} if follows else set()
            self._causes = {lane: cause for lane, cause in self._causes.items() if lane in stayed}
            self._told = {(lane, partition) for lane, partition in self._told if lane in stayed}
        self._plan = plan

    def report(self, followed: Followed, partition: int) -> None:
        """Tell of the lanes that are left out in this partition, where that was not told yet."""
        for lane in sorted(followed.excluded):
            if (lane, partition) not in self._told:
                self._told.add((lane, partition))
                self._tell(lane, partition, self._causes.get(lane, TAKEN_OVER))
