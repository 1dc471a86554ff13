"""The commands `broker start`, `broker stop` and `broker status`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.options import AsJson
from understudy.app.output import say, say_json

if TYPE_CHECKING:
    from understudy.app.brokers.local import BrokerInfo

USUAL_PORT = 9092

Folder = Annotated[Path | None, typer.Option(help="The broker's folder; default one in your home.")]


def start(*, folder: Folder = None, as_json: AsJson = False) -> None:
    """Start a local Kafka broker, or find it running. Needs Java, and Maven once, to download Kafka.

    It listens on 127.0.0.1:9092, where endpoints look for a broker by default, or on another port if that is taken.
    """
    from understudy.app.brokers import local

    _show(local.start(folder, port=USUAL_PORT), as_json)


def stop(*, folder: Folder = None, as_json: AsJson = False) -> None:
    """Stop the local broker. Its data stays."""
    from understudy.app.brokers import local

    stopped = local.stop(folder)
    if as_json:
        say_json({"stopped": stopped})
    else:
        say("stopped" if stopped else "no broker was running")


def status(*, folder: Folder = None, as_json: AsJson = False) -> None:
    """Say whether the local broker runs, and where. The exit status is 1 when it does not."""
    from understudy.app.brokers import local

    info = local.status(folder)
    _show(info, as_json)
    if info is None:
        raise typer.Exit(1)


def _show(info: "BrokerInfo | None", as_json: bool) -> None:
    if as_json:
        say_json(None if info is None else _fields(info))
    elif info is None:
        say("no broker is running")
    else:
        say(f"Kafka {info.version} is running on {info.bootstrap} (process {info.pid}, folder {info.folder})")


def _fields(info: "BrokerInfo") -> dict[str, object]:
    return {
        "bootstrap": info.bootstrap,
        "pid": info.pid,
        "folder": str(info.folder),
        "version": info.version,
    }
