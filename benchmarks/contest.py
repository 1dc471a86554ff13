"""What the end-to-end benchmarks share: whole processes that run in turn, and their CPU time.

CPU time is user + system time of the whole process, all threads, as the kernel accounts it. What a process costs that
starts, joins, finds nothing to do and stops is measured beside it and subtracted: a router runs for weeks.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Runs = tuple[Callable[[int], float], Callable[[int], float]]
"""Of a round's number to CPU seconds: for all records, and for a start with nothing to do."""

DEADLINE_S = 300.0
TICK_S = 0.05
PACKAGES = ("kafka-python", "confluent-kafka", "fastavro", "numpy", "scikit-learn", "crc32c")


@dataclass(frozen=True, slots=True)
class Contender:
    """run and start: see `Runs`. against: whom it is compared with, by name; itself, where others are with it."""

    name: str
    against: str
    run: Callable[[int], float]
    start: Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender: CPU microseconds a record in each round, start-up subtracted."""

    name: str
    against: str
    cpu_us: tuple[float, ...]
    start_cpu_s: float

    @property
    def median_us(self) -> float:
        return statistics.median(self.cpu_us)


def cpu_s(command: Sequence[str], folder: Path, done: Callable[[], bool] | None = None) -> float:
    """CPU seconds of a whole process, from its start to its end.

    done: the process is ended by SIGTERM when this is true; None: it ends by itself.
    """
    before = children_cpu_s()
    said = folder / "contender.log"
    with said.open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None and not (done and done()):
        if time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"{command} was not done within {DEADLINE_S} s:\n{said.read_text()[-2000:]}")
        time.sleep(TICK_S)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    if process.wait(timeout=60) != 0:
        raise SystemExit(f"{command} failed:\n{said.read_text()[-2000:]}")
    return children_cpu_s() - before


def children_cpu_s() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def contest(contenders: Sequence[Contender], rounds: int, records: int) -> list[Measured]:
    """Run the contenders in turn, so that all meet the same machine."""
    totals: dict[str, list[float]] = {c.name: [] for c in contenders}
    starts: dict[str, list[float]] = {c.name: [] for c in contenders}
    for number in range(rounds):
        for contender in contenders:
            totals[contender.name].append(contender.run(number))
            starts[contender.name].append(contender.start(number))
            print(f"round {number + 1}/{rounds} {contender.name}: {totals[contender.name][-1]:.2f} s", file=sys.stderr)
    return [measured(c, totals[c.name], statistics.median(starts[c.name]), records) for c in contenders]


def measured(contender: Contender, totals_s: Sequence[float], start_s: float, records: int) -> Measured:
    """Microseconds a record, start-up subtracted."""
    cpu_us = tuple((total - start_s) / records * 1e6 for total in totals_s)
    return Measured(contender.name, contender.against, cpu_us, start_s)


def report(results: Sequence[Measured], file: Path | None) -> None:
    """Print a table with ratios, round by round against the one compared with; write it as JSON where named."""
    by_name = {r.name: r for r in results}
    print(f"{'CPU us a record':44}{'median':>8}{'min':>8}{'max':>8}{'ratio':>8}{'min':>6}{'max':>6}{'start s':>9}")
    for r in results:
        ratios = [ours / theirs for ours, theirs in zip(r.cpu_us, by_name[r.against].cpu_us, strict=True)]
        figures = f"{r.median_us:8.2f}{min(r.cpu_us):8.2f}{max(r.cpu_us):8.2f}"
        compared = f"{statistics.median(ratios):8.2f}{min(ratios):6.2f}{max(ratios):6.2f}"
        print(f"{r.name:44}{figures}{compared}{r.start_cpu_s:9.2f}")
    if file:
        rows = [asdict(r) | {"median_us": r.median_us} for r in results]
        file.write_text(json.dumps({"setting": setting(), "results": rows}, indent=2) + "\n")


def setting() -> Mapping[str, str]:
    """When, and with which versions."""
    now = datetime.now(UTC).isoformat(timespec="minutes")
    return {"at": now, "python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def options(records: int) -> argparse.Namespace:
    """The command line that the benchmarks share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", help="a broker that runs already; default: a local one is started")
    parser.add_argument("--records", type=int, default=records)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()
