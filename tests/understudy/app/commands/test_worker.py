from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from support.command_line import CommandLine, furnish
from support.endpoint import Endpoint, until
from support.releasing import release
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, register_models

from understudy.app.releasing.releases import Releases
from understudy.app.releasing.waiting import Patience
from understudy.app.roles.probes import ask
from understudy.deployments.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    register_models(endpoint_settings(tmp_path))
    command_line = furnish(tmp_path)
    command_line.run("topics")
    return command_line


@pytest.mark.parametrize("arguments", [(), (PRODUCTION, "--follow")])
def test_either_a_version_is_named_or_the_releases_are_followed(
    command_line: CommandLine, arguments: tuple[str, ...]
) -> None:
    refused = command_line.run("worker", *arguments)

    assert refused.exit_code == 2
    assert "name a version, or say --follow" in refused.output


@pytest.mark.parametrize("flags", [(), ("--reclaim",)])
def test_a_version_that_nobody_deployed_is_refused(command_line: CommandLine, flags: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match=f"{PRODUCTION} is not deployed"):
        command_line.run("worker", PRODUCTION, *flags)


def test_a_worker_whose_version_is_withdrawn_ends_with_a_line(command_line: CommandLine) -> None:
    release(command_line.log, command_line.settings, PRODUCTION, SHADOW)
    patience = Patience(stop=Never())
    Releases(command_line.log, command_line.settings, "test", patience).rollback(SHADOW, wait=False)

    ended = command_line.run("worker", SHADOW)

    assert ended.exit_code == 0
    assert f"{SHADOW} is withdrawn" in ended.output


class Never:
    """A stop that nobody sets."""

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return False


@pytest.mark.kafka
def test_a_supervisor_is_ready_when_productions_worker_is(tmp_path: Path, kafka_bootstrap: str) -> None:
    register_models(endpoint_settings(tmp_path))
    toml = furnish(tmp_path).folder / "understudy.toml"
    toml.write_text(toml.read_text().replace('endpoint = "sums"\n', ""))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    name = f"e{uuid4().hex[:12]}"
    endpoint = Endpoint(tmp_path, name, kafka_bootstrap, environment={"UNDERSTUDY_ENDPOINT": name})
    try:
        endpoint.run("topics")
        endpoint.start("workers", "worker", "--follow", "--health-port", str(port))
        until(lambda: ask(port).ok, 30, "the supervisor")
        assert not ask(port, ready=True).ok
        endpoint.start("router", "router")
        endpoint.run("deploy", PRODUCTION, "--strategy", "basic")

        until(lambda: ask(port, ready=True).ok, 30, "production's worker")

        assert endpoint.run("health", "--ready", "--port", str(port)).stdout == "ok\n"
        assert endpoint.stop("workers") == 0
    finally:
        endpoint.close()
