"""The command `demo`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from understudy.app.broker_choice import OPTIONS

BrokerChoice = Annotated[str, typer.Option("--broker", help=f"What it runs on: {OPTIONS}.")]
Fast = Annotated[bool, typer.Option("--fast", help="A tenth of the flights, as fast as they go; for tests.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write every figure there, too.")]


def demo(*, broker: BrokerChoice = "auto", fast: Fast = False, json_file: JsonFile = None) -> None:
    """Replay real flights through every role and show it.

    It trains three models and needs a checkout of the project: make demo.
    """
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.story import Wanted, play
    from understudy.app.demo.summary import as_json, summary

    screen = Screen()
    choice, board = play(Wanted(broker, fast), screen)
    screen.say(summary(board))
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(board, choice.bootstrap or choice.kind), indent=2), encoding="utf-8")
        screen.say(f"Every figure is in {json_file}.")
