"""A harness on a real broker, for what only Kafka does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.kafka_harness import KafkaHarness

from understudy.core.log.contract import EMPTY
from understudy.core.log.kafka.client import Address, Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def kafka(kafka_bootstrap: str) -> Iterator[KafkaHarness]:
    harness = KafkaHarness(kafka_bootstrap)
    yield harness
    harness.close()


@pytest.fixture
def client(kafka_bootstrap: str) -> Iterator[Client]:
    client = Client(Address(kafka_bootstrap, EMPTY))
    yield client
    client.close()
