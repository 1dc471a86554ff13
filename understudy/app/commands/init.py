"""The command `init`."""

from pathlib import Path
from typing import Annotated

import typer

from understudy.app.output import say


def init(
    name: Annotated[str, typer.Argument(help="What the endpoint is called.")],
    *,
    folder: Annotated[
        Path | None, typer.Option(file_okay=False, help="Where its files go; default a folder of that name.")
    ] = None,
) -> None:
    """Write the files of a new endpoint, which work as they are.

    Settings, the events' schema, a training program, and events to try them with. Nothing is replaced.
    """
    from understudy.app.starter.starting import write_starter

    where = folder or Path(name)
    for file in write_starter(where, name):
        say(f"Wrote {file}")
    say(f"\nWhat to do next stands at the beginning of {where / 'understudy.toml'}.")
