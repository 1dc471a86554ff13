"""The same tests on both logs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from support.story import create_deployments

from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import EndpointTopics

if TYPE_CHECKING:
    from understudy.core.log.contract import Log


@pytest.fixture
def names() -> EndpointTopics:
    """An endpoint that no other test has."""
    return EndpointTopics(f"flights-{uuid.uuid4().hex[:8]}")


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, names: EndpointTopics) -> Log:
    """A log with the endpoint's deployments topic."""
    log: Log = MemoryLog() if request.param == "memory" else KafkaLog(request.getfixturevalue("kafka_bootstrap"))
    create_deployments(log, names)
    return log
