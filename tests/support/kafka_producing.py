"""Producers on a real broker, below the sessions that use them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from support.driving import batch

from understudy.app.brokers.local import start, stop
from understudy.core.log.contract import Output
from understudy.core.log.kafka.producer import Producer, TransactionLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.kafka_harness import KafkaHarness

    from understudy.core.log.contract import Phase
    from understudy.core.log.kafka.client import Client, TransactionVersion

PATIENCE_S = 30.0


def make_producer(client: Client, kafka: KafkaHarness, version: TransactionVersion = 2) -> Producer:
    """The next instance of one transactional id."""
    producer = Producer(client, kafka.name("id"), transaction_timeout_s=5.0, version=version)
    producer.initialise(time.monotonic() + PATIENCE_S)
    return producer


def outputs(topic: str, *values: str, partition: int = 0) -> list[Output]:
    """One batch for each value."""
    return [Output(topic, partition, batch(value)) for value in values]


def commit(producer: Producer, sent: list[Output]) -> None:
    """Commit, again where a topic's leader was not ready yet."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            producer.commit(sent)
        except TransactionLost:
            assert time.monotonic() < deadline
            producer.initialise(deadline)
        else:
            return


def stop_at(phase: str) -> Callable[[Phase], None]:
    """A probe that gives up in a phase."""

    def probe(reached: Phase) -> None:
        if reached == phase:
            raise InterruptedError(reached)

    return probe


def crash(folder: Path) -> None:
    """Kill a broker, and start it again."""
    stop(folder, grace_s=0.0)
    start(folder)
