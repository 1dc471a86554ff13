"""An endpoint whose roles have stopped somewhere, and whose groups can lose their positions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from support.small_endpoint import event

from understudy.app.records.event_files import Line
from understudy.app.records.producing import Fields, produce
from understudy.app.records.reading_rows import source_of
from understudy.app.records.tailing import Wanted, tail
from understudy.app.roles import building
from understudy.app.wire_schemas import input_decoder
from understudy.core.run import run
from understudy.deployments.log import DeploymentsLog
from workers.answering import Answering
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.restoring.found import Found
    from understudy.core.log.contract import Position, SessionSpec, TopicPartition
    from understudy.core.log.memory import MemoryLog
    from understudy.core.run import Step
    from understudy.core.settings import Settings


@dataclass
class Stopped:
    """Roles run for some turns, and stop."""

    log: MemoryLog
    settings: Settings

    def produce(self, first: int, count: int) -> None:
        """In many small batches."""
        for begin in range(first, first + count, 20):
            lines = [Line(number, event(number)) for number in range(begin, begin + 20)]
            produce(self.log, self.settings, lines, Fields(key="id", time="at"))

    def route(self, turns: int) -> None:
        state = DeploymentsLog(self.log, self.settings.names, "test").read().state
        role = building.router(self.settings, "0", lambda: state)
        self._run(replace(role.spec, poll_bytes=400), role.make(), turns)

    def work(self, version: str, turns: int) -> None:
        """Some records in each turn, so that it may stop amid a frame."""
        model = building.load_scorers(self.settings, version, None, careful=False).plain
        step = WorkerStep(
            version,
            self.settings.names,
            Answering(input_decoder(self.settings), model, building.event_fields(self.settings)),
            building.worker_encoders(self.settings),
            pace=Pace(micro_batch_records=7, advance_records=7),
        )
        self._run(building.worker(self.settings, version, "0").spec, step, turns)

    def lose(self, group: str) -> Mapping[TopicPartition, Position]:
        """All positions of a group, which it has no more."""
        positions = self.log._cluster.groups.named(group).positions
        known = dict(positions)
        positions.clear()
        return known

    def set(self, group: str, found: list[Found]) -> None:
        with self.log.admin() as admin:
            admin.set_positions(group, {each.at: each.position for each in found})

    def answered(self, topic: str) -> list[str]:
        """The events' ids, as often as they were answered."""
        entries = tail(self.log, source_of(self.settings, topic), Wanted(True, None, follow=False), lambda: False)
        return sorted(str(entry.fields["event_id"]) for entry in entries if entry.fields is not None)

    def _run(self, spec: SessionSpec, step: Step, turns: int) -> None:
        left = iter(range(turns))
        with self.log.session(spec) as session:
            run(session, step, stopped=lambda: next(left, None) is None, interval_s=0.0, idle_s=0.0)
