from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until

from understudy.app.supervising.launching import Launch
from understudy.app.supervising.processes import ProcessLauncher

if TYPE_CHECKING:
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


CHATTY = f"""#!{sys.executable}
import sys
for _ in range(4):
    print("x" * 65536, file=sys.stderr, flush=True)
print("ready", flush=True)
sys.stdin.read()
"""
"""Says more than a pipe holds, and only then that it is ready."""

LEAVING = f"""#!{sys.executable}
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=PROCESS_GROUP)
print(left.pid, file=sys.stderr, flush=True)
print("ready", flush=True)
if "--careful" in sys.argv:
    sys.stdin.read()
"""
"""Leaves a process behind that has its streams; waits before that where it is careful."""


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def launcher(tmp_path: Path, heard: list[str]) -> ProcessLauncher:
    return ProcessLauncher(["--config", "my.toml"], program=script(tmp_path, PROGRAM), relay=heard.append)


def script(folder: Path, text: str) -> Path:
    program = folder / "understudy"
    program.write_text(text)
    program.chmod(0o755)
    return program


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


@pytest.mark.parametrize("error", [OSError("no space left on device"), ValueError("I/O operation on closed file")])
def test_a_worker_is_not_stopped_by_a_log_that_cannot_be_written(tmp_path: Path, error: Exception) -> None:
    def full(_: str) -> None:
        raise error

    process = ProcessLauncher(program=script(tmp_path, CHATTY), relay=full).launch(
        Launch("m:v1", "production", "pod-0")
    )

    until(process.is_ready, 20, "the worker to have said all it had to say")
    process.kill()
    assert ended(process) == -9


def leaver(folder: Path, heard: list[str], *, process_group: int | None, careful: bool) -> tuple[Process, int]:
    """A process, and the number of the one that it leaves behind."""
    program = script(folder, LEAVING.replace("PROCESS_GROUP", str(process_group)))
    launcher = ProcessLauncher(program=program, prefixed=False, relay=heard.append)
    process = launcher.launch(Launch("m:v1", "production", "pod-0", careful=careful))
    until(lambda: process.is_ready() and bool(heard), 20, "it to have started another")
    return process, int(heard[0])


def test_what_a_worker_leaves_running_goes_with_it(tmp_path: Path, heard: list[str]) -> None:
    process, left = leaver(tmp_path, heard, process_group=None, careful=False)

    assert ended(process) == 0
    until(lambda: not lives(left), 20, "the end of what was left")


def test_what_a_worker_has_started_is_killed_with_it(tmp_path: Path, heard: list[str]) -> None:
    process, left = leaver(tmp_path, heard, process_group=None, careful=True)

    process.kill()

    until(lambda: not lives(left), 20, "the end of what it has started")
    assert ended(process) == -9
    process.kill()
    assert process.exit_code() == -9


def test_what_a_worker_leaves_in_a_group_of_its_own_holds_nobody_up(tmp_path: Path, heard: list[str]) -> None:
    process, left = leaver(tmp_path, heard, process_group=0, careful=False)
    took_s: list[float] = []

    def has_ended() -> bool:
        began_s = time.monotonic()
        code = process.exit_code()
        took_s.append(time.monotonic() - began_s)
        return code is not None

    until(has_ended, 20, "the end of the process")

    assert max(took_s) < 2
    assert lives(left)
    os.kill(left, 9)


def lives(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "\nState:\tZ" not in status
