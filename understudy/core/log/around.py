"""What stands between a role and its session: a session around the session, which adds to some of its calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from understudy.core.log.contract import EMPTY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from understudy.core.log.contract import Output, Polled, Position, Session, TopicPartition


@dataclass(slots=True)
class SessionAround:
    """Implements `Session` by the session that it is given; to be inherited from."""

    session: Session

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """As `Session.poll`."""
        return self.session.poll(timeout_s, paused, reread)

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """As `Session.commit`."""
        return self.session.commit(outputs, positions)

    def close(self) -> None:
        """As `Session.close`."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
