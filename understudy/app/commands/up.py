"""The command `up`: every role of an endpoint, in one tree of processes."""

import socket
import time
from functools import partial
from typing import Final

import typer

from understudy.app.commands.instance import instance, launcher_of
from understudy.app.options import Bootstrap, Config, HealthPort, Slot

LOOK_S: Final = 0.1


def up(
    context: typer.Context,
    *,
    slot: Slot = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    health_port: HealthPort = None,
) -> None:
    """Run every role of the endpoint: router, comparator, and a worker for each version that is deployed.

    Each is a process of its own, started again when it ends. Runs until SIGTERM or Ctrl-C, which end them all.
    """
    from understudy.app.supervising.household import Household
    from understudy.core.log.errors import UnknownTopic

    with instance(context, config, bootstrap, health_port) as here:
        with here.log.admin() as admin:
            if not admin.describe([here.settings.names.deployments]):
                raise UnknownTopic("The endpoint's topics are not there: run understudy topics first.")
        launcher = launcher_of(here.settings, config, bootstrap)
        own = ("--slot", slot or socket.gethostname(), "--tethered")
        roles = {"router": ("router",), "worker": ("worker", "--follow"), "comparator": ("comparator",)}
        starts = {name: partial(launcher.start, (*role, *own), name) for name, role in roles.items()}
        household = Household(starts, time.monotonic())
        try:
            while not here.stop.is_set():
                household.look(time.monotonic())
                here.health.tick()
                if waiting := household.unready():
                    here.health.wait_for(waiting)
                else:
                    here.health.ready()
                here.stop.wait(LOOK_S)
        finally:
            household.stop(time.monotonic())
            while household.stopping(time.monotonic()):
                time.sleep(LOOK_S / 2)
