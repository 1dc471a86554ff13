from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from support.command_line import CommandLine, furnish

from understudy.app.roles.probes import Health, serving
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    return furnish(tmp_path)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


def test_the_exit_status_is_the_answer_and_the_reason_is_printed(command_line: CommandLine, port: int) -> None:
    health = Health()
    with serving(health, "127.0.0.1", port):
        alive = command_line.run("health", "--port", str(port))
        starting = command_line.run("health", "--ready", "--port", str(port))
        health.ready()
        ready = command_line.run("health", "--ready", "--port", str(port))

    assert (alive.exit_code, alive.stdout) == (0, "ok\n")
    assert (starting.exit_code, starting.stdout) == (1, "it is starting\n")
    assert (ready.exit_code, ready.stdout) == (0, "ok\n")


def test_the_port_of_the_settings_is_asked(command_line: CommandLine, port: int) -> None:
    with (command_line.folder / "understudy.toml").open("a") as settings:
        settings.write(f"[health]\nport = {port}\n")

    with serving(Health(), "127.0.0.1", port):
        assert command_line.run("health").exit_code == 0

    gone = command_line.run("health")
    assert gone.exit_code == 1
    assert "nothing answers" in gone.stdout


def test_a_port_is_needed(command_line: CommandLine) -> None:
    with pytest.raises(SettingsError, match=r"\[health\] port is not set"):
        command_line.run("health")
