"""The suite runs once against each log."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.harness import LogHarness


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def harness(request: pytest.FixtureRequest) -> Iterator[LogHarness]:
    """One log under test."""
    harness: LogHarness
    if request.param == "memory":
        harness = import_module("support.memory_harness").MemoryHarness()
    else:
        harness = import_module("support.kafka_harness").KafkaHarness(request.getfixturevalue("kafka_bootstrap"))
    yield harness
    harness.close()
