"""What an instance that works for one version does, be it a process or a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.reclaiming.reclaimer import Reclaimer
from understudy.app.roles.building import nothing, worker
from understudy.app.roles.running import run_role
from understudy.app.supervising.wanted import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.roles.probes import Health
    from understudy.app.roles.running import Stop
    from understudy.app.supervising.launching import Launch
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.fold import State


def work(
    settings: Settings,
    log: Log,
    state: Callable[[], State],
    launch: Launch,
    stop: Stop,
    health: Health,
    *,
    loaded: Callable[[], None] = nothing,
) -> None:
    """Answer what a version is asked, or account for what it owes, until that is done or `stop` is set.

    state: the releases' latest. loaded: called when a worker has loaded its model. Raises Refused where the version was
    never deployed, ModelError, and what `run_role` raises.
    """
    slot = launch.slot + SUFFIXES[launch.kind]
    if launch.kind == "reclaimer":
        Reclaimer(settings, log, state, launch.version, slot, launch.careful).run(stop, health)
    else:
        careful = launch.careful
        role = worker(settings, launch.version, slot, state, careful=careful, loaded=loaded, tick=health.tick)
        run_role(role, log, stop, health=health)
