"""The router that a team would write by hand: confluent-kafka, one message at a time, a transaction every 100 ms.

Reads every partition of SOURCE from its start and copies key, value and timestamp to each TARGET, exactly once.
Ends when RECORDS have been copied.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

POLL_MESSAGES = 10_000
TRANSACTION_S = 0.1


def main() -> None:
    """Copy until the number of records is reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True, nargs="+")
    parser.add_argument("--records", required=True, type=int)
    parser.add_argument("--group", required=True)
    options = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            "group.id": options.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 10,  # without it librdkafka idles in catch-up
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
    copied = 0
    while copied < options.records:
        copied += transaction(consumer, producer, options.source, options.target)
    consumer.close()


def transaction(consumer: Consumer, producer: Producer, source: str, targets: list[str]) -> int:
    """Copy for 100 ms, then commit outputs and positions together."""
    producer.begin_transaction()
    last_offsets: dict[int, int] = {}
    produce = producer.produce
    copied = 0
    end = time.monotonic() + TRANSACTION_S
    while (left := end - time.monotonic()) > 0:
        messages: list[Any] = consumer.consume(POLL_MESSAGES, timeout=left)
        for message in messages:
            if (error := message.error()) is not None:
                raise KafkaException(error)
            partition, key, value, stamp = message.partition(), message.key(), message.value(), message.timestamp()[1]
            for target in targets:
                try:
                    produce(target, value, key, partition, timestamp=stamp)
                except BufferError:
                    produce_when_there_is_room(producer, target, value, key, partition, stamp)
            last_offsets[partition] = message.offset()
        copied += len(messages)
    positions = [TopicPartition(source, partition, offset + 1) for partition, offset in last_offsets.items()]
    if positions:
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
    producer.commit_transaction()
    return copied


def produce_when_there_is_room(
    producer: Producer, target: str, value: bytes, key: bytes, partition: int, stamp: int
) -> None:
    """Queue one message, waiting for the queue to empty."""
    while True:
        producer.poll(0.1)
        try:
            producer.produce(target, value, key, partition, timestamp=stamp)
        except BufferError:
            continue
        return


if __name__ == "__main__":
    main()
