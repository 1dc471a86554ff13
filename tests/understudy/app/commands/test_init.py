from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from support.endpoint import Endpoint, until
from typer.testing import CliRunner

from understudy.app.cli import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 1_000


def test_the_files_are_named_and_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    shown = CliRunner().invoke(build(), ["init", "payments"], catch_exceptions=False)

    assert shown.exit_code == 0
    assert "Wrote payments/train.py" in shown.stdout
    assert "at the beginning of payments/understudy.toml" in shown.stdout
    assert {file.name for file in (tmp_path / "payments").iterdir()} == {
        "understudy.toml",
        "event.avsc",
        "train.py",
        "training.csv",
        "events.csv",
    }


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    shown = CliRunner().invoke(build(), ["init", "payments", "--folder", str(tmp_path)], catch_exceptions=False)

    assert shown.exit_code == 0
    assert (tmp_path / "understudy.toml").exists()


@pytest.fixture
def endpoint(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Endpoint]:
    """What init wrote, with two versions trained."""
    name = f"payments-{uuid4().hex[:8]}"
    CliRunner().invoke(build(), ["init", name, "--folder", str(tmp_path)], catch_exceptions=False)
    for arguments in (["v1"], ["v2", "0.01"]):
        subprocess.run([sys.executable, "train.py", *arguments], cwd=tmp_path, check=True, capture_output=True)
    endpoint = Endpoint(tmp_path, name, kafka_bootstrap)
    yield endpoint
    endpoint.close()


def is_compared(status: dict[str, Any]) -> bool:
    shadows = [lane["comparison"] for lane in status["lanes"] if lane["role"] == "shadow"]
    return [each["pairs"] for each in shadows if each is not None] == [EVENTS]


@pytest.mark.kafka
def test_what_it_wrote_works_as_it_is(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    for slot, arguments in (("r", ("router",)), ("w", ("worker", "--follow")), ("c", ("comparator",))):
        endpoint.start(slot, *arguments)
    endpoint.run("deploy", f"{endpoint.name}:v1", "--strategy", "basic")
    endpoint.run("deploy", f"{endpoint.name}:v2", "--strategy", "shadow")
    endpoint.run("produce", "events.csv", "--key", "customer")

    until(lambda: is_compared(endpoint.status()), 60, "every event answered by both, and compared")

    status = endpoint.status()
    assert status["problems"] == []
    assert status["ledger"] == {"routed": 2 * EVENTS, "accounted": 2 * EVENTS, "in_flight": 0, "residual": 0}
    assert [endpoint.stop(slot) for slot in ("r", "w", "c")] == [0, 0, 0]
