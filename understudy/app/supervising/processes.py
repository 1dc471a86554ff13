"""Runs workers, and other roles, as processes of the console script, tied to this one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
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
    """A worker's process. Implements `Handle`."""

    def __init__(self, process: subprocess.Popen[str], relay: Callable[[str], None]) -> None:
        self._process: Final = process
        self._ready: Final = threading.Event()
        self._threads: Final = [
            threading.Thread(target=self._hear, args=(process.stdout,), daemon=True),
            threading.Thread(target=_relay, args=(process.stderr, relay), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def is_ready(self) -> bool:
        return self._ready.is_set()

    def exit_code(self) -> int | None:
        code = self._process.poll()
        if code is not None:
            self._close()
        return code

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def _hear(self, stream: IO[str]) -> None:
        """What the worker says of itself."""
        for line in stream:
            match line.strip():
                case said if said == READY:
                    self._ready.set()
                case said if said == WAITING:
                    self._ready.clear()

    def _close(self) -> None:
        """Relay the last lines. What a worker left running may hold the streams open, and is not waited for."""
        for thread in self._threads:
            thread.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def _relay(stream: IO[str], relay: Callable[[str], None]) -> None:
    for line in stream:
        relay(line)
