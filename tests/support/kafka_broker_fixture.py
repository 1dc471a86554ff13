"""A Kafka broker for the tests that need one, by `--broker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.brokers.choice import choose
from understudy.app.brokers.container import running_broker_container
from understudy.app.brokers.local import running_broker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """Bootstrap address of one broker for the whole run. Tests that use it are marked `kafka`."""
    choice = choose(request.config.getoption("--broker"))
    if choice.kind == "memory":
        pytest.skip(f"NOT RUN, needs real Kafka; the broker is {choice}")
    if choice.bootstrap is not None:
        yield choice.bootstrap
        return
    with running_broker_container() if choice.kind == "docker" else running_broker() as broker:
        yield broker.bootstrap
