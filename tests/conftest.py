"""Which broker the tests marked `kafka` run on: `--broker auto|memory|local|host:port`."""

from __future__ import annotations

import os

import pytest
from support.containers import skip_without_engine

from understudy.app.brokers.choice import OPTIONS, BadChoice, Choice, choose

pytest_plugins = ["support.kafka_broker_fixture"]

CHOICE = pytest.StashKey[Choice]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--broker", default="auto", help=f"what the tests marked kafka run on: {OPTIONS}")


def pytest_configure(config: pytest.Config) -> None:
    try:
        choice = choose(config.getoption("--broker"))
    except BadChoice as error:
        raise pytest.UsageError(str(error)) from error
    if choice.kind == "memory" and os.environ.get("UNDERSTUDY_TEST_REQUIRE_KAFKA"):
        raise pytest.UsageError(f"real Kafka is required here, but the broker is {choice}")
    config.stash[CHOICE] = choice


def pytest_report_header(config: pytest.Config) -> str:
    return f"broker: {config.stash[CHOICE]}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip_without_engine(items)
    choice = config.stash[CHOICE]
    if choice.kind == "memory":
        skip = pytest.mark.skip(reason=f"NOT RUN, needs real Kafka; the broker is {choice}")
        for item in items:
            if item.get_closest_marker("kafka"):
                item.add_marker(skip)
