from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.demo_run import DemoRun, comparison, prediction

from schemas.encodings import RowEncoder
from understudy.app.demo.audience import Audience, Compared
from understudy.app.demo.scenery import BROKEN, FIRST
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import EndpointTopics
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.contracts import ContractName

NAMES = EndpointTopics("flights")
PARTITIONS = 2


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        topics = (NAMES.routes, NAMES.predictions, NAMES.shadow_predictions, NAMES.comparisons)
        admin.create([NewTopic(topic, PARTITIONS) for topic in topics])
    return log


@pytest.fixture
def run() -> DemoRun:
    return DemoRun()


@pytest.fixture
def audience(log: MemoryLog, run: DemoRun) -> Iterator[Audience]:
    audience = Audience(log, NAMES, PARTITIONS, run.figures)
    yield audience
    audience.close()


def write(log: MemoryLog, topic: str, contract: ContractName, partition: int, *rows: dict[str, Any]) -> None:
    encoder = RowEncoder.of("avro", contract)
    records = [Record(None, encoder.encode(row), 0) for row in rows]
    log.append(TopicPartition(topic, partition), build(records))


def adoption(plan: Plan) -> dict[str, Any]:
    return {
        "kind": "adopted",
        "role": "answering",
        "version": plan.production,
        "revision": plan.revision,
        "source_partition": 1,
        "base_offset": 7,
        "span": 0,
        "count": 0,
        "share_ppm": 0,
        "plan": plan.to_json(),
    }


def test_it_counts_what_the_roles_wrote_in_every_partition(log: MemoryLog, run: DemoRun, audience: Audience) -> None:
    first, second = run.send(2)
    write(log, NAMES.routes, "route", 1, adoption(Plan(3, FIRST)))
    write(log, NAMES.predictions, "prediction", 0, prediction(FIRST, first, late=True))
    write(log, NAMES.predictions, "prediction", 1, prediction(FIRST, second, late=True))
    write(log, NAMES.shadow_predictions, "prediction", 1, prediction(BROKEN, first, late=False))
    write(log, NAMES.comparisons, "comparison", 0, comparison(BROKEN, {"routed": 3, "answered": 3}, role="shadow"))
    counts = {"matched": 2, "mismatched": 1}
    write(log, NAMES.comparisons, "comparison", 1, comparison(BROKEN, counts, against=FIRST, role="shadow"))

    for _ in range(10):
        audience.watch(0.0)

    assert [each.is_right for each in run.figures.answers_in(1)] == [True, False]
    assert [each.version for each in run.figures.opinions[0]] == [BROKEN]
    assert [(each.partition, each.base_offset, each.plan.revision) for each in run.figures.adopted] == [(1, 7, 3)]
    assert run.figures.visible_s
    assert audience.compared.pairs(BROKEN) == counts
    assert audience.compared.total("routed") == 3


def test_pairs_are_told_by_version_and_plan_and_slices_repeat_them() -> None:
    compared = Compared()
    compared.add(comparison(BROKEN, {"matched": 5, "unpaired_withdrawn": 1}, against=FIRST, revision=2))
    compared.add(comparison(BROKEN, {"mismatched": 3}, against=FIRST, revision=4))
    compared.add(comparison(BROKEN, {"matched": 5}, against=FIRST, revision=2, slice="origin=JFK"))

    assert compared.pairs(BROKEN, 2) == {"matched": 5}
    assert compared.pairs(BROKEN) == {"matched": 5, "mismatched": 3}
    assert compared.pairs(FIRST).total() == 0


def test_the_ledger_is_that_of_all_lanes() -> None:
    compared = Compared()
    compared.add(comparison(FIRST, {"routed": 5, "answered": 3}))
    compared.add(comparison(FIRST, {"routed": 2, "answered": 2, "unexpected": 1}, role="shadow"))

    assert compared.lanes == 2
    assert [compared.total(kind) for kind in ("routed", "in_flight", "residual")] == [7, 2, 1]
