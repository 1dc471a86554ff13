"""Roles as processes of the console script, on real Kafka."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import furnish
from support.endpoint import Endpoint, until
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, event, register_models

from understudy.core.log.errors import UnknownTopic
from understudy.deployments.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 200
ROLES = {
    "router-0": ("router",),
    "production-0": ("worker", PRODUCTION),
    "shadow-0": ("worker", SHADOW),
    "comparator-0": ("comparator",),
}


@pytest.fixture
def endpoint(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Endpoint]:
    furnish(tmp_path)
    register_models(endpoint_settings(tmp_path))
    endpoint = Endpoint(tmp_path, "sums", kafka_bootstrap)
    yield endpoint
    endpoint.close()


def shown(endpoint: Endpoint, topic: str) -> list[dict[str, object]]:
    lines = endpoint.run("tail", topic, "--from-beginning", "--json").stdout.splitlines()
    return [json.loads(line)["value"] for line in lines]


def is_settled(status: dict[str, Any]) -> bool:
    production, shadow = status["lanes"]
    assert status["ledger"]["residual"] == 0
    return bool(
        shadow["comparison"] is not None
        and production["answered"] == shadow["comparison"]["matched"] == EVENTS
        and not any(group["behind"] for group in status["groups"])
    )


@pytest.mark.kafka
def test_events_are_answered_by_processes_that_stop_in_an_orderly_way(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    endpoint.release(PRODUCTION, SHADOW)
    endpoint.run("produce", "--key", "id", stdin="\n".join(json.dumps(event(number)) for number in range(EVENTS)))
    for slot, arguments in ROLES.items():
        endpoint.start(slot, *arguments)

    until(lambda: is_settled(endpoint.status()), 60, "every event answered and compared, and nobody behind")

    assert endpoint.status()["problems"] == []
    assert [endpoint.stop(slot) for slot in ROLES] == [0, 0, 0, 0]
    for topic, version in (("predictions", PRODUCTION), ("shadow-predictions", SHADOW)):
        rows = shown(endpoint, topic)
        assert sorted(str(row["event_id"]) for row in rows) == sorted(f"event-{n}" for n in range(EVENTS))
        assert {row["answered_version"] for row in rows} == {version}
    assert "stopped" in endpoint.logged("router-0")


@pytest.mark.kafka
def test_a_second_instance_of_a_slot_takes_over_and_the_first_says_so(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    endpoint.start("router-0", "router")
    until(lambda: "started" in endpoint.logged("router-0"), 30, "the first router")
    first = endpoint.processes.pop("router-0")

    endpoint.start("router-0", "router")

    assert first.wait(timeout=60) == 1
    assert "Traceback" not in endpoint.logged("router-0")
    assert endpoint.stop("router-0") == 0


@pytest.mark.kafka
def test_a_role_without_positions_names_the_command_that_records_them(endpoint: Endpoint) -> None:
    endpoint.run("topics", "--json")
    missing = endpoint.folder / "understudy.toml"
    missing.write_text(
        missing.read_text().replace('"sums"', '"other"', 1).replace("[input]", '[input]\ntopic = "sums.input"')
    )

    refused = endpoint.run("router", check=False)

    assert refused.returncode == 1
    assert "understudy topics" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_topics_are_needed_to_route(tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic, match="understudy topics"):
        furnish(tmp_path).run("router")


def test_a_worker_of_a_version_that_nobody_deployed_is_refused(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    command_line.run("topics")

    with pytest.raises(Refused, match="sums:v9 is not deployed: run `understudy deploy sums:v9` first"):
        command_line.run("worker", "sums:v9")
