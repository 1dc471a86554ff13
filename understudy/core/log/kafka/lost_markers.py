"""What is done about transactions whose ends a broker has lost.

A single node (broker and controller in one process) that was killed takes, on its return, its partitions for deleted
until its former self has lapsed. Transactions that it was about to end when it died are called complete by their
coordinator then, but get no markers, and their partitions go on waiting for them (seen with Kafka 4.4). Positions that
such a transaction moved are unstable for ever; the next transaction of the same producer there ends it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.kafka.producer import Producer

PATIENCE_S: Final = 2.0
"""The markers of a transaction that ends in health are written within milliseconds."""


class LostMarkers:
    """Ends a producer's former transaction once more when a group's positions stay unstable."""

    def __init__(self, producer: Producer, group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._producer = producer
        self._group = group
        self._clock = clock
        self._since: float | None = None

    def positions_are_stable(self) -> None:
        """They could be read."""
        self._since = None

    def positions_are_unstable(self) -> None:
        """They could not, because of a transaction that has not ended. Raises TransactionLost, Fenced."""
        now = self._clock()
        if self._since is None:
            self._since = now
        elif now >= self._since + PATIENCE_S:
            self._since = None
            self._producer.end_again(self._group)
