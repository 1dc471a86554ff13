"""Router and worker on a memory log whose commits fail in every way, restarted again and again."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from support.lanes import TOPICS, Doubling, decoder, encoders, event, row_of
from support.pile import stored

from router.step import RouterStep
from schemas.encodings import RowDecoder
from understudy.core.batches import Codec
from understudy.core.log.contract import NewTopic, Position, SessionSpec, TopicPartition
from understudy.core.log.memory import Faults, MemoryLog, VirtualClock
from understudy.core.log.reading import read_to_end
from understudy.core.run import run
from understudy.deployments.plan import Plan
from workers.answering import Answering
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from understudy.core.log.memory import Fate
    from understudy.core.run import Step

PRODUCTION, CANDIDATE = "flights:v1", "flights:v2"
PLAN = Plan.shadow(1, PRODUCTION, [CANDIDATE])
PARTITIONS = range(2)
FATES: tuple[Fate, ...] = ("commits", "lost before", "lost after", "evicted")


class Endpoint:
    """An endpoint's topics, roles that run for some turns and stop, and an outside view."""

    def __init__(self, seed: int) -> None:
        self.clock, self.faults = VirtualClock(), Faults(seed)
        self.log = MemoryLog(self.clock, self.faults)
        self.lanes = {
            version: (TOPICS.requests(version), TOPICS.shadow_requests(version)) for version in (PRODUCTION, CANDIDATE)
        }
        answers = (TOPICS.predictions, TOPICS.shadow_predictions, TOPICS.dead_letters, TOPICS.routes)
        with self.log.admin() as admin:
            for topic in (TOPICS.input, *answers, *self.lanes[PRODUCTION], *self.lanes[CANDIDATE]):
                admin.create([NewTopic(topic, len(PARTITIONS), config={"message.timestamp.type": "LogAppendTime"})])
            admin.set_positions(TOPICS.router_group, beginnings(TOPICS.input))
            for version, topics in self.lanes.items():
                admin.set_positions(TOPICS.worker_group(version), beginnings(*topics))

    def append_input(self, random: Random) -> dict[int, list[tuple[int, bytes | None]]]:
        """Batches of many sizes, some values broken; offset and value of every record, by partition."""
        sent: dict[int, list[tuple[int, bytes | None]]] = {partition: [] for partition in PARTITIONS}
        for _ in range(60):
            partition, count = random.choice(PARTITIONS), random.choice([1, 2, 30, 200])
            values = [random.choice([event(i), event(i), event(-1), b"garbage", None]) for i in range(count)]
            batch = stored(values, 0, codec=random.choice([Codec.NONE, Codec.GZIP]))
            base = self.log.append(TopicPartition(TOPICS.input, partition), batch)
            sent[partition] += [(base + i, value) for i, value in enumerate(values)]
        return sent

    def route(self, turns: int) -> None:
        self._run(RouterStep(lambda: PLAN, TOPICS), TOPICS.router_group, (TOPICS.input,), turns)

    def work(self, version: str, turns: int) -> None:
        pace = Pace(micro_batch_records=70, advance_records=300)
        step = WorkerStep(version, TOPICS, Answering(decoder(), Doubling()), encoders(), pace=pace)
        self._run(step, TOPICS.worker_group(version), self.lanes[version], turns)

    def visible(self, topic: str, partition: int) -> list[bytes | None]:
        """Values that a read_committed reader finds."""
        found = read_to_end(self.log, topic, clock=self.clock.now_s)
        return [value for at, batch in found if at.partition == partition for value in batch.columns.values]

    def _run(self, step: Step, group: str, topics: tuple[str, ...], turns: int) -> None:
        left = iter(range(turns))
        with self.log.session(SessionSpec(group, topics, f"{group}.0", poll_bytes=3_000)) as session:
            run(
                session,
                step,
                stopped=lambda: next(left, None) is None,
                interval_s=0.0,
                clock=self.clock.now_s,
                pause=self.clock.advance,
            )


def beginnings(*topics: str) -> dict[TopicPartition, Position]:
    return {TopicPartition(topic, partition): Position(0) for topic in topics for partition in PARTITIONS}


@pytest.mark.parametrize("seed", range(6))
def test_every_record_is_routed_and_answered_exactly_once_in_both_lanes(seed: int) -> None:
    endpoint = Endpoint(seed)
    sent = endpoint.append_input(Random(seed))
    endpoint.faults.befall(*Random(seed).choices(FATES, weights=(4, 2, 2, 1), k=60))

    for _ in range(5):
        endpoint.route(9)
        endpoint.work(PRODUCTION, 7)
        endpoint.work(CANDIDATE, 7)
    for version in (PRODUCTION, CANDIDATE):
        endpoint.route(80)
        endpoint.work(version, 120)

    for partition in PARTITIONS:
        offsets = [offset for offset, _ in sent[partition]]
        good = [value is not None and value != b"garbage" and value != event(-1) for _, value in sent[partition]]
        for topic in (TOPICS.predictions, TOPICS.shadow_predictions):
            rows = [row_of(value) for value in endpoint.visible(topic, partition)]
            assert [row["source_offset"] for row in rows] == offsets
            assert [row["outcome"] == "answered" for row in rows] == good
        assert len(endpoint.visible(TOPICS.dead_letters, partition)) == 2 * good.count(False)
        assert owed(endpoint, partition) == {"answering": len(offsets), "shadow": len(offsets)}


def owed(endpoint: Endpoint, partition: int) -> dict[str, int]:
    """Records that route rows say were sent, by role; the plan was adopted once."""
    decode = RowDecoder.of("avro", "route").decode
    rows = [decode(value) for value in endpoint.visible(TOPICS.routes, partition)]
    assert [row["kind"] for row in rows].count("adopted") == 1
    return {
        role: sum(row["count"] for row in rows if row["role"] == role and row["kind"] == "frame")
        for role in ("answering", "shadow")
    }
