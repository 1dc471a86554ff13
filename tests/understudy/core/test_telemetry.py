from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from understudy.core.batches import Record, build
from understudy.core.log.contract import EMPTY, Output, Polled, Position, TopicPartition
from understudy.core.telemetry import MeasuredSession, RateReporter, Totals, configure_logging, logger, rates

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

IN = TopicPartition("in", 0)


@dataclass
class OneBatch:
    """A session with one batch to give, whose commits succeed or not as told."""

    commits: bool = True
    clock_s: float = 0.0
    written: list[Output] = field(default_factory=list)
    closed: bool = False

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        del paused, reread
        self.clock_s += timeout_s
        records = [Record(None, b"value", 0), Record(None, b"value", 0)]
        return Polled({IN: [build(records)]}, {IN: Position(0)}, frozenset({TopicPartition("in", 1)}))

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        del positions
        self.clock_s += 0.5
        self.written.extend(outputs)
        return self.commits

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the logs are written to; logging is left as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_measured_session_passes_everything_on_and_counts_it() -> None:
    session, totals = OneBatch(), Totals()
    with MeasuredSession(session, totals, lambda: session.clock_s) as measured:
        polled = measured.poll(2.0)
        batch = polled.batches[IN][0]
        assert measured.commit(output for output in [Output("out", 0, batch)])

    assert session.written == [Output("out", 0, batch)]
    assert session.closed
    assert totals.sums == {
        "polls": 1,
        "poll_s": 2.0,
        "records_in": 2,
        "bytes_in": batch.size_bytes,
        "partitions_assigned": 1,
        "partitions_revoked": 1,
        "commit_s": 0.5,
        "transactions": 1,
        "records_out": 2,
        "bytes_out": batch.size_bytes,
    }


def test_what_a_lost_transaction_wrote_does_not_count() -> None:
    session, totals = OneBatch(commits=False), Totals()
    measured = MeasuredSession(session, totals)

    assert not measured.commit([Output("out", 0, measured.poll(0).batches[IN][0])])

    assert totals.sums["transactions_lost"] == 1
    assert "records_out" not in totals.sums
    assert "transactions" not in totals.sums


def test_rates_are_of_what_changed() -> None:
    assert rates({"records_in": 300, "poll_s": 9, "polls": 4}, {"records_in": 100, "poll_s": 4, "polls": 4}, 10) == {
        "records_in_per_s": 20,
        "poll_share": 0.5,
    }


def test_a_reporter_speaks_when_it_is_time_and_of_the_time_since() -> None:
    now_s = 0.0
    said: list[Mapping[str, float]] = []
    totals = Totals()
    reporter = RateReporter(totals, said.append, every_s=10, clock=lambda: now_s)

    totals("polls", 10)
    now_s = 9.9
    reporter.tick()
    now_s = 10.0
    reporter.tick()
    totals("polls", 40)
    now_s = 30.0
    reporter.tick()

    assert said == [{"polls_per_s": 1}, {"polls_per_s": 2}]


def test_json_lines_carry_context_and_libraries_lines(stream: io.StringIO) -> None:
    configure_logging("auto", "info", stream)

    logger("router", slot="a").info("started", partitions=3)
    logger("router").debug("not at this level")
    logging.getLogger("library").warning("%s happened", "it")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["logger"], line["level"], line["event"]) for line in lines] == [
        ("router", "info", "started"),
        ("library", "warning", "it happened"),
    ]
    assert lines[0]["slot"] == "a"
    assert lines[0]["partitions"] == 3


def test_lines_for_people_are_plain_and_show_no_locals(stream: io.StringIO) -> None:
    configure_logging("console", "info", stream)
    password = str(2**61 - 1)  # never whole in this file: only the locals hold it

    try:
        len(password) / 0
    except ZeroDivisionError:
        logger("router").exception("failed")

    assert "failed" in stream.getvalue()
    assert "ZeroDivisionError: " in stream.getvalue()
    assert password not in stream.getvalue()


def test_kafkas_chatter_is_kept_out_at_every_level(stream: io.StringIO) -> None:
    configure_logging("json", "debug", stream)

    logging.getLogger("kafka.conn").debug("sasl_plain_password")

    assert stream.getvalue() == ""


def test_a_connection_that_kafka_lost_is_a_line_without_a_traceback(stream: io.StringIO) -> None:
    configure_logging("json", "info", stream)

    for error in (ConnectionResetError(104, "Connection reset by peer"), ValueError("a defect")):
        try:
            raise error
        except (OSError, ValueError):
            logging.getLogger("kafka.net.transport").exception("%s: Error receiving network data", "node 1")

    lost, defect = (json.loads(line) for line in stream.getvalue().splitlines())
    assert lost["event"] == "node 1: Error receiving network data: [Errno 104] Connection reset by peer"
    assert "exception" not in lost
    assert "Traceback" in defect["exception"]
