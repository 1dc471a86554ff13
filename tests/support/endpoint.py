"""One endpoint on a real broker, run as its users run it: a folder, the console script, processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from support.observer import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))
PATIENCE_S = 180.0
"""What comes within seconds on a quiet machine has so long to come: only a failure takes it."""

TICK = threading.Event()
"""Never set: waiting on it lets other processes run between two looks at a condition."""


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition; fail with `what` when it has not come true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        TICK.wait(0.1)


class Ending(NamedTuple):
    """How a worker ended, and the state that it has then in its supervisor's eyes."""

    how: str
    then: str


@dataclass
class Endpoint:
    """A folder with `understudy.toml`, and the roles that run from it, with more `environment` than usual."""

    folder: Path
    name: str
    bootstrap: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    _progress: Progress | None = None

    def configure(self, toml: str) -> None:
        """Write the settings."""
        (self.folder / "understudy.toml").write_text(toml)

    def run(
        self, *arguments: str, check: bool = True, stdin: str | None = None, timeout_s: float = PATIENCE_S
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        done = subprocess.run(
            [UNDERSTUDY, *arguments],
            cwd=self.folder,
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"understudy {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def release(self, production: str, *shadows: str) -> None:
        """Put registered versions in production and beside it, and wait for nobody. The topics are there."""
        self.run("deploy", production, "--strategy", "basic", "--no-wait")
        for shadow in shadows:
            self.run("deploy", shadow, "--strategy", "shadow", "--no-wait")

    def start(self, slot: str, *arguments: str) -> None:
        """Start a role in the background; its output goes to `<slot>.log`."""
        with (self.folder / f"{slot}.log").open("ab") as log:
            self.processes[slot] = subprocess.Popen(
                [UNDERSTUDY, *arguments, "--slot", slot],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, slot: str) -> None:
        """Kill -9."""
        process = self.processes.pop(slot)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    def stop(self, slot: str) -> int:
        """SIGTERM, and the exit status."""
        process = self.processes.pop(slot)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def close(self) -> None:
        """End every process that is left."""
        for slot in list(self.processes):
            self.kill(slot)
        if self._progress is not None:
            self._progress.close()

    def answered(self, version: str) -> int:
        """Rows of a version that can be read now: answers and errors."""
        return self._looked().rows[version]

    def compared(self, version: str) -> int:
        """Records of a shadow that were counted beside production's, whatever became of them."""
        return self._looked().pairs[version]

    def status(self) -> dict[str, Any]:
        """`understudy status --json`."""
        answer: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return answer

    def logged(self, slot: str) -> str:
        """What a role has printed."""
        return (self.folder / f"{slot}.log").read_text()

    def endings(self, slot: str, kind: str) -> list[Ending]:
        """How the workers of a kind have ended so far, as their supervisor tells."""
        lines = [json.loads(line) for line in self.logged(slot).splitlines() if '"worker ended"' in line]
        return [Ending(line["how"], line["then"]) for line in lines if line["kind"] == kind]

    def _looked(self) -> Progress:
        if self._progress is None:
            self._progress = Progress(self.bootstrap, self.name)
        self._progress.look()
        return self._progress

    def _environment(self) -> Mapping[str, str]:
        ours = {"UNDERSTUDY_KAFKA__BOOTSTRAP": self.bootstrap, "OMP_NUM_THREADS": "1"}
        return {**os.environ, **ours, **self.environment}
