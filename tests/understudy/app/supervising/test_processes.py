from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until

from understudy.app.supervising.launching import Launch
from understudy.app.supervising.processes import ProcessLauncher

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.app.supervising.processes import Process

PROGRAM = f"""#!{sys.executable}
import os, signal, sys
print("arguments", *sys.argv[1:], os.environ["OMP_NUM_THREADS"], file=sys.stderr, flush=True)
print("ready", flush=True)
if "--careful" in sys.argv:
    print("waiting", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
sys.stdin.read()
print("the supervisor is gone", file=sys.stderr, flush=True)
"""


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def launcher(tmp_path: Path, heard: list[str]) -> ProcessLauncher:
    program = tmp_path / "understudy"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return ProcessLauncher(["--config", "my.toml"], program=program, relay=heard.append)


def ended(process: Process) -> int | None:
    until(lambda: process.exit_code() is not None, 20, "the end of the process")
    return process.exit_code()


@pytest.mark.parametrize(
    ("launch", "flags"),
    [
        (Launch("m:v1", "production", "pod-0"), ""),
        (Launch("m:v1", "candidate", "pod-0"), " --candidate"),
        (Launch("m:v1", "reclaimer", "pod-0", careful=True), " --reclaim --careful"),
    ],
)
def test_a_worker_is_a_process_of_the_console_script(
    launcher: ProcessLauncher, heard: list[str], launch: Launch, flags: str
) -> None:
    process = launcher.launch(launch)
    until(lambda: bool(heard), 20, "what it says")
    process.kill()

    assert ended(process) == -9
    assert heard == [
        f"[m:v1] arguments worker m:v1 --slot pod-0 --tethered{flags} --health-port 0 --config my.toml 1\n"
    ]


def test_a_worker_says_whether_it_is_ready(launcher: ProcessLauncher) -> None:
    ready = launcher.launch(Launch("m:v1", "production", "pod-0"))
    waiting = launcher.launch(Launch("m:v2", "production", "pod-0", careful=True))

    until(ready.is_ready, 20, "the worker to be ready")
    until(lambda: not waiting.is_ready(), 20, "the worker to wait again")
    for process in (ready, waiting):
        process.kill()
        ended(process)


def test_a_worker_is_told_to_end(launcher: ProcessLauncher) -> None:
    process = launcher.launch(Launch("m:v1", "production", "pod-0"))
    until(process.is_ready, 20, "the worker to be ready")
    until(lambda: process.exit_code() is None, 20, "it to live")

    process.terminate()

    assert ended(process) in {7, -15}


def test_a_worker_finds_out_that_its_supervisor_is_gone(launcher: ProcessLauncher, heard: list[str]) -> None:
    process = launcher.launch(Launch("m:v1", "production", "pod-0"))
    until(process.is_ready, 20, "the worker to be ready")
    assert process._process.stdin is not None

    process._process.stdin.close()

    assert ended(process) == 0
    assert heard[-1] == "[m:v1] the supervisor is gone\n"
