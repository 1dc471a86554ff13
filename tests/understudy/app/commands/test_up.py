"""A whole endpoint as one tree of processes, on real Kafka."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from support.command_line import furnish
from support.endpoint import Endpoint, until
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, event, register_models

from understudy.core.log.errors import UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 200


@pytest.fixture
def endpoint(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Endpoint]:
    furnish(tmp_path)
    register_models(endpoint_settings(tmp_path))
    name = f"sums-{uuid4().hex[:8]}"
    settings = tmp_path / "understudy.toml"
    settings.write_text(settings.read_text().replace('endpoint = "sums"', f'endpoint = "{name}"'))
    endpoint = Endpoint(tmp_path, name, kafka_bootstrap)
    yield endpoint
    endpoint.close()


def family(pid: int) -> set[int]:
    """A process and all that it has started, directly or not."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pid}.union(*(family(int(child)) for child in children))


def command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and command(pid) != [""]}


def produce(endpoint: Endpoint, numbers: range) -> None:
    endpoint.run("produce", "--key", "id", stdin="\n".join(json.dumps(event(number)) for number in numbers))


def compared(endpoint: Endpoint) -> int:
    """Answers of the shadow that were compared with production's, when all that is owed is accounted for."""
    status = endpoint.status()
    assert status["ledger"]["residual"] == 0
    lanes = [lane for lane in status["lanes"] if lane["version"] == SHADOW and lane["comparison"] is not None]
    return sum(int(lane["comparison"]["matched"]) for lane in lanes)


@pytest.mark.kafka
def test_one_command_runs_an_endpoint_restarts_what_dies_and_takes_all_along_when_it_ends(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    endpoint.start("up", "up", "--slot", "home")
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic")
    endpoint.run("deploy", SHADOW, "--strategy", "shadow")
    produce(endpoint, range(EVENTS))
    until(lambda: compared(endpoint) == EVENTS, 60, "every event answered and compared")

    everybody = family(endpoint.processes["up"].pid)
    router = next(pid for pid in everybody if "router" in command(pid))
    os.kill(router, signal.SIGKILL)
    produce(endpoint, range(EVENTS, 2 * EVENTS))
    until(lambda: compared(endpoint) == 2 * EVENTS, 60, "what came after the router was killed")
    everybody |= family(endpoint.processes["up"].pid)

    assert endpoint.stop("up") == 0
    assert alive(everybody) == set()
    assert "Traceback" not in endpoint.logged("up")


@pytest.mark.kafka
def test_nobody_is_left_when_it_is_killed(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    endpoint.start("up", "up", "--slot", "home")
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic")
    everybody = family(endpoint.processes["up"].pid)
    assert len(everybody) == 5, "up, router, supervisor, worker, comparator"

    os.kill(endpoint.processes["up"].pid, signal.SIGKILL)

    until(lambda: not alive(everybody - {endpoint.processes["up"].pid}), 30, "the end of all processes")


def test_it_says_which_command_makes_the_topics(tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic, match="run understudy topics first"):
        furnish(tmp_path).run("up")
