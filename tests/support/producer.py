"""Writes to a topic as users do: librdkafka, batching, no transactions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import confluent_kafka

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Headers = Sequence[tuple[str, bytes | None]]

ANY_PARTITION: Final = -1
PATIENCE_S: Final = 60.0
LARGEST_BYTES: Final = 1_048_588
"""A topic's default limit; the producer's own is lower."""


@dataclass
class Producer:
    """An ordinary producer of one topic. settings: librdkafka's, `compression.type` for instance."""

    bootstrap: str
    topic: str
    settings: Mapping[str, str] = field(default_factory=dict)
    _failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ours = {"bootstrap.servers": self.bootstrap, "linger.ms": 5, "message.max.bytes": LARGEST_BYTES}
        self._producer = confluent_kafka.Producer({**ours, **self.settings})

    def send(
        self,
        key: bytes | None,
        value: bytes | None,
        timestamp_ms: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Queue a record; without a partition it goes where its key hashes to."""
        while not self._queued(key, value, timestamp_ms, headers, ANY_PARTITION if partition is None else partition):
            self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything was written."""
        left = self._producer.flush(PATIENCE_S)
        assert not self._failures, self._failures[:3]
        assert not left, f"{left} records were not written to {self.topic}"

    def _queued(
        self, key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers, partition: int
    ) -> bool:
        """Whether there was room for it."""
        try:
            self._producer.produce(
                self.topic, value, key, partition, on_delivery=self._told, timestamp=timestamp_ms, headers=list(headers)
            )
        except BufferError:
            return False
        return True

    def _told(self, error: confluent_kafka.KafkaError | None, _: confluent_kafka.Message) -> None:
        if error is not None:
            self._failures.append(str(error))
