"""The command `worker`: answers what one version is asked, or supervises the workers that the releases need."""

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.commands.instance import Instance, Tethered, instance, launcher_of
from understudy.app.options import Bootstrap, Config, HealthPort, Slot, a_version

if TYPE_CHECKING:
    from understudy.app.supervising.launching import Launch
    from understudy.app.supervising.processes import ProcessLauncher
    from understudy.app.supervising.wanted import Kind
    from understudy.core.settings import Settings

Version = Annotated[
    str | None, typer.Argument(metavar="[NAME:VERSION]", callback=a_version, help="The deployed version to work for.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Run a worker for each version that is deployed.")]
Reclaim = Annotated[bool, typer.Option("--reclaim", help="Account for what this withdrawn version owes.")]
Careful = Annotated[bool, typer.Option("--careful", help="Score first in processes of their own; after a crash.")]
Candidate = Annotated[bool, typer.Option("--candidate", help="Leave processor and memory to others.")]


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
    from understudy.app.roles.restraint import bound_memory
    from understudy.app.roles.running import log_answers
    from understudy.app.supervising.launching import Launch

    if follow == (version is not None):
        raise typer.BadParameter("name a version, or say --follow")

    def prepare(settings: "Settings") -> None:
        if candidate:
            bound_memory(settings.worker.candidate_memory_mb << 20)

    with instance(context, config, bootstrap, health_port, tethered=tethered, prepare=prepare) as here:
        if not log_answers(here.log, here.stop, here.health):
            return
        if version is None:
            _supervise(here, slot or socket.gethostname(), launcher_of(here.settings, config, bootstrap))
        else:
            kind: Kind = "reclaimer" if reclaim else "candidate" if candidate else "production"
            _work(here, Launch(version, kind, slot or socket.gethostname(), careful))


def _supervise(here: Instance, slot: str, launcher: "ProcessLauncher") -> None:
    from understudy.app.supervising.loop import supervise
    from understudy.deployments.following import Follower

    with Follower(here.log, here.settings.names) as follower:
        supervise(here.settings, here.log, follower.state, slot, launcher, here.stop, here.health)


def _work(here: Instance, launch: "Launch") -> None:
    from understudy.app.roles.building import nothing
    from understudy.app.roles.restraint import yield_to_others
    from understudy.app.roles.working import work
    from understudy.deployments.following import Follower

    loaded = yield_to_others if launch.kind == "candidate" else nothing
    with Follower(here.log, here.settings.names) as follower:
        work(here.settings, here.log, follower.state, launch, here.stop, here.health, loaded=loaded)
