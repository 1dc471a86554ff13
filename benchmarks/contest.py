"""What the end-to-end benchmarks share: an input topic, whole processes, and their CPU time.

CPU time is user + system time of the whole process, all threads, as the kernel accounts it. What a process costs that
starts, joins, finds nothing to do and stops is measured beside it and subtracted: a router runs for weeks.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.app.broker import running_broker
from understudy.core.batches import build_columns
from understudy.core.log.contract import NewTopic, Output, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from understudy.core.log.kafka import KafkaLog

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))
PARTITIONS = 8
BATCH_BYTES = 128 * 1024
KEY_BYTES = 8
START_MS = 1_700_000_000_000
DEADLINE_S = 300.0
TICK_S = 0.02


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender: CPU microseconds a record in each round, start-up subtracted."""

    name: str
    cpu_us: tuple[float, ...]
    start_cpu_s: float

    @property
    def median_us(self) -> float:
        return statistics.median(self.cpu_us)


@contextmanager
def broker(bootstrap: str | None) -> Iterator[str]:
    """The broker that was named, or a local one with the JVM's normal JIT."""
    if bootstrap:
        yield bootstrap
        return
    with running_broker(jit="full") as info:
        yield info.bootstrap


def fill(log: KafkaLog, topic: str, records: int, value: Callable[[int], bytes]) -> None:
    """Make a topic and fill it with batches of 128 KB, keys of 8 bytes, all partitions alike."""
    with log.admin() as admin:
        admin.create([NewTopic(topic, PARTITIONS)])
    each = max(1, BATCH_BYTES // (KEY_BYTES + len(value(0)) + 12))
    with log.writer(f"{topic}.filler") as writer:
        outputs: list[Output] = []
        for number, begin in enumerate(range(0, records, each)):
            ids = range(begin, min(begin + each, records))
            batch = build_columns([b"%08d" % i for i in ids], [value(i) for i in ids], [START_MS + i for i in ids])
            outputs.append(Output(topic, number % PARTITIONS, batch))
            if len(outputs) == PARTITIONS * 4 or ids.stop == records:
                if not writer.commit(outputs):
                    raise SystemExit("filling the input failed: is the broker well?")
                outputs.clear()


def ends(log: KafkaLog, topic: str) -> int:
    """The sum of a topic's end offsets."""
    with log.admin() as admin:
        return sum(admin.end_offsets([TopicPartition(topic, p) for p in range(PARTITIONS)]).values())


def cpu_s(command: Sequence[str], folder: Path, done: Callable[[], bool] | None = None) -> float:
    """CPU seconds of a whole process, from its start to its end.

    done: the process is ended by SIGTERM when this is true; None: it ends by itself.
    """
    before = children_cpu_s()
    with (folder / "contender.log").open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None and not (done and done()):
        if time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"{command[0]} was not done within {DEADLINE_S} s; see {folder}/contender.log")
        time.sleep(TICK_S)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    if process.wait(timeout=60) != 0:
        raise SystemExit((folder / "contender.log").read_text()[-2000:])
    return children_cpu_s() - before


def children_cpu_s() -> float:
    """CPU seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of ours, in a folder of its own."""

    parent: Path
    name: str

    @property
    def folder(self) -> Path:
        return self.parent / self.name

    def configure(self, bootstrap: str, settings: str) -> None:
        """Write the settings and make the topics."""
        self.folder.mkdir()
        head = f"endpoint = '{self.name}'\n[kafka]\nbootstrap = '{bootstrap}'\n"
        (self.folder / "understudy.toml").write_text(head + settings)
        subprocess.run([UNDERSTUDY, "topics"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def cpu_s(self, role: Sequence[str], until: Callable[[], bool]) -> float:
        """CPU seconds of a role's process that is ended when `until` is true."""
        return cpu_s([UNDERSTUDY, *role, "--slot", "bench"], self.folder, until)

    def caught_up(self, log: KafkaLog, group: str) -> Callable[[], bool]:
        """Whether the group has committed the end of all its topics' data."""
        admin = log.admin()
        targets = {at: admin.end_offsets([at])[at] for at in admin.positions(group)}
        return lambda: all(p.offset >= targets[at] - 1 for at, p in admin.positions(group).items() if targets[at])

    def joined(self, log: KafkaLog, group: str) -> Callable[[], bool]:
        """Whether a member owns partitions."""
        admin = log.admin()
        return lambda: any(member.partitions for member in admin.members(group))


@dataclass(frozen=True, slots=True)
class Contender:
    """run(round) and start(round) return CPU seconds: for all records, and for a start with nothing to do."""

    name: str
    run: Callable[[int], float]
    start: Callable[[int], float]


def contest(contenders: Sequence[Contender], rounds: int, records: int) -> list[Measured]:
    """Run the contenders in turn, so that all meet the same machine."""
    totals: dict[str, list[float]] = {c.name: [] for c in contenders}
    starts: dict[str, list[float]] = {c.name: [] for c in contenders}
    for number in range(rounds):
        for contender in contenders:
            totals[contender.name].append(contender.run(number))
            starts[contender.name].append(contender.start(number))
            print(f"round {number + 1}/{rounds} {contender.name}: {totals[contender.name][-1]:.2f} s", file=sys.stderr)
    return [measured(c.name, totals[c.name], statistics.median(starts[c.name]), records) for c in contenders]


def measured(name: str, totals_s: Sequence[float], start_s: float, records: int) -> Measured:
    """Microseconds a record, start-up subtracted."""
    return Measured(name, tuple((total - start_s) / records * 1e6 for total in totals_s), start_s)


def report(results: Sequence[Measured], against: str, file: Path | None) -> None:
    """Print a table with ratios to one contender; write it as JSON where a file is named."""
    reference = next(r for r in results if r.name == against).median_us
    print(f"{'':44}{'median us':>10}{'min':>8}{'max':>8}{'ratio':>8}{'start s':>9}")
    for r in results:
        low, high = min(r.cpu_us), max(r.cpu_us)
        print(f"{r.name:44}{r.median_us:10.2f}{low:8.2f}{high:8.2f}{r.median_us / reference:8.2f}{r.start_cpu_s:9.2f}")
    if file:
        file.write_text(json.dumps([asdict(r) | {"median_us": r.median_us} for r in results], indent=2))


def options(records: int) -> argparse.Namespace:
    """The command line that the benchmarks share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", help="a broker that runs already; default: a local one is started")
    parser.add_argument("--records", type=int, default=records)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()
