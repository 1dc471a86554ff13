"""A writer of a memory log: transactions outside any group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from understudy.core.log.memory.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from understudy.core.log.contract import Output
    from understudy.core.log.memory.cluster import Cluster

TRANSACTION_TIMEOUT_S: Final = 5.0


class MemoryWriter:
    """Implements `Writer`."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self._producer = Producer(cluster, transactional_id, TRANSACTION_TIMEOUT_S)

    def take(self) -> bool:
        self._producer.abort()
        return True

    def commit(self, outputs: Iterable[Output]) -> bool:
        outputs = list(outputs)
        return not outputs or self._producer.commit(outputs)

    def close(self) -> None:
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
