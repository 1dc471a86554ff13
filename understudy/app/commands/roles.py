"""The commands `router`, `worker` and `comparator`: one running instance of a role each."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.options import Bootstrap, Config, Slot, outside, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.running import Role
    from understudy.core.settings import Settings


def router(context: typer.Context, *, slot: Slot = None, config: Config = None, bootstrap: Bootstrap = None) -> None:
    """Run a router: it sends events to the plan's versions.

    It runs until SIGTERM or Ctrl-C.
    """
    from understudy.app.routing import routing
    from understudy.app.running import run_role, stop_on_signals

    settings = _settings(config, bootstrap)
    with (
        stop_on_signals() as stop,
        outside(context).open_log(settings) as log,
        routing(settings, slot or socket.gethostname(), log) as role,
    ):
        outside(context).tune_process()
        run_role(role, log, stop)


def worker(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="NAME:VERSION", help="The registered model to answer with.")],
    *,
    slot: Slot = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
) -> None:
    """Run a worker: it answers what a version is asked.

    It runs until SIGTERM or Ctrl-C.
    """
    from understudy.app import roles

    _run(context, config, bootstrap, lambda settings: roles.worker(settings, version, slot or socket.gethostname()))


def comparator(
    context: typer.Context, *, slot: Slot = None, config: Config = None, bootstrap: Bootstrap = None
) -> None:
    """Run a comparator of the shadows with production.

    It runs until SIGTERM or Ctrl-C.
    """
    from understudy.app import roles

    _run(context, config, bootstrap, lambda settings: roles.comparator(settings, slot or socket.gethostname()))


def _run(
    context: typer.Context, config: Path | None, bootstrap: str | None, build: "Callable[[Settings], Role]"
) -> None:
    from understudy.app.running import run_role, stop_on_signals

    settings = _settings(config, bootstrap)
    with stop_on_signals() as stop, outside(context).open_log(settings) as log:
        role = build(settings)
        outside(context).tune_process()
        run_role(role, log, stop)


def _settings(config: Path | None, bootstrap: str | None) -> "Settings":
    from understudy.core.telemetry import configure_logging

    settings = settings_of(config, bootstrap)
    configure_logging(settings.log.format, settings.log.level)
    return settings
