"""The command `demo`."""

from pathlib import Path
from typing import Annotated

import typer

from understudy.app.broker_choice import OPTIONS


def demo(
    *,
    broker: Annotated[str, typer.Option(help=f"What it runs on: {OPTIONS}.")] = "auto",
    fast: Annotated[bool, typer.Option("--fast", help="Fewer events.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures there, as JSON.")
    ] = None,
) -> None:
    """Replay real flights through every role and show it.

    It trains three models and needs a checkout of the project: make demo.
    """
    import json
    from dataclasses import asdict

    from understudy.app.demo.screen import Screen
    from understudy.app.demo.story import Wanted, play

    board = play(Wanted(broker, fast), Screen())
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(board), indent=2, default=str), encoding="utf-8")
