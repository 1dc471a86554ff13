"""The reclaimer: answers with production's model what a withdrawn version was asked, until nothing is owed."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from understudy.app.provision import CannotProvision, lanes_of, start_worker
from understudy.app.reclaiming.debts import evict_workers, has_lanes, is_left, owes_nothing
from understudy.app.reclaiming.lost import LostLanes
from understudy.app.roles.building import (
    event_fields,
    load_scorers,
    standing_of,
    worker_encoders,
    worker_outputs,
    worker_step,
)
from understudy.app.roles.running import OUTAGES, Role, run_role
from understudy.app.wire_schemas import check_fields, input_decoder, prediction_decoder
from understudy.core.log.contract import SessionSpec
from understudy.core.log.errors import GroupIsLive, LogUnavailable, PositionExpired
from understudy.core.telemetry import logger
from understudy.core.topics import slot_id
from workers.answering import Answering
from workers.dead_letters import DeadLetters
from workers.rows import PredictionRows
from workers.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from understudy.app.roles.building import Scorers
    from understudy.app.roles.probes import Health
    from understudy.app.roles.running import Stop
    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.deployments.fold import State
    from workers.step import WorkerStep

LOOK_S: Final = 0.5


@dataclass(slots=True)
class Outlook:
    """What a reclaimer has before it: looked up in the log every `LOOK_S`, in the releases every time."""

    admin: Admin
    settings: Settings
    state: Callable[[], State]
    version: str
    clock: Callable[[], float] = time.monotonic
    _looked_s: float = field(default=float("-inf"), init=False)
    _owes_nothing: bool = field(default=False, init=False)

    def over(self) -> str:
        """Why nothing is left to do; "" while something is, or nobody can tell."""
        standing = standing_of(self.state(), self.version)
        if standing.stage != "withdrawn":
            return f"{self.version} is {standing.stage} again"
        if self.clock() >= self._looked_s + LOOK_S:
            self._look()
        return f"{self.version} owes nothing" if self._owes_nothing else ""

    def over_with(self, production: str) -> str:
        """As `over`, or that another version than this one is production now."""
        now = self.production()
        return self.over() or ("" if now == production else f"{now} is production now")

    def production(self) -> str:
        """The version that answers what the withdrawn one owes."""
        plan = self.state().plan
        return self.version if plan is None else plan.production

    def _look(self) -> None:
        try:
            evict_workers(self.admin, self.settings, self.version)
            standing = standing_of(self.state(), self.version)
            self._owes_nothing = owes_nothing(self.admin, self.settings, self.version, standing)
        except LogUnavailable:
            self._owes_nothing = False
        self._looked_s = self.clock()


@dataclass(frozen=True, slots=True)
class Reclaimer:
    """One instance that reclaims what `version` owes; any number may at once.

    state: the releases' latest. slot: of this instance; it ends in `RECLAIMER`, or other reclaimers evict it. careful:
    an earlier instance did not end by itself.
    """

    settings: Settings
    log: Log
    state: Callable[[], State]
    version: str
    slot: str
    careful: bool = False

    def run(self, stop: Stop, health: Health) -> None:
        """Work until the version owes nothing, is deployed anew, or `stop` is set.

        When production changes, its new version goes on. Raises Refused where the version was never deployed, and
        what `run_role` raises.
        """
        telling = logger("understudy", version=self.version)
        with self.log.admin() as admin:
            outlook = Outlook(admin, self.settings, self.state, self.version)
            settled = False
            while not settled and not stop.is_set() and not outlook.over():
                production = outlook.production()
                with self._loading(production, health) as load:
                    settled = self._reclaim(admin, outlook, production, load, stop, health)
            if settled:
                telling.info("reclaimed", reason="its lanes are gone, and all that was sent to them is accounted for")
            elif why := outlook.over():
                telling.info("reclaimed", reason=why)

    @contextmanager
    def _loading(self, production: str, health: Health) -> Iterator[Callable[[], Scorers]]:
        """Loads production's model when it is first needed, and ends with the block what that has started."""
        with ExitStack() as opened:

            @cache
            def load() -> Scorers:
                pinned = standing_of(self.state(), production).sha256
                with health.unhurried():
                    scorers = load_scorers(self.settings, production, pinned, careful=self.careful, tick=health.tick)
                if scorers.cautious is not None:
                    opened.callback(scorers.cautious.close)
                return scorers

            yield load

    def _reclaim(
        self,
        admin: Admin,
        outlook: Outlook,
        production: str,
        load: Callable[[], Scorers],
        stop: Stop,
        health: Health,
    ) -> bool:
        """Work as long as production stays the same; whether all is accounted for that went to lanes that are gone."""
        while not stop.is_set() and not outlook.over_with(production):
            if not has_lanes(admin, self.settings, self.version):
                if self._settled(admin, production, load, stop, health):
                    return True
            elif lost := self._without_positions(admin):
                self._wait(lost, stop, health)
            else:
                run_role(self._role(outlook, production, load), self.log, stop, health=health)
        return False

    def _without_positions(self, admin: Admin) -> str:
        """Why the group cannot go on; "" where it can. Nobody joins it then, so that its positions can be restored."""
        try:
            start_worker(admin, self.settings, self.version)
        except (CannotProvision, GroupIsLive, LogUnavailable) as lost:
            return str(lost)
        return ""

    def _role(self, outlook: Outlook, production: str, load: Callable[[], Scorers]) -> Role:
        """A member of the withdrawn version's group, for as long as production stays the same."""
        names = self.settings.names
        group = names.worker_group(self.version)

        def make() -> WorkerStep:
            check_fields(self.settings)
            return worker_step(self.settings, self.version, load(), answered_by=production)

        return Role(
            SessionSpec(group, lanes_of(self.settings, self.version), slot_id(group, self.slot)),
            make,
            self.settings.worker.interval_s,
            self.settings.log.every_s,
            worker_outputs(names),
            lambda: outlook.over_with(production),
        )

    def _settled(self, admin: Admin, production: str, load: Callable[[], Scorers], stop: Stop, health: Health) -> bool:
        """Whether all is accounted for that was sent to lanes that are gone; an outage is waited out."""
        try:
            if is_left(admin, self.settings, standing_of(self.state(), self.version)):
                lost = self._lost_lanes(production, load(), health)
                health.ready()
                return lost.settle(stop)
            self._wait("routers still send records to the version", stop, health)
        except (*OUTAGES, PositionExpired) as outage:
            self._wait(str(outage), stop, health)
        return False

    def _wait(self, what: str, stop: Stop, health: Health) -> None:
        """Wait a moment for what has to happen before there is something to do."""
        health.tick()
        if health.unready() != what:
            logger("understudy", version=self.version).warning("waiting", reason=what)
        health.wait_for(what)
        stop.wait(LOOK_S)

    def _lost_lanes(self, production: str, scorers: Scorers, health: Health) -> LostLanes:
        settings, names = self.settings, self.settings.names
        rows = PredictionRows(self.version, worker_encoders(settings), answered_by=production)
        letters = DeadLetters(production)
        return LostLanes(
            self.log,
            names,
            self.version,
            prediction_decoder(settings),
            Answering(input_decoder(settings), scorers.plain, event_fields(settings), cautious=scorers.cautious),
            lambda: Sending(names, rows, letters),
            tick=health.tick,
        )
