from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.demo_run import DemoRun, comparison, prediction

from schemas.encodings import RowEncoder
from understudy.app.demo import scenery
from understudy.app.demo.audience import Audience
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import EndpointTopics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.contracts import ContractName

NAMES = EndpointTopics("flights")
PARTITIONS = 2


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        topics = (NAMES.predictions, NAMES.shadow_predictions, NAMES.comparisons)
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


def test_it_counts_what_the_roles_wrote_in_every_partition(log: MemoryLog, run: DemoRun, audience: Audience) -> None:
    first, second, *_ = run.flights
    run.figures.produced(first.event_id, 0.0)
    write(log, NAMES.predictions, "prediction", 0, prediction(scenery.PRODUCTION, first, late=True))
    write(log, NAMES.predictions, "prediction", 1, prediction(scenery.PRODUCTION, second, late=True))
    write(log, NAMES.shadow_predictions, "prediction", 1, prediction(scenery.BROKEN, first, late=False))
    counts = {"matched": 2, "mismatched": 1}
    write(log, NAMES.comparisons, "comparison", 0, comparison(scenery.BROKEN, {"routed": 3, "answered": 3}))
    write(log, NAMES.comparisons, "comparison", 1, comparison(scenery.BROKEN, counts, against=scenery.PRODUCTION))

    for _ in range(10):
        audience.watch(0.0)
    board = audience.board(2.0)

    assert (board.produced, board.answered, board.touched) == (1, 2, 0)
    assert board.production_answers.accuracy == 0.5
    broken = next(shadow for shadow in board.shadows if shadow.lane.version == scenery.BROKEN)
    assert (broken.answers.answered, broken.answers.right) == (1, 0)
    assert broken.pairs == 3
    assert broken.differs == pytest.approx(1 / 3)
    assert board.pace.delay_ms is not None


def test_the_rate_is_that_of_the_last_seconds(log: MemoryLog, run: DemoRun, audience: Audience) -> None:
    assert audience.board(1.0).pace.rate_per_s == 0.0
    write(
        log,
        NAMES.predictions,
        "prediction",
        0,
        *(prediction(scenery.PRODUCTION, flight, late=True) for flight in run.flights),
    )

    audience.watch(0.0)

    assert audience.board(2.0).pace.rate_per_s == 10.0
    assert audience.board(60.0).pace.rate_per_s == 0.0
