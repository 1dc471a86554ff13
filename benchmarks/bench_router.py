"""Router beside a hand-written confluent-kafka loop, and what a canary's split costs: CPU microseconds a record.

Whole processes; 300-byte values, 8-byte keys, 8 partitions, input in batches of 128 KB, exactly-once, on a real broker.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cluster
import contest

from understudy.app.provision import provision_version
from understudy.core.log.kafka import KafkaLog
from understudy.core.settings_loading import load
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.proposals import deploy_basic, deploy_canary, deploy_shadow, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.deployments.events import Draft
    from understudy.deployments.fold import State

VALUE_BYTES = 300
PEER = Path(__file__).with_name("peers") / "confluent_router.py"
ONE_TOPIC = "confluent-kafka by hand, one topic"
TWO_TOPICS = "confluent-kafka by hand, two topics"
BASIC = "understudy router, basic"
CANARY_PPM = 50_000


def main() -> None:
    """Fill the input, run all in turn, print."""
    options = contest.options(records=1_500_000)
    payload = os.urandom(VALUE_BYTES - 8)
    name = cluster.new_name()
    with cluster.broker(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory() as folder:
        log = KafkaLog(bootstrap)
        source = f"{name}.input"
        cluster.fill(log, bootstrap, source, [b"%08d" % number + payload for number in range(options.records)])
        race = Race(log, bootstrap, Path(folder), name, source, options.records)
        contenders = [
            contest.Contender(ONE_TOPIC, ONE_TOPIC, *race.peer(1)),
            contest.Contender(BASIC, ONE_TOPIC, *race.router("basic")),
            contest.Contender(TWO_TOPICS, TWO_TOPICS, *race.peer(2)),
            contest.Contender("understudy router, one shadow", TWO_TOPICS, *race.router("shadow", shadow)),
            contest.Contender("understudy router, mirrored canary of 5 %", BASIC, *race.router("canary", canary)),
        ]
        results = contest.contest(contenders, options.rounds, options.records)
        contest.report(results, file=options.json)
        cluster.delete(log, [source])


@dataclass(frozen=True, slots=True)
class Race:
    """Runs routers over `source`: each has topics of its own, which are deleted behind it."""

    log: KafkaLog
    bootstrap: str
    folder: Path
    name: str
    source: str
    records: int

    def peer(self, targets: int) -> contest.Runs:
        """The hand-written loop: a full run, and a run that ends at once."""

        def run(number: int, records: int) -> float:
            group = f"{self.name}-peer-{number}-{targets}-{records}"
            topics = [f"{group}-{i}" for i in range(targets)]
            cluster.create(self.log, topics)
            where = ["--bootstrap", self.bootstrap, "--source", self.source, "--group", group, "--target", *topics]
            cpu_s = contest.cpu_s([sys.executable, str(PEER), *where, "--records", str(records)], self.folder)
            cluster.delete(self.log, topics)
            return cpu_s

        return (lambda number: run(number, self.records), lambda number: run(number, 0))

    def router(self, kind: str, *deployed: Callable[[State], Draft]) -> contest.Runs:
        """`understudy router` under a plan: a full run, and a run that finds everything routed already."""

        def endpoint(number: int) -> cluster.Endpoint:
            return cluster.Endpoint(self.log, self.bootstrap, self.folder, f"{self.name}-{number}-{kind}", self.source)

        def run(number: int) -> float:
            ours = endpoint(number)
            ours.configure(f"[input]\ntopic = '{self.source}'\n")
            deploy(self.log, ours, *deployed)
            return ours.cpu_s(["router"], until=ours.caught_up(ours.topics.router_group))

        def start(number: int) -> float:
            ours = endpoint(number)
            cpu_s = ours.cpu_s(["router"], until=ours.joined(ours.topics.router_group))
            ours.remove()
            return cpu_s

        return (run, start)


def deploy(log: KafkaLog, endpoint: cluster.Endpoint, *more: Callable[[State], Draft]) -> None:
    """Make lanes and plans for versions that nobody runs: only routing is measured."""
    settings = load(endpoint.folder / "understudy.toml")
    with log.admin() as admin:
        for version in (cluster.PRODUCTION, cluster.SHADOW):
            provision_version(admin, settings, version)
    deployments = DeploymentsLog(log, endpoint.topics, "benchmark")
    deployments.append(lambda state: prepare(state, cluster.PRODUCTION, "0" * 64, "production"))
    deployments.append(lambda state: deploy_basic(state, cluster.PRODUCTION))
    for each in more:
        deployments.append(lambda state: prepare(state, cluster.SHADOW, "0" * 64, "shadow"))
        deployments.append(each)


def shadow(state: State) -> Draft:
    """Beside production."""
    return deploy_shadow(state, cluster.SHADOW)


def canary(state: State) -> Draft:
    """For a share of the keys, mirrored."""
    return deploy_canary(state, cluster.SHADOW, CANARY_PPM)


if __name__ == "__main__":
    main()
