"""Worker beside a hand-written confluent-kafka and fastavro loop: CPU microseconds a record, whole process.

Events with an id and 27 doubles, single-object Avro; a logistic regression; micro-batches of 1,000; exactly-once.
Both write the same rows, which is checked. The loop reads the input; our worker the lane that our router made of it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cluster
import contest
import fastavro
import numpy as np
from sklearn.linear_model import LogisticRegression

import schemas
from schemas import single_object
from schemas.contracts import contract
from schemas.parsing import load
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.reading import read_to_end
from understudy.models import register

FEATURES = [f"x{number}" for number in range(27)]
SCHEMA = {
    "type": "record",
    "name": "Event",
    "fields": [{"name": "event_id", "type": "string"}, *({"name": name, "type": "double"} for name in FEATURES)],
}
TRAINING_ROWS = 2_000
CHECKED_OFFSETS = 2_000
HEADER_BYTES = 10
CONTRACT = Path(schemas.__file__).with_name("prediction.avsc")
PEER = Path(__file__).with_name("peers") / "confluent_worker.py"
BY_HAND = "confluent-kafka and fastavro by hand"
OURS = "understudy worker"


def main() -> None:
    """Register the model, fill the input, run both in turn, print."""
    options = contest.options(records=200_000)
    name = cluster.new_name()
    with cluster.broker(options.bootstrap) as bootstrap, tempfile.TemporaryDirectory() as made:
        log, folder, source = KafkaLog(bootstrap), Path(made), f"{name}.input"
        (folder / "event.avsc").write_text(json.dumps(SCHEMA))
        fit(folder / "models")
        cluster.fill(log, bootstrap, source, events(folder / "event.avsc", options.records))
        race = Race(log, bootstrap, folder, name, source, options.records)
        contenders = [
            contest.Contender(BY_HAND, BY_HAND, race.peer, race.peer_start),
            contest.Contender(OURS, BY_HAND, race.worker, race.worker_start),
        ]
        results = contest.contest(contenders, options.rounds, options.records)
        contest.report(results, file=options.json)
        cluster.delete(log, [source])


def fit(registry: Path) -> None:
    """Register a logistic regression."""
    draw = np.random.default_rng(7)
    inputs = draw.normal(size=(TRAINING_ROWS, len(FEATURES)))
    truth = inputs @ draw.normal(size=len(FEATURES)) + draw.normal(size=TRAINING_ROWS) > 0
    model = LogisticRegression().fit(inputs, truth.astype(int))
    register(model, cluster.PRODUCTION, registry=registry, example=inputs, columns=FEATURES)


def events(schema: Path, count: int) -> list[bytes]:
    """Single-object encoded events."""
    parsed = load(schema)
    rows = np.random.default_rng(8).normal(size=(count, len(FEATURES))).tolist()
    named = (
        {"event_id": f"event-{number}", **dict(zip(FEATURES, row, strict=True))} for number, row in enumerate(rows)
    )
    return [single_object.encode(parsed, event) for event in named]


@dataclass(frozen=True, slots=True)
class Race:
    """Runs both over `source`. What they wrote is compared when ours has run, and deleted."""

    log: KafkaLog
    bootstrap: str
    folder: Path
    name: str
    source: str
    records: int

    def peer(self, number: int) -> float:
        """The hand-written loop."""
        return self._peer(number, self.records)

    def peer_start(self, number: int) -> float:
        """The same with nothing to do."""
        cpu_s = self._peer(number, 0)
        cluster.delete(self.log, [self._peers_topic(number, 0)])
        return cpu_s

    def worker(self, number: int) -> float:
        """`understudy worker`, when `understudy router` has done its part, which is not measured."""
        ours = self._endpoint(number)
        ours.configure(
            f"[input]\ntopic = '{self.source}'\nschema = '{self.folder / 'event.avsc'}'\nevent_id = 'event_id'\n"
            f"[models]\nregistry = '{self.folder / 'models'}'\n"
        )
        ours.deploy(cluster.PRODUCTION)
        ours.cpu_s(["router"], until=ours.caught_up(ours.topics.router_group))
        group = ours.topics.worker_group(cluster.PRODUCTION)
        return ours.cpu_s(["worker", cluster.PRODUCTION], until=ours.caught_up(group))

    def worker_start(self, number: int) -> float:
        """The same when everything is answered."""
        ours = self._endpoint(number)
        group = ours.topics.worker_group(cluster.PRODUCTION)
        cpu_s = ours.cpu_s(["worker", cluster.PRODUCTION], until=ours.joined(group))
        self._check(number)
        ours.remove()
        cluster.delete(self.log, [self._peers_topic(number, self.records)])
        return cpu_s

    def _peer(self, number: int, records: int) -> float:
        topic = self._peers_topic(number, records)
        cluster.create(self.log, [topic])
        given = {
            "bootstrap": self.bootstrap,
            "source": self.source,
            "target": topic,
            "group": topic,
            "schema": self.folder / "event.avsc",
            "contract": CONTRACT,
            "artifact": self.folder / "models" / cluster.PRODUCTION.replace(":", "/") / "model.skops",
            "columns": ",".join(FEATURES),
            "records": records,
        }
        flags = [f"--{name}={value}" for name, value in given.items()]
        return contest.cpu_s([sys.executable, str(PEER), *flags], self.folder)

    def _peers_topic(self, number: int, records: int) -> str:
        return f"{self.name}-peer-{number}-{records}"

    def _endpoint(self, number: int) -> cluster.Endpoint:
        return cluster.Endpoint(self.log, self.bootstrap, self.folder, f"{self.name}-{number}", self.source)

    def _check(self, number: int) -> None:
        ours, theirs = self._endpoint(number).topics.predictions, self._peers_topic(number, self.records)
        if self._written(ours) != self._written(theirs):
            raise SystemExit("the two did not write the same rows")

    def _written(self, topic: str) -> tuple[int, dict[tuple[int, int], dict[str, Any]]]:
        """How many rows, and those of the first offsets, without what differs from run to run."""
        count, rows = 0, {}
        for _, batch in read_to_end(self.log, topic):
            count += batch.count
            for value in batch.columns.values:
                stream = BytesIO((value or b"")[HEADER_BYTES:])
                row: dict[str, Any] = fastavro.schemaless_reader(stream, contract("prediction"), None)  # type: ignore[assignment]  # a record
                if row["source_offset"] >= CHECKED_OFFSETS:
                    break
                del row["model_time_ns"]
                row["probabilities"] = [round(each, 12) for each in row["probabilities"]]
                rows[row["source_partition"], row["source_offset"]] = row
        return count, rows


if __name__ == "__main__":
    main()
