"""The router's session sees to it that our topics grow with the input, before anything is written to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy.app.provision import follow_growth
from understudy.core.log.around import SessionAround
from understudy.core.log.contract import EMPTY
from understudy.core.log.errors import UnknownTopic
from understudy.core.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from understudy.core.log.contract import Log, Output, Polled, Position, TopicPartition
    from understudy.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Growth:
    """Grows an endpoint's topics to the input's partitions. Any number of routers may do it at once.

    versions: those whose lanes grow, too, production's first; asked each time. For any thread.
    """

    log: Log
    settings: Settings
    versions: Callable[[], Sequence[str]]

    def follow(self) -> bool:
        """Whether something had to grow, and has.

        Raises LogError where one of the endpoint's own topics cannot. A lane that cannot is left, and the router finds
        out that it cannot write to it.
        """
        telling = logger("understudy", endpoint=self.settings.endpoint)
        with self.log.admin() as admin:
            rows = follow_growth(admin, self.settings, self.versions())
        for row in rows:
            if row.action == "left":
                telling.warning("a topic does not follow the input", topic=row.name, reason=row.problem)
        grown = [row for row in rows if row.action == "grown"]
        if grown:
            telling.info("the input has grown", partitions=grown[0].partitions, topics=[row.name for row in grown])
        return bool(grown)


@dataclass(slots=True)
class GrowingSession(SessionAround):
    """A session that lets the topics grow before it hands out input partitions that they may not have.

    covered: partitions that they are known to have.
    """

    growth: Growth
    covered: int = field(default=0, init=False)

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """As `Session.poll`."""
        polled = self.session.poll(timeout_s, paused, reread)
        needed = max((at.partition + 1 for at in polled.assigned), default=0)
        if needed > self.covered:
            self.growth.follow()
            self.covered = needed
        return polled

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """As `Session.commit`; a topic that only lacked partitions gets them, and the commit counts as lost."""
        try:
            return self.session.commit(outputs, positions)
        except UnknownTopic:
            if self.growth.follow():
                return False
            raise
