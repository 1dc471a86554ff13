"""Reads an endpoint's topics back, sharing no code with the product.

The client is confluent-kafka, read_committed; rows are decoded by fastavro from the Avro files in `schemas/`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as At

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(__file__).parents[2] / "schemas"
SINGLE_OBJECT_HEADER_BYTES = 10
LOOK_RECORDS = 10_000
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """One visible record."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Observer:
    """An independent read_committed reader."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "observer",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.queue.backoff.ms": 10,
            }
        )

    def records(self, topic: str, timeout_s: float = 60) -> Iterator[Seen]:
        """Everything that is visible in a topic now, in order per partition."""
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([At(topic, p, 0) for p in partitions])
        open_partitions = set(partitions)
        deadline = time.monotonic() + timeout_s
        while open_partitions:
            for message in self._consumer.consume(LOOK_RECORDS, timeout=LOOK_S):
                error = message.error()
                if error is None:
                    yield _seen(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(message.partition())
                else:
                    raise AssertionError(f"{topic}: {error}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{topic}: no end of {sorted(open_partitions)} within {timeout_s} s")
        self._consumer.unassign()

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def _seen(message: Any) -> Seen:
    return Seen(
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )


class Progress:
    """Follows an endpoint's rows as they become visible, and counts them by version."""

    def __init__(self, bootstrap: str, endpoint: str) -> None:
        self.rows: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "progress",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )
        self._comparisons = f"{endpoint}.comparisons"
        self._predictions, self._compared = Rows("prediction"), Rows("comparison")
        topics = (f"{endpoint}.predictions", f"{endpoint}.shadow-predictions", self._comparisons)
        self._consumer.assign([At(topic, p, 0) for topic in topics for p in self._partitions(topic)])

    def look(self) -> None:
        """Take what has become visible."""
        while messages := self._consumer.consume(LOOK_RECORDS, timeout=LOOK_S):
            for message in messages:
                assert message.error() is None, message.error()
                if message.topic() == self._comparisons:
                    self._count_pairs(self._compared.decode(message.value()))
                else:
                    self.rows[self._predictions.decode(message.value())["routed_version"]] += 1
            if len(messages) < LOOK_RECORDS:
                return

    def close(self) -> None:
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        return list(self._consumer.list_topics(topic, timeout=10).topics[topic].partitions)

    def _count_pairs(self, row: dict[str, Any]) -> None:
        if row["against"] is not None and row["slice"] is None:
            self.pairs[row["version"]] += sum(row["counts"].values())


class Rows:
    """Decodes our single-object rows of one contract."""

    def __init__(self, contract: str) -> None:
        self._schema = fastavro.schema.load_schema(str(SCHEMAS / f"{contract}.avsc"))

    def decode(self, value: bytes | None) -> dict[str, Any]:
        """One row."""
        assert value is not None
        assert value[:2] == b"\xc3\x01"
        row: Any = fastavro.schemaless_reader(BytesIO(value[SINGLE_OBJECT_HEADER_BYTES:]), self._schema, None)
        return dict(row)
