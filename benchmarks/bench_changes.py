"""What a change of the plan costs: how soon it takes effect, and what production's users notice of it.

An endpoint with a mirrored canary, its answers read by an independent client. A change is another share of the keys.
Stretches without changes and stretches with them take turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cluster

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the tests' endpoint, load and independent reader

from support import changes, release_rig
from support.endpoint import until
from support.load import Load, Watch
from support.observer import Observer

if TYPE_CHECKING:
    from support.endpoint import Endpoint

PARTITIONS = 4
CANARY = "sums:v2"
IDLE_PER_S = 50
KEEPING_UP_S = 0.5


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds. effects: of each change, from its append to the first visible answer under it.

    gaps, latencies: per stretch, the longest time in which a partition had no visible answer, and the median latency of
    production's own answers; without changes, and with them.
    """

    per_s: float
    effects: list[float]
    gaps_without: list[float]
    gaps_with: list[float]
    latencies_without: list[float]
    latencies_with: list[float]

    def told(self) -> str:
        """A row of the table."""
        p50, p99 = (changes.quantile(self.effects, share) for share in (0.5, 0.99))
        more = [after - before for before, after in zip(self.gaps_without, self.gaps_with, strict=True)]
        columns = (
            p50,
            p99,
            statistics.median(self.gaps_without),
            statistics.median(self.gaps_with),
            statistics.median(more),
            max(more),
            statistics.median(self.latencies_without),
            statistics.median(self.latencies_with),
        )
        return f"{self.per_s:>9,.0f} {len(self.effects):>8} " + " ".join(f"{each:>8.3f}" for each in columns)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", help="a broker; without it a local one is started")
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, nargs="+", default=[IDLE_PER_S, 5_000], help="records a second")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with cluster.broker(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory() as folder:
        registry = Path(folder) / "models"
        release_rig.registry_of_sums(registry)
        measured = []
        print("records/s  changes   effect            gap without  with     more            latency without  with")
        print("                      p50      p99      median   median   median      max   median   median   (s)")
        for per_s in options.rate:
            measured.append(measure(Path(folder), registry, bootstrap, per_s, options.changes, options.rounds))
            print(measured[-1].told(), flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in measured], indent=2))


def measure(folder: Path, registry: Path, bootstrap: str, per_s: float, count: int, rounds: int) -> Figures:
    """The figures at one rate."""
    name = cluster.new_name()
    with ExitStack() as stack:
        endpoint = release_rig.furnished(folder / name, name, bootstrap, registry, PARTITIONS, "")
        stack.callback(endpoint.close)
        observer = Observer(bootstrap)
        stack.callback(observer.close)
        start(endpoint)
        watch = stack.enter_context(Watch(bootstrap, name))
        stack.enter_context(Load(bootstrap, f"{name}.input", release_rig.encoded_events(), per_s))
        until(lambda: is_keeping_up(watch), 60, "answers that come soon after their events")
        return in_turns(endpoint, watch, observer, per_s, count, rounds)


def start(endpoint: Endpoint) -> None:
    """Production and a canary, both ready."""
    release_rig.release(endpoint, release_rig.PRODUCTION, "basic")
    release_rig.release(endpoint, CANARY, "canary", "--share", "1")
    endpoint.start("router-0", "router")
    endpoint.start("production-0", "worker", release_rig.PRODUCTION)
    endpoint.start("canary-0", "worker", CANARY)


def is_keeping_up(watch: Watch) -> bool:
    """Whether both versions answer, and soon."""
    latest = watch.answers(200)
    versions = {answer.version for answer in watch.answers()}
    return len(versions) > 1 and max(answer.latency_s for answer in latest) < KEEPING_UP_S


def in_turns(endpoint: Endpoint, watch: Watch, observer: Observer, per_s: float, count: int, rounds: int) -> Figures:
    """Stretches without and with changes."""
    plans = changes.Changes(endpoint.bootstrap, endpoint.name, CANARY)
    plans.several(watch, 1)
    revisions: list[int] = []
    stretches = []
    for number in range(rounds):
        began = time.time()
        revisions += plans.several(watch, count // rounds + (number < count % rounds))
        busy = (began, watch.answers(1)[0].seen_s)
        stretches.append((changes.pass_time(busy[1] - busy[0]), busy))
    answers = watch.answers()
    effects = changes.effects_s(answers, changes.planned_s(observer, endpoint.name))
    gaps = [[changes.longest_gap_s(answers, *each) for each in pair] for pair in stretches]
    latencies = [
        [statistics.median(changes.latencies_s(answers, *each, release_rig.PRODUCTION)) for each in pair]
        for pair in stretches
    ]
    return Figures(
        per_s,
        [effects[revision] for revision in revisions],
        [without for without, _ in gaps],
        [busy for _, busy in gaps],
        [without for without, _ in latencies],
        [busy for _, busy in latencies],
    )


if __name__ == "__main__":
    main()
