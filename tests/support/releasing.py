"""A scripted world for releases: while somebody waits, workers and routers do what the script says, step by step."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.lanes import Doubling

from schemas.encodings import RowEncoder
from understudy.app.reclaiming.lost import LostLanes
from understudy.app.releasing.orders import Order
from understudy.app.releasing.releases import Releases
from understudy.app.releasing.waiting import Patience
from understudy.app.roles.building import worker_encoders
from understudy.app.wire_schemas import input_decoder, prediction_decoder
from understudy.core.batches import Record, build
from understudy.core.log.contract import Output, Position, SessionSpec, TopicPartition
from understudy.core.topics import slot_id
from understudy.deployments.log import DeploymentsLog
from workers.answering import Answering
from workers.dead_letters import DeadLetters
from workers.rows import PredictionRows
from workers.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from understudy.core.log.contract import Log
    from understudy.core.log.memory import MemoryLog
    from understudy.core.settings import Settings
    from understudy.deployments.fold import State


def release(log: Log, settings: Settings, production: str, *shadows: str) -> None:
    """Put registered versions in production and beside it, and wait for nobody. The topics are there."""
    releases = Releases(log, settings, "test", Patience(threading.Event()))
    releases.deploy(Order(production, "basic"), wait=False)
    for shadow in shadows:
        releases.deploy(Order(shadow, "shadow"), wait=False)


@dataclass
class Script:
    """A stop event whose every wait lets the next step happen; a step that returns True stops whoever waits.

    It is also the clock: each wait takes as long as was asked for.
    """

    steps: deque[Callable[[], bool | None]] = field(default_factory=deque)
    now_s: float = 0.0

    def then(self, *steps: Callable[[], bool | None]) -> Script:
        self.steps.extend(steps)
        return self

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0.0
        return bool(self.steps.popleft()()) if self.steps else False


@dataclass
class World:
    """An endpoint on a log, and who acts on it."""

    log: MemoryLog
    settings: Settings
    script: Script = field(default_factory=Script)
    heard: list[str] = field(default_factory=list)

    def releases(self, actor: str = "ann@desk", timeout_s: float = 60.0) -> Releases:
        patience = Patience(self.script, self.heard.append, timeout_s, clock=lambda: self.script.now_s)
        return Releases(self.log, self.settings, actor, patience)

    def state(self) -> State:
        return DeploymentsLog(self.log, self.settings.names, "test").read().state

    def kinds(self) -> list[str]:
        """What took effect so far."""
        entries = DeploymentsLog(self.log, self.settings.names, "test").read().entries
        return [entry.event.kind for entry in entries if entry.event is not None and not entry.refusal]

    def adopt(self) -> None:
        """A router takes up the plan for every partition."""
        plan, names = self.state().plan, self.settings.names
        assert plan is not None
        with self.log.admin() as admin:
            partitions = admin.describe([names.input])[names.input].partitions
            positions = {TopicPartition(names.input, p): Position(0, plan.to_note()) for p in range(partitions)}
            admin.set_positions(names.router_group, positions)

    def owe(self, version: str) -> TopicPartition:
        """Something is in the version's answering lane that nobody has worked on."""
        lane = TopicPartition(self.settings.names.requests(version), 0)
        with self.log.writer("router") as writer:
            assert writer.commit([Output(lane.topic, lane.partition, build([Record(None, b"owed", 0)]))])
        return lane

    def send(self, version: str, count: int) -> None:
        """A router's row says that the version's shadow lane was sent the first records of the input's partition 0."""
        row = {
            "kind": "frame",
            "role": "shadow",
            "version": version,
            "revision": 2,
            "source_partition": 0,
            "base_offset": 0,
            "span": count,
            "count": count,
            "share_ppm": 1_000_000,
        }
        encoded = RowEncoder.of("avro", "route").encode(row)
        with self.log.writer("router") as writer:
            assert writer.commit([Output(self.settings.names.routes, 0, build([Record(None, encoded, 0)]))])

    def reclaim(self, version: str) -> None:
        """Account for what the version owes by its routes."""
        names = self.settings.names
        rows, letters = PredictionRows(version, worker_encoders(self.settings)), DeadLetters(version)
        assert LostLanes(
            self.log,
            names,
            version,
            prediction_decoder(self.settings),
            Answering(input_decoder(self.settings), Doubling()),
            lambda: Sending(names, rows, letters),
        ).settle(threading.Event())

    def lose_positions(self, version: str) -> None:
        """As when nobody was in the group for a week."""
        self.log._cluster.groups.named(self.settings.names.worker_group(version)).positions.clear()

    def settle(self, version: str, lane: TopicPartition) -> None:
        """All that is in the lane is accounted for."""
        with self.log.admin() as admin:
            end = admin.end_offsets([lane])[lane]
            admin.set_positions(self.settings.names.worker_group(version), {lane: Position(end)})

    @contextmanager
    def workers(self, *versions: str) -> Iterator[None]:
        """Workers of these versions own all their partitions, while the block runs."""
        names = self.settings.names
        sessions = []
        for version in versions:
            group, lanes = names.worker_group(version), (names.requests(version), names.shadow_requests(version))
            session = self.log.session(SessionSpec(group, lanes, slot_id(group, "0")))
            sessions.append(session)
            while not session.poll(1.0).assigned:
                pass
        try:
            yield
        finally:
            for session in sessions:
                session.close()
