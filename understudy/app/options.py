"""Options that several commands share, and what commands take from outside."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file; default understudy.toml in the working directory."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Slot = Annotated[
    str | None,
    typer.Option(help="Stable name of this instance; a restart under it takes over at once. Default: the host name."),
]
Bootstrap = Annotated[
    str | None,
    typer.Option(help="Kafka's host:port; overrides the settings."),
]

HealthPort = Annotated[
    int | None,
    typer.Option("--health-port", min=0, max=65_535, help="Answer /healthz and /readyz on this port; 0 is off."),
]

OpenLog = Callable[["Settings"], AbstractContextManager["Log"]]


def leave_process() -> None:
    """Leave the process as it is."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What commands take from outside: how a log is opened, and what is set for a process that runs a role."""

    open_log: OpenLog
    tune_process: Callable[[], None] = leave_process


def outside(context: typer.Context) -> Outside:
    """What `understudy.app.cli.main`, or a test, gave."""
    given = context.obj
    if not isinstance(given, Outside):
        raise TypeError("commands are started through understudy.app.cli, which says how a log is opened")
    return given


def a_version(value: str | None) -> str | None:
    """The callback of an argument NAME:VERSION: what cannot be one is wrong usage."""
    from understudy.core.topics import BadName, parse_version  # noqa: PLC0415 - --help is to answer at once

    if value is not None:
        try:
            parse_version(value)
        except BadName as error:
            raise typer.BadParameter(str(error)) from error
    return value


def settings_of(config: Path | None, bootstrap: str | None = None, health_port: int | None = None) -> "Settings":
    """The settings, with the flags that stand above them. Raises SettingsError."""
    from understudy.core.settings_loading import load  # noqa: PLC0415 - --help is to answer at once

    flags: dict[str, Any] = {}
    if bootstrap is not None:
        flags["kafka"] = {"bootstrap": bootstrap}
    if health_port is not None:
        flags["health"] = {"port": health_port}
    return load(config, flags)
