"""Reads an endpoint's topics back, sharing no code with the product.

The client is confluent-kafka, read_committed; rows are decoded by fastavro from the Avro files in `schemas/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
from confluent_kafka import Consumer, KafkaError, Message
from confluent_kafka import TopicPartition as At

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS = Path(__file__).parents[2] / "schemas"
SINGLE_OBJECT_HEADER_BYTES = 10


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
        while open_partitions:
            messages = self._consumer.consume(10_000, timeout=timeout_s if open_partitions else 0)
            if not messages:
                raise AssertionError(f"{topic}: no end of {sorted(open_partitions)} within {timeout_s} s")
            for message in messages:
                error = message.error()
                if error is None:
                    yield _seen(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    open_partitions.discard(message.partition())
                else:
                    raise AssertionError(f"{topic}: {error}")
        self._consumer.unassign()

    def visible(self, topic: str) -> int:
        """Records visible now."""
        return sum(1 for _ in self.records(topic))

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


def _seen(message: Message) -> Seen:
    return Seen(
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )


class Rows:
    """Decodes our single-object rows of one contract."""

    def __init__(self, contract: str) -> None:
        self._schema = fastavro.schema.load_schema(SCHEMAS / f"{contract}.avsc")

    def decode(self, value: bytes | None) -> dict[str, Any]:
        """One row."""
        assert value is not None
        assert value[:2] == b"\xc3\x01"
        row: dict[str, Any] = fastavro.schemaless_reader(
            BytesIO(value[SINGLE_OBJECT_HEADER_BYTES:]), self._schema, None
        )
        return row
