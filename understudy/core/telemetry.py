"""Structured logs on standard error, and the figures that a role keeps about itself."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

import structlog

from understudy.core.log.around import SessionAround
from understudy.core.log.contract import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

    from understudy.core.log.contract import Output, Polled, Position, TopicPartition

Format = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]

Metric = Literal[
    "polls",
    "records_in",
    "bytes_in",
    "records_out",
    "bytes_out",
    "transactions",
    "transactions_lost",
    "partitions_assigned",
    "partitions_revoked",
    "poll_s",
    "commit_s",
]
"""Every figure has its name here. Names that end in _s are sums of seconds, the others counts."""


class Hook(Protocol):
    """What receives measurements: one call each, made by the thread that measured."""

    def __call__(self, metric: Metric, amount: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Totals:
    """A hook that adds up."""

    sums: dict[Metric, float] = field(default_factory=dict)

    def __call__(self, metric: Metric, amount: float, /) -> None:
        self.sums[metric] = self.sums.get(metric, 0) + amount


@dataclass(slots=True)
class MeasuredSession(SessionAround):
    """A session that tells a hook what goes through it."""

    hook: Hook
    clock: Callable[[], float] = time.perf_counter

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """As `Session.poll`."""
        began = self.clock()
        polled = self.session.poll(timeout_s, paused, reread)
        self.hook("poll_s", self.clock() - began)
        self.hook("polls", 1)
        self.hook("partitions_assigned", len(polled.assigned))
        self.hook("partitions_revoked", len(polled.revoked))
        for batches in polled.batches.values():
            self.hook("records_in", sum(batch.count for batch in batches))
            self.hook("bytes_in", sum(batch.size_bytes for batch in batches))
        return polled

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """As `Session.commit`."""
        written = list(outputs)
        began = self.clock()
        committed = self.session.commit(written, positions)
        self.hook("commit_s", self.clock() - began)
        self.hook("transactions" if committed else "transactions_lost", 1)
        if committed:
            self.hook("records_out", sum(output.batch.count for output in written))
            self.hook("bytes_out", sum(output.batch.size_bytes for output in written))
        return committed


@dataclass(slots=True)
class RateReporter:
    """Says every `every_s` seconds what was measured since: rates a second of counts, shares of the time of sums.

    say: receives the figures by name. clock: monotonic seconds.
    """

    totals: Totals
    say: Callable[[Mapping[str, float]], None]
    every_s: float
    clock: Callable[[], float] = time.monotonic
    said_at_s: float = field(init=False)
    said: Mapping[Metric, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.said_at_s = self.clock()

    def tick(self) -> None:
        """Say the figures if it is time."""
        now_s = self.clock()
        elapsed_s = now_s - self.said_at_s
        if elapsed_s < self.every_s:
            return
        now = dict(self.totals.sums)
        self.say(rates(now, self.said, elapsed_s))
        self.said, self.said_at_s = now, now_s


def rates(now: Mapping[Metric, float], earlier: Mapping[Metric, float], elapsed_s: float) -> dict[str, float]:
    """What changed, a second; a sum of seconds becomes a share of the time, `commit_s` being called `commit_share`."""
    changed = {metric: total - earlier.get(metric, 0) for metric, total in now.items()}
    return {
        metric.removesuffix("_s") + ("_share" if metric.endswith("_s") else "_per_s"): round(change / elapsed_s, 3)
        for metric, change in changed.items()
        if change
    }


def configure_logging(form: Format = "auto", level: Level = "info", stream: TextIO | None = None) -> None:
    """Send all logs, the libraries' too, to `stream` (default standard error): JSON lines, or lines for people.

    `auto`: for people where the stream is a terminal. The `kafka` loggers stay at `warning`: their debug logs hold
    passwords.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    chain = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(form, target)]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[*_shared(), _tell_lost_connection], processors=chain)
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("kafka").setLevel(logging.WARNING)


def _tell_lost_connection(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """kafka-python shows a traceback for a connection that the other side reset, which only means an outage."""
    error = (line.get("exc_info") or (None, None))[1]
    if isinstance(error, OSError) and str(line["logger"]).startswith("kafka."):
        line["event"] = f"{line['event']}: {error}"
        del line["exc_info"]
    return line


def logger(name: str, **context: object) -> FilteringBoundLogger:
    """A logger whose lines carry `context`. Until `configure_logging` was called it says warnings and errors only."""
    bound: FilteringBoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return bound.bind(**context)


def _shared() -> list[Processor]:
    """What every line carries, the libraries' too."""
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(form: Format, target: TextIO) -> list[Processor]:
    for_people = form == "console" or (form == "auto" and target.isatty())
    if for_people:
        # The default would print the locals of every frame, and with them what users keep secret.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=target.isatty(), pad_event_to=0, exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
