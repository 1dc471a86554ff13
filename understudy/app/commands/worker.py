"""The command `worker`: answers what one version is asked, or supervises the workers that the releases need."""

import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.commands.instance import Instance, instance, unheard
from understudy.app.options import Bootstrap, Config, HealthPort, Slot

if TYPE_CHECKING:
    from understudy.app.supervising.launching import Launch
    from understudy.app.supervising.processes import ProcessLauncher
    from understudy.app.supervising.wanted import Kind
    from understudy.core.settings import Settings

Version = Annotated[str | None, typer.Argument(metavar="[NAME:VERSION]", help="The deployed version to work for.")]
Follow = Annotated[bool, typer.Option("--follow", help="Run a worker for each version that is deployed.")]
Reclaim = Annotated[bool, typer.Option("--reclaim", help="Account for what this withdrawn version owes.")]
Careful = Annotated[bool, typer.Option("--careful", help="Score first in processes of their own; after a crash.")]
Candidate = Annotated[bool, typer.Option("--candidate", help="Leave processor and memory to others.")]
Tethered = Annotated[bool, typer.Option("--tethered", hidden=True, help="End with standard input.")]


def worker(
    context: typer.Context,
    version: Version = None,
    *,
    follow: Follow = False,
    reclaim: Reclaim = False,
    careful: Careful = False,
    candidate: Candidate = False,
    tethered: Tethered = False,
    slot: Slot = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    health_port: HealthPort = None,
) -> None:
    """Run a worker: it answers what a deployed version is asked. Or, with --follow, all workers that are needed.

    It runs until SIGTERM or Ctrl-C, or until its version is withdrawn. With --follow each version has a process of
    its own, started, restarted and ended as the releases want it.
    """
    from understudy.app.restraint import hold_back
    from understudy.app.supervising.launching import Launch

    if follow == (version is not None):
        raise typer.BadParameter("name a version, or say --follow")

    def prepare(settings: "Settings") -> None:
        if candidate:
            hold_back(settings.worker.candidate_memory_mb << 20)

    ready = say_ready if tethered else unheard
    with instance(context, config, bootstrap, health_port, ready=ready, prepare=prepare) as here:
        if version is None:
            _supervise(here, slot or socket.gethostname(), _launcher(here.settings, config, bootstrap))
        else:
            kind: Kind = "reclaimer" if reclaim else "candidate" if candidate else "production"
            _work(here, Launch(version, kind, slot or socket.gethostname(), careful), tethered=tethered)


def _supervise(here: Instance, slot: str, launcher: "ProcessLauncher") -> None:
    from understudy.app.supervising.loop import supervise
    from understudy.deployments.following import Follower

    with Follower(here.log, here.settings.names) as follower:
        supervise(here.settings, here.log, follower.state, slot, launcher, here.stop, here.health)


def _launcher(settings: "Settings", config: Path | None, bootstrap: str | None) -> "ProcessLauncher":
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


def _work(here: Instance, launch: "Launch", *, tethered: bool) -> None:
    from understudy.app.supervising.launching import FENCED
    from understudy.app.supervising.tether import end_with, kill_self
    from understudy.app.working import work
    from understudy.core.log.errors import Fenced
    from understudy.deployments.following import Follower

    if tethered:
        end_with(sys.stdin.fileno(), here.stop, kill_self)
    try:
        with Follower(here.log, here.settings.names) as follower:
            work(here.settings, here.log, follower.state, launch, here.stop, here.health)
    except Fenced as error:
        if not tethered:
            raise
        typer.echo(f"understudy: {error}", err=True)
        raise typer.Exit(FENCED) from error


def say_ready(is_ready: bool) -> None:
    """Tell the supervisor, which may be gone."""
    from understudy.app.supervising.tether import READY, WAITING

    with suppress(OSError):
        sys.stdout.write(f"{READY if is_ready else WAITING}\n")
        sys.stdout.flush()
