"""Runs workers, and other roles, as processes of the console script, tied to this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from understudy.app.supervising.tether import READY, WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.app.supervising.launching import Launch
    from understudy.app.supervising.wanted import Kind

FLAGS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "production": (),
    "candidate": ("--candidate",),
    "reclaimer": ("--reclaim",),
}

LAST_LINES_S: Final = 0.1
"""How long a supervisor waits for the last lines of a process that has ended, while its other workers wait for it."""


def to_standard_error(line: str) -> None:
    """Write one line whole."""
    sys.stderr.write(line)
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class ProcessLauncher:
    """Starts workers as `understudy worker NAME:VERSION ...`.

    common: arguments that all have, those that name the settings. prefixed: whether a line of a worker begins with
    its version, as people like it; programs find it in the line's slot. relay: where the lines go.

    A worker reads standard input, which says nothing and ends with this process, however that ends; then the worker
    ends too. It writes to standard output whether it is ready.
    """

    common: Sequence[str] = ()
    prefixed: bool = True
    program: Path = field(default_factory=lambda: Path(sys.executable).with_name("understudy"))
    environment: Mapping[str, str] = field(default_factory=lambda: {"OMP_NUM_THREADS": "1"})
    relay: Callable[[str], None] = to_standard_error

    def launch(self, launch: Launch) -> Process:
        """See `Launcher.launch`."""
        careful = ("--careful",) if launch.careful else ()
        arguments = ("worker", launch.version, "--slot", launch.slot, "--tethered", *FLAGS[launch.kind], *careful)
        return self.start(arguments, launch.version)

    def start(self, arguments: Sequence[str], name: str) -> Process:
        """Start any command that takes `--tethered`. name: what its lines begin with."""
        process = subprocess.Popen(  # noqa: S603 - our own program
            [self.program, *arguments, "--health-port", "0", *self.common],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            env={**os.environ, **self.environment},
            process_group=0,  # Ctrl-C is for the supervisor, which stops them in an orderly way
        )
        prefix = f"[{name}] " if self.prefixed else ""
        return Process(process, lambda line: self.relay(prefix + line))


class Process:
    """A worker's process, and what it starts in its group. Implements `Handle`."""

    def __init__(self, process: subprocess.Popen[str], relay: Callable[[str], None]) -> None:
        self._process: Final = process
        self._ready: Final = threading.Event()
        self._relaying: Final = threading.Thread(target=_read, args=(process.stderr, relay), daemon=True)
        self._relaying.start()
        threading.Thread(target=_read, args=(process.stdout, self._hear), daemon=True).start()

    def is_ready(self) -> bool:
        return self._ready.is_set()

    def exit_code(self) -> int | None:
        if self._process.returncode is None and self._process.poll() is not None:
            self._clear_up()
        return self._process.returncode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        if self._process.returncode is None:  # else the number may be somebody else's by now
            self._kill_group()

    def _hear(self, line: str) -> None:
        """What the worker says of itself."""
        match line.strip():
            case said if said == READY:
                self._ready.set()
            case said if said == WAITING:
                self._ready.clear()

    def _clear_up(self) -> None:
        """End what it left running, and give its last lines a moment.

        What left its group too may hold the streams open: they are closed by who reads them, whenever they end.
        """
        self._kill_group()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._relaying.join(LAST_LINES_S)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left in it; macOS says so in its own way
            os.killpg(self._process.pid, signal.SIGKILL)


def _read(stream: IO[str], take: Callable[[str], None]) -> None:
    """Take lines until nobody can write any more.

    A line that cannot be passed on is lost: a pipe that nobody empties would stop who writes to it.
    """
    with stream:
        for line in stream:
            with suppress(OSError, ValueError):
                take(line)
