from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from understudy.app.cli import build

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))
HELP_LIMIT_S = 0.4


def commands() -> list[list[str]]:
    """Every command, as its words."""
    found = []
    for command in build().registered_commands:
        assert command.callback is not None
        found.append([command.name or command.callback.__name__])
    for group in build().registered_groups:
        assert isinstance(group.typer_instance, typer.Typer)
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            found.append([str(group.name), command.name or command.callback.__name__])
    return found


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([UNDERSTUDY, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_there_are_commands() -> None:
    assert {words[0] for words in commands()} >= {"topics", "register", "router", "worker", "comparator", "broker"}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    shown = CliRunner().invoke(build(), [*words, "--help"])

    assert shown.exit_code == 0
    assert f"Example: understudy {' '.join(words)}" in shown.stdout


def test_help_answers_at_once() -> None:
    run("--help")
    took_s = []
    for _ in range(3):
        began_s = time.perf_counter()
        assert run("--help").returncode == 0
        took_s.append(time.perf_counter() - began_s)

    assert min(took_s) < HELP_LIMIT_S


def test_a_users_mistake_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "understudy.toml").write_text("endpoint = 'sums'\n[kafak]\n")

    refused = run("topics", cwd=tmp_path)

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == "understudy: understudy.toml: there is no setting kafak; did you mean kafka?\n"


def test_a_cluster_that_does_not_answer_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "understudy.toml").write_text(
        "endpoint = 'sums'\n[kafka]\nbootstrap = '127.0.0.1:1'\nconnect_timeout_s = 0.5\n"
    )

    refused = run("topics", cwd=tmp_path)

    assert refused.returncode == 1
    assert "127.0.0.1:1" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["nonsense"], ["worker"], ["topics", "--nonsense"], ["produce", "--rate", "x"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    refused = run(*arguments)

    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
