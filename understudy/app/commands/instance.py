"""What every command needs that runs until it is told to stop: settings, a log, signals, probes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from understudy.app.options import outside, settings_of

if TYPE_CHECKING:
    import threading

    from understudy.app.probes import Health
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance's surroundings. stop: set by SIGTERM and Ctrl-C. health: what probes are answered from."""

    settings: "Settings"
    log: "Log"
    stop: "threading.Event"
    health: "Health"


def unheard(_: bool) -> None:
    """Where nobody listens."""


@contextmanager
def instance(
    context: typer.Context,
    config: Path | None,
    bootstrap: str | None,
    health_port: int | None,
    *,
    ready: Callable[[bool], None] = unheard,
    prepare: "Callable[[Settings], None] | None" = None,
) -> Iterator[Instance]:
    """Surroundings for the length of a block.

    ready: told each time that the instance becomes ready, or is no more. prepare: called before anything is opened.
    """
    from understudy.app.probes import Health, serving
    from understudy.app.running import stop_on_signals
    from understudy.core.telemetry import configure_logging

    settings = settings_of(config, bootstrap, health_port)
    configure_logging(settings.log.format, settings.log.level)
    if prepare is not None:
        prepare(settings)
    health = Health(settings.health.stale_s, changed=ready)
    with (
        stop_on_signals() as stop,
        serving(health, settings.health.host, settings.health.port),
        outside(context).open_log(settings) as log,
    ):
        outside(context).tune_process()
        yield Instance(settings, log, stop, health)
