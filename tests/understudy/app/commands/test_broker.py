from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from understudy.app.cli import build

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["broker", *arguments], catch_exceptions=False)


def test_no_broker_is_running(tmp_path: Path) -> None:
    status, stop = run("status", "--folder", str(tmp_path)), run("stop", "--folder", str(tmp_path))

    assert (status.exit_code, status.stdout) == (1, "no broker is running\n")
    assert (stop.exit_code, stop.stdout) == (0, "no broker was running\n")
    assert run("status", "--folder", str(tmp_path), "--json").stdout == "null\n"


@pytest.mark.kafka
def test_a_broker_is_started_found_and_stopped(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = ("--folder", str(tmp_path))
    request.addfinalizer(lambda: run("stop", *folder))

    started = json.loads(run("start", *folder, "--json").stdout)
    found = run("status", *folder)

    assert (found.exit_code, started["folder"]) == (0, str(tmp_path))
    assert f"is running on {started['bootstrap']} (process {started['pid']}" in found.stdout
    assert json.loads(run("stop", *folder, "--json").stdout) == {"stopped": True}
    assert run("status", *folder).exit_code == 1
