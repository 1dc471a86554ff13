"""The commands `router` and `comparator`: one running instance of a role each."""

import socket

import typer

from understudy.app.commands.instance import Tethered, instance
from understudy.app.options import Bootstrap, Config, HealthPort, Slot


def router(
    context: typer.Context,
    *,
    slot: Slot = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    health_port: HealthPort = None,
    tethered: Tethered = False,
) -> None:
    """Run a router: it sends events to the plan's versions.

    It runs until SIGTERM or Ctrl-C.
    """
    from understudy.app.roles.routing import routing
    from understudy.app.roles.running import log_answers, run_role

    with instance(context, config, bootstrap, health_port, tethered=tethered) as here:
        if not log_answers(here.log, here.stop, here.health):
            return
        with routing(here.settings, slot or socket.gethostname(), here.log) as role:
            run_role(role, here.log, here.stop, health=here.health)


def comparator(
    context: typer.Context,
    *,
    slot: Slot = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    health_port: HealthPort = None,
    tethered: Tethered = False,
) -> None:
    """Run a comparator of the candidates with production.

    It runs until SIGTERM or Ctrl-C.
    """
    from understudy.app.roles import building
    from understudy.app.roles.running import run_role

    with instance(context, config, bootstrap, health_port, tethered=tethered) as here:
        role = building.comparator(here.settings, slot or socket.gethostname())
        run_role(role, here.log, here.stop, health=here.health)
