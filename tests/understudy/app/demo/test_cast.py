from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until
from support.releasing import release
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, register_models

from understudy.app.demo.cast import COMPARATOR, PARTS, ROUTER, SUPERVISOR, Processes, Threads
from understudy.app.demo.errors import RoleDied
from understudy.app.provision import provision
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.core.settings import Settings

PATIENCE_S = 60.0
LISTENS = "signal.signal(signal.SIGTERM, lambda *_: (print('stopped in order', flush=True), sys.exit()))"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def program(folder: Path, line: str) -> Path:
    """A program that stands in for the console script: it says its arguments, and runs until it is told to stop."""
    path = folder / "program"
    path.write_text(
        f"#!{sys.executable}\nimport os, signal, sys\n{line}\n"
        "print(*sys.argv[1:], os.getcwd(), flush=True)\nwhile True:\n    signal.pause()\n"
    )
    path.chmod(0o755)
    return path


def died(cast: Processes | Threads) -> RoleDied | None:
    try:
        cast.check()
    except RoleDied as error:
        return error
    return None


def said(folder: Path, slot: str) -> str:
    log = folder / f"{slot}.log"
    return log.read_text() if log.exists() else ""


def test_each_process_is_a_role_in_the_endpoints_folder_and_is_stopped_in_order(tmp_path: Path) -> None:
    cast = Processes(tmp_path, program(tmp_path, LISTENS))

    cast.start([ROUTER, SUPERVISOR])
    until(lambda: all(said(tmp_path, slot) for slot in ("router-0", "worker-0")), PATIENCE_S, "their first words")
    cast.check()
    cast.stop()

    assert said(tmp_path, "router-0").splitlines() == [f"router --slot router-0 {tmp_path}", "stopped in order"]
    started, stopped = said(tmp_path, "worker-0").splitlines()
    assert started == f"worker --follow --slot worker-0 {tmp_path}"
    assert stopped == "stopped in order"


def test_a_process_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    cast = Processes(tmp_path, program(tmp_path, DEAF), stop_s=0.1)
    cast.start([ROUTER])
    until(lambda: bool(said(tmp_path, "router-0")), PATIENCE_S, "its first words")

    cast.stop()

    found = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path / "program") not in found


PARENT = (
    "import subprocess\n"
    "if '--follow' in sys.argv:\n"
    "    children = [subprocess.Popen([sys.argv[0], 'worker', each]) for each in ('m:v1', 'm:v2')]\n" + LISTENS
)


def test_the_worker_of_one_version_is_killed_among_the_supervisors_children(tmp_path: Path) -> None:
    cast = Processes(tmp_path, program(tmp_path, PARENT))
    assert cast.kill("m:v1") == ""
    cast.start([ROUTER, SUPERVISOR])
    until(lambda: said(tmp_path, "worker-0").count(str(tmp_path)) == 3, PATIENCE_S, "the workers' first words")

    killed = cast.kill("m:v1")

    assert re.fullmatch(r"kill -9 \d+", killed)
    assert cast.kill("m:v3") == ""
    cast.check()
    assert cast.kill("m:v2") != killed
    cast.stop()


def test_a_role_that_ends_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    cast = Processes(tmp_path)
    cast.start([ROUTER])

    until(lambda: died(cast) is not None, PATIENCE_S, "the end of the role")

    assert "router-0 ended with status 1" in str(died(cast))
    assert "There is no understudy.toml here" in str(died(cast))
    cast.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = endpoint_settings(tmp_path)
    register_models(settings)
    return settings


def test_threads_run_every_role_on_one_log_until_they_are_stopped(settings: Settings) -> None:
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    release(log, settings, PRODUCTION, SHADOW)
    cast = Threads(settings, log)

    cast.start([ROUTER, SUPERVISOR, COMPARATOR])
    groups = (settings.names.router_group, settings.names.worker_group(PRODUCTION), settings.names.comparator_group)
    with log.admin() as admin:
        until(lambda: all(admin.members(group) for group in groups), PATIENCE_S, "every role")
        cast.check()
        cast.stop()
        assert [list(admin.members(group)) for group in groups] == [[], [], []]

    assert {thread.name for thread in threading.enumerate()}.isdisjoint({part.slot for part in PARTS})


def test_the_worker_of_a_version_can_be_ended_and_is_started_again(settings: Settings) -> None:
    log = MemoryLog()
    with log.admin() as admin:
        provision(admin, settings)
    release(log, settings, PRODUCTION, SHADOW)
    cast = Threads(settings, log)
    assert cast.kill(SHADOW) == ""
    cast.start([SUPERVISOR])
    group = settings.names.worker_group(SHADOW)
    with log.admin() as admin:
        until(lambda: bool(admin.members(group)), PATIENCE_S, "the worker")

        assert cast.kill(SHADOW) == "its thread is told to stop"

        until(lambda: not admin.members(group), PATIENCE_S, "its end")
        until(lambda: bool(admin.members(group)), PATIENCE_S, "the next one")
    cast.stop()


def test_a_role_that_cannot_run_is_told(settings: Settings) -> None:
    cast = Threads(settings, MemoryLog())
    cast.start([ROUTER])

    until(lambda: died(cast) is not None, PATIENCE_S, "the end of the role")

    assert str(died(cast)).startswith("router-0 ended: ")
    cast.stop()
