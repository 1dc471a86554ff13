"""Reads back what the roles wrote, as any consumer can, and counts it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from schemas.encodings import RowDecoder
from understudy.app.demo.figures import Meter
from understudy.app.demo.scoreboard import Pace, scoreboard
from understudy.app.status.counting import Counting
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from understudy.app.demo.figures import Figures
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.core.log.contract import Log, Reader
    from understudy.core.topics import EndpointTopics


class Audience:
    """Follows predictions, shadow-predictions and comparisons from their start."""

    def __init__(self, log: Log, topics: EndpointTopics, partitions: int, figures: Figures) -> None:
        followed = (topics.predictions, topics.shadow_predictions, topics.comparisons)
        start = {TopicPartition(topic, p): 0 for topic in followed for p in range(partitions)}
        self._reader: Final[Reader] = log.reader(start)
        self._topics: Final = topics
        self._figures: Final = figures
        self._predictions: Final = RowDecoder.of("avro", "prediction")
        self._comparisons: Final = RowDecoder.of("avro", "comparison")
        self._counting: Final = Counting()
        self._meter: Final = Meter()

    def watch(self, timeout_s: float) -> None:
        """Count what becomes visible; waits up to `timeout_s` for something."""
        polled = self._reader.poll(timeout_s)
        now_s = time.monotonic()
        for at, batches in polled.items():
            for batch in batches:
                for value in batch.columns.values:
                    self._count(at.topic, value, now_s)

    def _count(self, topic: str, value: bytes | None, now_s: float) -> None:
        if topic == self._topics.comparisons:
            row = self._comparisons.decode(value)
            self._counting.add(row)
            self._figures.comparison(row)
        elif topic == self._topics.predictions:
            self._figures.prediction(self._predictions.decode(value), now_s)
        else:
            self._figures.shadow_prediction(self._predictions.decode(value))

    def board(self, elapsed_s: float) -> Scoreboard:
        """Where the run stands."""
        rate_per_s = self._meter.rate_per_s(len(self._figures.seen), elapsed_s)
        return scoreboard(self._figures, self._counting, elapsed_s, Pace(rate_per_s, self._figures.recent_delay_ms()))

    def close(self) -> None:
        self._reader.close()
