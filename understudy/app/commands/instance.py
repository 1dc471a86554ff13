"""What every command needs that runs until it is told to stop: settings, a log, signals, probes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.options import outside, settings_of

if TYPE_CHECKING:
    import threading

    from understudy.app.roles.probes import Health
    from understudy.app.supervising.processes import ProcessLauncher
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

Tethered = Annotated[bool, typer.Option("--tethered", hidden=True, help="End with standard input.")]


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
    tethered: bool = False,
    prepare: "Callable[[Settings], None] | None" = None,
) -> Iterator[Instance]:
    """Surroundings for the length of a block.

    tethered: a supervisor has started it, is told whether it is ready, and takes it along when it ends; it ends itself
    when its loop does not come round any more. prepare: called before anything is opened.
    """
    from understudy.app.roles.probes import Health, serving
    from understudy.app.roles.running import stop_on_signals
    from understudy.app.supervising.tether import end_hung, end_with, exit_hung, kill_self
    from understudy.core.telemetry import configure_logging

    settings = settings_of(config, bootstrap, health_port)
    configure_logging(settings.log.format, settings.log.level)
    if prepare is not None:
        prepare(settings)
    health = Health(settings.health.stale_s, changed=say_ready if tethered else unheard)
    with (
        stop_on_signals() as stop,
        serving(health, settings.health.host, settings.health.port),
        outside(context).open_log(settings) as log,
    ):
        if tethered:
            end_with(sys.stdin.fileno(), stop, kill_self)
            end_hung(health.unhealthy, exit_hung)
        outside(context).tune_process()
        with _telling_supervisor() if tethered else nullcontext():
            yield Instance(settings, log, stop, health)


@contextmanager
def _telling_supervisor() -> Iterator[None]:
    """End with the status by which a supervisor knows that somebody else has the slot."""
    from understudy.app.supervising.launching import FENCED
    from understudy.core.log.errors import Fenced

    try:
        yield
    except Fenced as error:
        typer.echo(f"understudy: {error}", err=True)
        raise typer.Exit(FENCED) from error


def say_ready(is_ready: bool) -> None:
    """Tell the supervisor, which may be gone."""
    from understudy.app.supervising.tether import READY, WAITING

    with suppress(OSError):
        sys.stdout.write(f"{READY if is_ready else WAITING}\n")
        sys.stdout.flush()


def launcher_of(settings: "Settings", config: Path | None, bootstrap: str | None) -> "ProcessLauncher":
    """Starts further instances under the same settings, whose lines people or programs can read, as these can."""
    from understudy.app.supervising.processes import ProcessLauncher

    form = settings.log.format
    if form == "auto":
        form = "console" if sys.stderr.isatty() else "json"
    return ProcessLauncher(
        [
            *([] if config is None else ["--config", str(config)]),
            *([] if bootstrap is None else ["--bootstrap", bootstrap]),
        ],
        prefixed=form == "console",
        environment={"OMP_NUM_THREADS": "1", "UNDERSTUDY_LOG__FORMAT": form},
    )
