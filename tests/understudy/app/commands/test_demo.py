from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from understudy.app.cli import build

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))


def test_a_broker_that_is_none_is_refused_before_anything_is_trained() -> None:
    result = CliRunner().invoke(build(), ["demo", "--broker", "nonsense"])

    assert result.exit_code == 2
    assert "'nonsense' is no broker" in result.output


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for file in (tmp_path / "missing" / "figures.json", tmp_path):
        result = CliRunner().invoke(build(), ["demo", "--broker", "memory", "--json", str(file)])

        assert result.exit_code == 2
        assert "--json" in result.output
        assert "Broker:" not in result.output


def test_it_plays_shows_and_writes_every_figure_whatever_the_environment_says(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [UNDERSTUDY, "demo", "--broker", "memory", "--fast", "--json", str(file)]
    foreign = {"UNDERSTUDY_ENDPOINT": "prod", "UNDERSTUDY_INPUT__TOPIC": "clicks", "PYTHONIOENCODING": "ascii"}
    environment = {**os.environ, **foreign}

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)

    assert (done.returncode, done.stderr) == (0, "")
    figures = json.loads(file.read_text())
    proof = figures["proof"]
    assert proof["flights"] >= 3_000
    assert f"Your users got {proof['flights']:,} answers to {proof['flights']:,} flights" in done.stdout
    assert [proof[fault] for fault in ("unanswered", "doubled", "misrouted", "residual")] == [0] * 4
    assert "It differs from production on" in done.stdout
    assert f"Every figure is in {file}." in done.stdout
    assert figures["endpoint"] == "flights"


def test_a_broker_that_is_not_there_is_one_clear_line_before_anything_is_trained() -> None:
    command = [UNDERSTUDY, "demo", "--broker", "127.0.0.1:1"]
    environment = {**os.environ, "UNDERSTUDY_KAFKA__CONNECT_TIMEOUT_S": "0.5"}

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)

    assert done.returncode == 1
    assert done.stderr.startswith("understudy: No broker answers at 127.0.0.1:1 within 0.5 s.")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "Broker: 127.0.0.1:1 (asked for; or --broker memory, local, docker)\n"
