"""An endpoint whose roles run as threads of the test, on any log."""

from __future__ import annotations

import threading
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.endpoint import until
from support.small_endpoint import SHADOW, endpoint_settings, event, register_models

from schemas.encodings import RowDecoder
from understudy.app.provision import provision
from understudy.app.records.event_files import Line
from understudy.app.records.producing import Fields, produce
from understudy.app.releasing.orders import Order
from understudy.app.releasing.readiness import routers_lack
from understudy.app.releasing.releases import Releases
from understudy.app.releasing.waiting import Patience
from understudy.app.roles.probes import Health
from understudy.app.roles.routing import routing
from understudy.app.roles.running import run_role
from understudy.app.roles.working import work
from understudy.core.log.reading import read_to_end
from understudy.deployments.following import Follower
from understudy.deployments.log import DeploymentsLog
from workers.owed import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from understudy.app.supervising.launching import Launch
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.events import Draft
    from understudy.deployments.fold import State

PATIENCE_S = 60.0
CANDIDATE = SHADOW


@dataclass
class Instance:
    """A thread that works until it is told to stop. error: what it ended with."""

    stop: threading.Event
    thread: threading.Thread
    health: Health
    error: list[BaseException] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()


@dataclass
class Fleet:
    """An endpoint of a unique name, with v1 and v2 of a model that agree."""

    log: Log
    settings: Settings
    follower: Follower
    instances: list[Instance] = field(default_factory=list)

    def state(self) -> State:
        return self.follower.state()

    def releases(self) -> Releases:
        return Releases(self.log, self.settings, "test", Patience(threading.Event()))

    def deploy(self, version: str, strategy: Any = "basic", **order: Any) -> None:
        """Without waiting for workers."""
        told = self.releases().deploy(Order(version, strategy, **order), wait=False)
        self.seen(told.event.sequence)

    def rollback(self, version: str) -> None:
        self.seen(self.releases().rollback(version, wait=False).event.sequence)

    def append(self, propose: Callable[[State], Draft | None]) -> int:
        """The sequence of an event that takes effect."""
        event = DeploymentsLog(self.log, self.settings.names, "test").append(propose)
        assert event is not None
        return event.sequence

    def seen(self, sequence: int) -> None:
        assert self.follower.wait(sequence, PATIENCE_S)

    def produce(self, count: int, first: int = 0) -> None:
        lines = [Line(number, event(number)) for number in range(first, first + count)]
        produce(self.log, self.settings, lines, Fields(key="id", time="at"))

    def start(self, target: Callable[[threading.Event, Health], None]) -> Instance:
        instance = Instance(threading.Event(), threading.Thread(), Health())

        def run() -> None:
            try:
                target(instance.stop, instance.health)
            except Exception as error:  # noqa: BLE001 - kept for the test, which looks at it
                instance.error.append(error)

        instance.thread = threading.Thread(target=run, daemon=True)
        instance.thread.start()
        self.instances.append(instance)
        return instance

    def router(self, slot: str = "r") -> Instance:
        def route(stop: threading.Event, health: Health) -> None:
            with routing(self.settings, slot, self.log) as role:
                run_role(role, self.log, stop, health=health)

        return self.start(route)

    def work(self, launch: Launch) -> Instance:
        return self.start(lambda stop, health: work(self.settings, self.log, self.state, launch, stop, health))

    def stop(self, instance: Instance) -> None:
        instance.stop.set()
        instance.thread.join(PATIENCE_S)
        assert instance.is_over
        if instance.error:
            raise instance.error[0]

    def over(self, *instances: Instance) -> None:
        """Wait until they have ended by themselves."""
        until(lambda: all(each.is_over for each in instances), PATIENCE_S, "the end of what has done its work")
        for each in instances:
            if each.error:
                raise each.error[0]

    def adopted(self) -> None:
        """Wait until every router partition has the latest plan."""
        with self.log.admin() as admin:
            until(
                lambda: not routers_lack(admin, self.settings, self.state().revision), PATIENCE_S, "routers on the plan"
            )

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """All rows of predictions, shadow-predictions or routes."""
        topic = f"{self.settings.endpoint}.{kind}"
        decoder = RowDecoder.of("avro", "route" if kind == "routes" else "prediction")
        return [
            dict(decoder.decode(value)) for _, batch in read_to_end(self.log, topic) for value in batch.columns.values
        ]

    def routed(self, version: str, role: str = "answering") -> list[tuple[int, int]]:
        """Input partition and offset of every record that a lane was sent."""
        account = Account(version)
        for row in self.rows("routes"):
            account.routed(row, 0)
        return sorted(
            (debt.header.source_partition, offset)
            for debt in account.debts()
            if debt.role == role
            for offset in debt.header.offsets()
        )

    def told(self, kind: str = "predictions", **where: Any) -> list[tuple[int, int]]:
        """Input partition and offset of every record that has a row, and has it with these fields."""
        return sorted(
            (row["source_partition"], offset)
            for row in self.rows(kind)
            if all(row[name] == value for name, value in where.items())
            for offset in range(row["source_offset"], row["source_offset"] + row["span"])
        )


@contextmanager
def fleet(log: Log, folder: Path, **sections: Any) -> Iterator[Fleet]:
    """An endpoint with topics and nothing deployed; what runs ends with the block."""
    name = f"f{uuid.uuid4().hex[:8]}"
    settings = endpoint_settings(folder, endpoint=name, **sections)
    register_models(settings)
    with log.admin() as admin:
        provision(admin, settings)
    with ExitStack() as stack:
        follower = stack.enter_context(Follower(log, settings.names))
        made = Fleet(log, settings, follower)
        try:
            yield made
        finally:
            for instance in made.instances:
                instance.stop.set()
            for instance in made.instances:
                instance.thread.join(PATIENCE_S)
