"""Reads back what the roles wrote, as any consumer can, and counts it."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from comparator.summary import PAIRED
from schemas.encodings import RowDecoder
from understudy.app.status.counting import Counting
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.demo.figures import Figures
    from understudy.core.log.contract import Log, Reader
    from understudy.core.topics import EndpointTopics


class Audience:
    """Follows routes, predictions, shadow-predictions and comparisons from their start."""

    def __init__(self, log: Log, topics: EndpointTopics, partitions: int, figures: Figures) -> None:
        followed = (topics.routes, topics.predictions, topics.shadow_predictions, topics.comparisons)
        start = {TopicPartition(topic, p): 0 for topic in followed for p in range(partitions)}
        self._reader: Final[Reader] = log.reader(start)
        self._topics: Final = topics
        self._figures: Final = figures
        self._routes: Final = RowDecoder.of("avro", "route")
        self._predictions: Final = RowDecoder.of("avro", "prediction")
        self._comparisons: Final = RowDecoder.of("avro", "comparison")
        self.compared: Final = Compared()

    def watch(self, timeout_s: float) -> None:
        """Count what becomes visible; waits up to `timeout_s` for something."""
        polled = self._reader.poll(timeout_s)
        now_s = time.monotonic()
        if any(batches and at.topic == self._topics.predictions for at, batches in polled.items()):
            self._figures.visible(now_s)
        for at, batches in polled.items():
            for batch in batches:
                for value in batch.columns.values:
                    self._count(at.topic, value, now_s)

    def _count(self, topic: str, value: bytes | None, now_s: float) -> None:
        if topic == self._topics.comparisons:
            row = self._comparisons.decode(value)
            self.compared.add(row)
            self._figures.comparison(row)
        elif topic == self._topics.predictions:
            self._figures.prediction(self._predictions.decode(value), now_s)
        elif topic == self._topics.shadow_predictions:
            self._figures.shadow_prediction(self._predictions.decode(value))
        else:
            self._figures.route(self._routes.decode(value))

    def close(self) -> None:
        self._reader.close()


class Compared:
    """What the comparator has counted: the ledger of all lanes, and pairs by candidate and revision."""

    def __init__(self) -> None:
        self._counting: Final = Counting()
        self._pairs: Final[dict[tuple[str, int], Counter[str]]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a decoded row."""
        self._counting.add(row)
        if row["against"] is not None and row["slice"] is None:
            self._pairs.setdefault((row["version"], row["revision"]), Counter()).update(row["counts"])

    def pairs(self, version: str, revision: int | None = None) -> Counter[str]:
        """Records that a version and production both answered, by kind: under one plan, or under all."""
        total: Counter[str] = Counter()
        for (of, at), counts in self._pairs.items():
            if of == version and revision in (None, at):
                total.update({kind: counts[kind] for kind in PAIRED if counts[kind]})
        return total

    def total(self, kind: str) -> int:
        """Of the ledger, over all lanes: routed, in_flight, residual ..."""
        return sum(getattr(self._counting.lane(*lane).ledger, kind) for lane in self._counting.others(()))

    @property
    def lanes(self) -> int:
        """How many lanes there were."""
        return len(self._counting.others(()))
