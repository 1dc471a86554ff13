"""The command `health`: what a container's health check runs."""

from pathlib import Path
from typing import Annotated

import typer

from understudy.app.options import Config, settings_of


def health(
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask whether it is ready, not only whether it is alive.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Where it answers; default the settings' [health] port.")] = None,
    config: Config = None,
) -> None:
    """Ask the role that runs on this machine how it is.

    Exit status 0: healthy, or ready with --ready; 1: not, and the reason is printed.
    """
    from understudy.app.roles.probes import ask

    answered = ask(_port(port, config), ready=ready)
    typer.echo(answered.text)
    raise typer.Exit(0 if answered.ok else 1)


def _port(given: int | None, config: Path | None) -> int:
    if given:
        return given
    from understudy.core.settings import SettingsError

    port = settings_of(config).health.port
    if not port:
        raise SettingsError("[health] port is not set: set it for the role too, or name the port with --port.")
    return port
