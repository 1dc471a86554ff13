"""The worker that a team would write by hand: confluent-kafka and fastavro, micro-batches of 1,000, exactly once.

Reads every partition of SOURCE from its start, decodes single-object Avro, scores with one predict_proba a
micro-batch, and writes the same rows as Understudy's worker: `schemas/prediction.avsc`, single-object encoded.
Ends when RECORDS have been answered.
"""

from __future__ import annotations

import argparse
import time
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import skops.io
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

MICRO_BATCH = 1_000
TRANSACTION_S = 0.1
HEADER_BYTES = 10


class Scorer:
    """Decode, score, encode: one call each where the libraries allow it."""

    def __init__(self, schema: Path, contract: Path, artifact: Path, columns: list[str]) -> None:
        self.schema = fastavro.schema.load_schema(str(schema))
        self.contract = fastavro.schema.load_schema(str(contract))
        self.inputs = itemgetter(*columns)
        self.marker = (
            b"\xc3\x01"
            + bytes.fromhex(
                fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(self.contract), "CRC-64-AVRO")
            )[::-1]
        )
        self.model = skops.io.load(artifact, trusted=skops.io.get_untrusted_types(file=artifact))
        self.classes = self.model.classes_.tolist()

    def rows(self, messages: list[Any]) -> list[bytes]:
        """One encoded prediction per message."""
        read: Any = fastavro.schemaless_reader
        schema = self.schema
        events: list[dict[str, Any]] = [read(BytesIO(m.value()[HEADER_BYTES:]), schema, None) for m in messages]
        matrix = np.array(list(map(self.inputs, events)), dtype=np.float64)
        began = time.perf_counter_ns()
        probabilities = self.model.predict_proba(matrix)
        model_time_ns = (time.perf_counter_ns() - began) // len(messages)
        labels = [self.classes[i] for i in probabilities.argmax(axis=1)]
        answers = zip(messages, events, labels, probabilities.tolist(), strict=True)
        return [self.encode(m, e, label, p, model_time_ns) for m, e, label, p in answers]

    def encode(self, m: Any, event: dict[str, Any], label: Any, p: list[float], model_time_ns: int) -> bytes:
        """One prediction."""
        out = BytesIO()
        out.write(self.marker)
        fastavro.schemaless_writer(
            out,
            self.contract,
            {
                "outcome": "answered",
                "lane": "answering",
                "routed_version": "bench:v1",
                "answered_version": "bench:v1",
                "revision": 1,
                "share_ppm": 1_000_000,
                "source_partition": m.partition(),
                "model_time_ns": model_time_ns,
                "source_offset": m.offset(),
                "span": 1,
                "event_time": m.timestamp()[1],
                "event_id": event["event_id"],
                "slices": {},
                "label": label,
                "probabilities": p,
                "number": None,
                "values": None,
                "error_kind": None,
                "error": None,
            },
        )
        return out.getvalue()


def main() -> None:
    """Answer until the number of records is reached."""
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "source", "target", "group"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("schema", "contract", "artifact"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--columns", required=True)
    parser.add_argument("--records", required=True, type=int)
    options = parser.parse_args()
    scorer = Scorer(options.schema, options.contract, options.artifact, options.columns.split(","))
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            "group.id": options.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap,
            "transactional.id": f"{options.group}-0",
            "linger.ms": 20,
            "batch.size": 131_072,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions()
    consumer.subscribe([options.source])
    answered = 0
    while answered < options.records:
        answered += transaction(consumer, producer, scorer, options.target)
    consumer.close()


def transaction(consumer: Consumer, producer: Producer, scorer: Scorer, target: str) -> int:
    """Score micro-batches for 100 ms, then commit answers and positions together."""
    producer.begin_transaction()
    next_offsets: dict[tuple[str, int], int] = {}
    answered = 0
    end = time.monotonic() + TRANSACTION_S
    while (left := end - time.monotonic()) > 0:
        messages: list[Any] = consumer.consume(MICRO_BATCH, timeout=left)
        if not messages:
            continue
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
        for message, row in zip(messages, scorer.rows(messages), strict=True):
            partition = message.partition()
            producer.produce(target, row, message.key(), partition, timestamp=message.timestamp()[1])
            next_offsets[message.topic(), partition] = message.offset() + 1
        answered += len(messages)
    positions = [TopicPartition(topic, partition, offset) for (topic, partition), offset in next_offsets.items()]
    if positions:
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
    producer.commit_transaction()
    return answered


if __name__ == "__main__":
    main()
