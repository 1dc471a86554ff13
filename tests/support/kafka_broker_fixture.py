"""A Kafka broker for the tests that need one, by `--broker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.broker import running_broker
from understudy.app.broker_choice import choose
from understudy.app.broker_container import running_broker_container

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
