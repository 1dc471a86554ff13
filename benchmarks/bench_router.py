"""Router, basic and shadow, beside a hand-written confluent-kafka loop: CPU microseconds a record, whole process.

300-byte values, 8-byte keys, 8 partitions, input in batches of 128 KB, exactly-once, on a real broker.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import contest

from understudy.core.log.contract import NewTopic
from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE_BYTES = 300
INPUT = "bench.input"
PEER = Path(__file__).with_name("peers") / "confluent_router.py"
SHADOW = 'shadows = ["bench:v2"]'


def main() -> None:
    """Fill the input, run all in turn, print."""
    options = contest.options(records=1_500_000)
    payload = os.urandom(VALUE_BYTES - 8)
    with contest.broker(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory() as folder:
        log = KafkaLog(bootstrap)
        contest.fill(log, INPUT, options.records, lambda i: b"%08d" % i + payload)
        peers = Peers(log, bootstrap, Path(folder), options.records)
        routers = Routers(log, bootstrap, Path(folder))
        contenders = [
            contest.Contender("confluent-kafka by hand, one topic", *peers.with_targets(1)),
            contest.Contender("understudy router, basic", *routers.with_shadows("")),
            contest.Contender("confluent-kafka by hand, two topics", *peers.with_targets(2)),
            contest.Contender("understudy router, one shadow", *routers.with_shadows(SHADOW)),
        ]
        results = contest.contest(contenders, options.rounds, options.records)
        contest.report(results, against=contenders[0].name, file=options.json)


@dataclass(frozen=True, slots=True)
class Peers:
    """Runs the hand-written loop."""

    log: KafkaLog
    bootstrap: str
    folder: Path
    records: int

    def with_targets(self, targets: int) -> tuple[Callable[[int], float], Callable[[int], float]]:
        """A full run, and a run that ends at once."""
        return (lambda number: self._run(number, targets, self.records), lambda number: self._run(number, targets, 0))

    def _run(self, number: int, targets: int, records: int) -> float:
        name = f"peer-{number}-{targets}-{records}"
        topics = [f"{name}-{i}" for i in range(targets)]
        with self.log.admin() as admin:
            admin.create([NewTopic(topic, contest.PARTITIONS) for topic in topics])
        where = ["--bootstrap", self.bootstrap, "--source", INPUT, "--group", name, "--target", *topics]
        return contest.cpu_s([sys.executable, str(PEER), *where, "--records", str(records)], self.folder)


@dataclass(frozen=True, slots=True)
class Routers:
    """Runs `understudy router`."""

    log: KafkaLog
    bootstrap: str
    folder: Path

    def with_shadows(self, shadows: str) -> tuple[Callable[[int], float], Callable[[int], float]]:
        """A full run, and a run of a router that finds everything routed already."""
        return (lambda number: self._run(number, shadows), lambda number: self._start(number, shadows))

    def _run(self, number: int, shadows: str) -> float:
        endpoint = self._endpoint(number, shadows)
        endpoint.configure(self.bootstrap, f"[input]\ntopic = '{INPUT}'\n[plan]\nproduction = 'bench:v1'\n{shadows}\n")
        return endpoint.cpu_s(["router"], until=endpoint.caught_up(self.log, f"{endpoint.name}.router"))

    def _start(self, number: int, shadows: str) -> float:
        endpoint = self._endpoint(number, shadows)
        return endpoint.cpu_s(["router"], until=endpoint.joined(self.log, f"{endpoint.name}.router"))

    def _endpoint(self, number: int, shadows: str) -> contest.Endpoint:
        return contest.Endpoint(self.folder, f"router-{'shadow' if shadows else 'basic'}-{number}")


if __name__ == "__main__":
    main()
